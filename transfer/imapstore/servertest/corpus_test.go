package servertest

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"strings"
	"testing"
	"time"

	"mailferry/transfer/mail"
)

func TestEqualSeedsGiveEqualCorpora(t *testing.T) {
	o := CorpusOptions{Seed: 3, Small: true, Few: true}
	if d := Diff(NewCorpus(o).Mailbox(), NewCorpus(o).Mailbox()); d != nil {
		t.Errorf("two of one seed differ: %s", Report(d, 5))
	}
	other := o
	other.Seed = 4
	if d := Diff(NewCorpus(o).Mailbox(), NewCorpus(other).Mailbox()); len(d) < 100 {
		t.Errorf("another seed gives %d differences only", len(d))
	}
	c := NewCorpus(o)
	for _, f := range c.Folders {
		for i, m := range f.Messages {
			if !bytes.Equal(m.Raw(), m.Raw()) {
				t.Errorf("%q message %d: Raw gave two texts", f.Path(), i)
			}
		}
	}
}

func TestCorpusIsAsLargeAsPromised(t *testing.T) {
	if testing.Short() {
		t.Skip("makes 120 MB of mail")
	}
	c := NewCorpus(CorpusOptions{})
	total, largest, real := 0, 0, 0
	var first, last time.Time
	zones := map[int]bool{}
	for _, f := range c.Folders {
		if !f.NoSelect {
			real++
		}
		for _, m := range f.Messages {
			size := len(m.Raw())
			total, largest = total+size, max(largest, size)
			if first.IsZero() || m.Date.Before(first) {
				first = m.Date
			}
			if m.Date.After(last) {
				last = m.Date
			}
			_, offset := m.Date.Zone()
			zones[offset] = true
		}
	}
	if n := c.Messages(); n < 2000 || real < 20 || total < 100<<20 || total > 150<<20 || largest < 30<<20 {
		t.Errorf("%d messages in %d folders, %d octets, the largest %d", n, real, total, largest)
	}
	if years := last.Sub(first).Hours() / 24 / 365; years < 14 || len(zones) < 5 {
		t.Errorf("%.1f years and %d zones", years, len(zones))
	}
}

func TestCorpusHasEveryKindOfTrouble(t *testing.T) {
	c := NewCorpus(CorpusOptions{Small: true})
	folder := func(components ...string) Folder {
		i := slices.IndexFunc(c.Folders, func(f Folder) bool { return slices.Equal(f.Components, components) })
		if i < 0 {
			t.Fatalf("no folder %q", components)
		}
		return c.Folders[i]
	}
	if f := folder("Empty"); len(f.Messages) != 0 || f.NoSelect {
		t.Errorf("Empty: %+v", f)
	}
	if f := folder("Deep", "er"); !f.NoSelect {
		t.Error("Deep/er is no pure parent")
	}
	flags := mail.Flags{}
	for _, m := range folder("Flags and keywords").Messages {
		flags = flags.Union(mail.NewFlags(m.Flags...))
	}
	if keywords := flags.Filter(func(f string) bool { return !mail.IsSystem(f) }); len(keywords) != 40 || len(flags) != 45 {
		t.Errorf("%d flags, %d of them keywords", len(flags), len(keywords))
	}
	bodies := map[[32]byte]int{}
	for _, m := range folder("Duplicates").Messages {
		bodies[sha256.Sum256(m.Raw())]++
	}
	for sum, n := range bodies {
		if n != 3 {
			t.Errorf("%x is there %d times", sum[:4], n)
		}
	}
	odd := folder("Odd shapes").Messages
	for what, is := range map[string]func(raw string) bool{
		"empty":             func(raw string) bool { return raw == "" },
		"no final line end": func(raw string) bool { return raw != "" && !strings.HasSuffix(raw, "\n") },
		"bare CR":           func(raw string) bool { return strings.Contains(raw, "a\rb") },
		"bare LF":           func(raw string) bool { return strings.Contains(raw, "a\nb") },
		"8-bit header":      func(raw string) bool { return strings.Contains(raw, "caf\xe9") },
		"From line":         func(raw string) bool { return strings.Contains(raw, "\nFrom ") },
		"no empty line":     func(raw string) bool { return raw != "" && !strings.Contains(raw, "\r\n\r\n") },
	} {
		if !slices.ContainsFunc(odd, func(m Message) bool { return is(string(m.Raw())) }) {
			t.Errorf("no message that is: %s", what)
		}
	}
}

func TestLookalikesShareTheirKeyAndNotTheirBytes(t *testing.T) {
	c := NewCorpus(CorpusOptions{Small: true, Few: true})
	i := slices.IndexFunc(c.Folders, func(f Folder) bool { return f.Components[0] == "Lookalikes" })
	m := c.Folders[i].Messages
	one, other, longer, sameID, alsoSameID, noID := m[0].Raw(), m[1].Raw(), m[2].Raw(), m[3].Raw(), m[4].Raw(), m[5].Raw()
	if mail.KeyOf(one) != mail.KeyOf(other) || len(one) != len(other) || bytes.Equal(one, other) {
		t.Error("the second message is no lookalike of equal size")
	}
	if mail.KeyOf(one) != mail.KeyOf(longer) || len(one) == len(longer) {
		t.Error("the third message is no lookalike of another size")
	}
	id := func(raw []byte) string {
		_, rest, _ := strings.Cut(string(raw), "Message-ID: ")
		line, _, _ := strings.Cut(rest, "\r\n")
		return line
	}
	if id(sameID) == "" || id(sameID) != id(alsoSameID) || mail.KeyOf(sameID) == mail.KeyOf(alsoSameID) {
		t.Error("no two different messages of one Message-ID")
	}
	if mail.KeyOf(noID).HasID {
		t.Error("no message without Message-ID")
	}
}

func TestCorpusLeavesOutWhatAServerCannotHold(t *testing.T) {
	c := NewCorpus(CorpusOptions{
		Small: true, Few: true, NoEmoji: true, NoQuotes: true, NoBareLineEnd: true, NoEmpty: true, NoNoSelect: true,
		Extra: []Folder{{Components: []string{"v1.2"}}},
	})
	for _, f := range c.Folders {
		name := strings.Join(f.Components, "/")
		if f.NoSelect || strings.Contains(name, `"`) || strings.ContainsFunc(name, func(r rune) bool { return r > 0xffff }) {
			t.Errorf("folder %q", name)
		}
		for i, m := range f.Messages {
			raw := strings.ReplaceAll(string(m.Raw()), "\r\n", "")
			if len(m.Raw()) == 0 || strings.ContainsAny(raw, "\r\n\x00") {
				t.Errorf("folder %q message %d: %.60q", name, i, m.Raw())
			}
		}
	}
	if last := c.Folders[len(c.Folders)-1]; last.Components[0] != "v1.2" {
		t.Errorf("the last folder is %q", last.Components)
	}
}
