package other_test

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mailferry/archive/other"
	"mailferry/transfer/mail"
)

// cutOff is text compressed by gzip, without the end.
func cutOff(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()[:b.Len()-6]
}

// TestWhatCannotBeReadIsAFolder that fails, and not passed over like what is no mail.
func TestWhatCannotBeReadIsAFolder(t *testing.T) {
	root := tree(t, map[string]string{
		"Inbox":          letter("1", ""),
		"2019.mbox.gz":   cutOff(t, letter("2", "")),
		"Work/away":      "-> /nowhere/mail",
		"Work/mbox":      "-> /nowhere/mbox",
		"lock":           "-> 127.0.1.1:+4711",
		"index.sqlite":   "SQLite format 3\x00",
		"closed":         letter("3", ""),
		"Work/todo.text": "Dear Sir\n",
	})
	want := []string{"2019", "Work", "Work/away"}
	if err := os.Chmod(filepath.Join(root, "closed"), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := os.ReadFile(filepath.Join(root, "closed")); err != nil { // nothing is closed to root
		want = append(want, "closed")
	}
	var notes []string
	s, err := other.Open(t.Context(), root, other.Options{Kind: other.MBox, Spool: t.TempDir(), Note: func(text string) { notes = append(notes, text) }})
	if err != nil {
		t.Fatal(err)
	}
	folders, err := s.Folders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var failed []string
	for _, f := range folders {
		r, err := s.OpenReader(t.Context(), f.Path)
		if err == nil {
			_ = r.Close()
		} else {
			failed = append(failed, f.Path.String())
		}
		if e := mail.ErrorOf(err); (err == nil) != (f.Status != nil) || err != nil && (e.Scope != mail.ScopeFolder || e.Folder != f.Path) {
			t.Errorf("%q: listed with %+v, opened with %v", f.Path, f.Status, err)
		}
	}
	if !slices.Equal(failed, want) {
		t.Errorf("%q cannot be read, want %q", failed, want)
	}
	told := strings.Join(notes, "\n")
	for _, text := range []string{"passed over: lock:", "passed over: index.sqlite:", "passed over: Work/todo.text:", "cannot be read: 2019.mbox.gz:", "cannot be read: Work/away:"} {
		if !strings.Contains(told, text) {
			t.Errorf("nobody is told %q, but\n%s", text, told)
		}
	}
}

// TestAnArchiveInATreeIsNoPartOfIt: a backup into the tree that is backed up would grow by itself.
func TestAnArchiveInATreeIsNoPartOfIt(t *testing.T) {
	for kind, files := range map[other.Kind]map[string]string{
		other.MBox:    {"Inbox": letter("1", ""), "backup/INBOX.mbox": letter("1", ""), "backup/.mailferry/lock": ""},
		other.Maildir: {"cur/1.M1.host:2,": "Subject: 1\n", "new/": "", "backup/cur/2.M1.host:2,": "Subject: 1\n", "backup/new/": "", "backup/.mailferry/lock": ""},
	} {
		var notes []string
		s, err := other.Open(t.Context(), tree(t, files), other.Options{Kind: kind, Spool: t.TempDir(), Note: func(text string) { notes = append(notes, text) }})
		if err != nil {
			t.Fatal(err)
		}
		if got := contents(t, s); strings.Count(got, "\n") != 1 || len(notes) != 1 || notes[0] != "passed over: backup: an archive that mailferry made" {
			t.Errorf("%s: read\n%snotes %q", kind, got, notes)
		}
	}
}
