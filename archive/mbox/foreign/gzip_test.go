package foreign_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailferry/archive/mbox/foreign"
	"mailferry/transfer/mail"
)

// TestDamagedGzipIsNeverNoMail: what is no mail is passed over where a tree is read.
func TestDamagedGzipIsNeverNoMail(t *testing.T) {
	var text strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&text, "%sSubject: %d\nMessage-ID: <%d@example.org>\n\ntext %d\n\n", fromLine, i, i*7919, i*i)
	}
	whole := packed(text.String())
	open := func(name, data string) error {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := foreign.Open(path, foreign.Options{Spool: t.TempDir()})
		if err == nil {
			_ = m.Close()
		}
		return err
	}
	cuts := []int{len(whole) / 2, len(whole) - 9, len(whole) - 1}
	for n := range 200 {
		cuts = append(cuts, n)
	}
	for _, n := range cuts {
		if err := open("inbox.gz", whole[:n]); err == nil || mail.ErrorOf(err).Kind != mail.KindDamaged {
			t.Errorf("cut to %d of %d octets: %v", n, len(whole), err)
		}
	}
	for at := 10; at < len(whole); at += 1 + len(whole)/500 {
		flipped := []byte(whole)
		flipped[at] ^= 0x55
		if err := open("inbox.mbox", string(flipped)); err == nil || mail.ErrorOf(err).Kind != mail.KindDamaged {
			t.Errorf("octet %d flipped: %v", at, err)
		}
	}
	if err := open("inbox.gz", packed("")); err != nil {
		t.Errorf("an empty mbox: %v", err)
	}
	if err := open("inbox", ""); err != nil {
		t.Errorf("an empty mbox: %v", err)
	}
}
