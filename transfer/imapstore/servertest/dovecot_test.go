package servertest

import (
	"testing"
)

func TestDovecotTakesTheCorpus(t *testing.T) {
	s := StartDovecot(t, DovecotOptions{Memory: true})
	c := NewCorpus(CorpusOptions{Small: true, Few: true})
	refused, err := Fill(t.Context(), s.Addr, "anna", s.Password, c)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range refused {
		t.Log(r)
	}
	m, err := Snapshot(t.Context(), s.Addr, "anna", s.Password)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(m.Messages(), c.Messages(), len(m.Folders), len(c.Folders))
	for p, f := range m.Folders {
		t.Log(p, f.NoSelect, f.Roles, len(f.Messages), m.Subscribed[p])
	}
}
