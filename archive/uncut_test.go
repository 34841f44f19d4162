package archive_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailferry/archive"
)

// oursIn counts the messages of ours in the INBOX of an mbox archive.
func oursIn(t *testing.T, dir string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "INBOX.mbox"))
	ok(t, err)
	return strings.Count(string(text), "\nX-Mailferry:")
}

// TestWhatOthersMovedBehindTheEndIsNotCut: a program that saves makes every message longer, so that recorded ones stand
// behind the recorded end. One that is not whole among them looks like what a crash leaves, and is not.
func TestWhatOthersMovedBehindTheEndIsNotCut(t *testing.T) {
	const many, harmed = 60, 58
	flipped := func(m string) string { return strings.Replace(m, "This is", "Thys is", 1) }
	shorter := func(m string) string { return strings.Replace(m, "This is", "This", 1) }
	for _, c := range []struct {
		name  string
		do    func(list []string) []string
		kinds string
	}{
		{"one is rotten", func(m []string) []string { m[harmed] = flipped(m[harmed]); return m }, "rewritten"},
		{"one is edited", func(m []string) []string { m[harmed] = shorter(m[harmed]); return m }, "rewritten"},
		{"the last is edited", func(m []string) []string { m[many-1] = shorter(m[many-1]); return m }, "rewritten"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "a")
			a := create(t, dir, archive.Options{Format: archive.MBox})
			run(t, a, true, func() { putLetters(t, a, inbox, 1, many) })
			closed(t, a)
			changeMbox(t, dir, func(list []string) []string {
				for i := range list {
					list[i] = asMuttSaves(list[i])
				}
				return c.do(list)
			})
			for range 2 {
				a = open(t, dir, archive.Options{Write: true})
				run(t, a, true, func() { putLetters(t, a, inbox, many+1, many+1) })
				closed(t, a)
			}
			if n := oursIn(t, dir); n != many+2 {
				t.Errorf("%d messages are in the file, want %d", n, many+2)
			}
			if got := strings.Join(damages(t, open(t, dir, archive.Options{})), " "); got != c.kinds {
				t.Errorf("verify tells %q, want %q", got, c.kinds)
			}
		})
	}
}

// TestWhatTheCopyDoesNotKnowIsNotCut: a copy of the catalogue is older than the messages that a run has confirmed before it
// was killed.
func TestWhatTheCopyDoesNotKnowIsNotCut(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a")
	a := create(t, dir, archive.Options{Format: archive.MBox})
	run(t, a, true, func() { putLetters(t, a, inbox, 1, 10) })
	closed(t, a)
	copied, err := os.ReadFile(own(dir, "catalogue.copy"))
	ok(t, err)
	a = open(t, dir, archive.Options{Write: true})
	run(t, a, true, func() { putLetters(t, a, inbox, 11, 30) })
	closed(t, a)
	for name, text := range map[string]string{"catalogue.copy": string(copied), "lock": "pid 4711\n", "catalogue.db": "no catalogue"} {
		ok(t, os.WriteFile(own(dir, name), []byte(text), 0o600))
	}
	changeMbox(t, dir, func(list []string) []string {
		list[11] = strings.Replace(list[11], "This is", "Thys is", 1)
		return list
	})
	closed(t, open(t, dir, archive.Options{Write: true}))
	if n := oursIn(t, dir); n != 30 {
		t.Errorf("%d of 30 messages are left in the file", n)
	}
	a = open(t, dir, archive.Options{})
	if got := damages(t, a); len(got) != 1 || got[0] != "changed" {
		t.Errorf("verify tells %q", got)
	}
}
