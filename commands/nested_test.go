package commands

import (
	"os"
	"path/filepath"
	"testing"
)

func TestEndsOfWhichOneLiesInsideTheOther(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"mail/sub", "mailbox", "elsewhere"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"link": "mail", "elsewhere/sub": "../mail/sub", "mail/out": "../elsewhere"} {
		if err := os.Symlink(to, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "mail/box"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		source, dest string
		refused      bool
	}{
		{"mail", "mail", true},
		{"mail", "mail/backup", true},
		{"mail", "mail/a/b/c", true},
		{"mail", "link/backup", true},
		{"link", "mail/backup", true},
		{"link", "mail", true},
		{"mail", "elsewhere/sub/backup", true},
		{"mail/sub", "mail", true},
		{"mail/sub", "link", true},
		{"mail/box", "mail", true},
		{"mail", "mailbox", false},
		{"mailbox", "mail", false},
		{"mail", "mail2/backup", false},
		{"mail", "elsewhere/backup", false},
		{"mail", "mail/out/backup", false},
		{"mail/sub", "mail/other", false},
		{"mail/box", "mail/box2", false},
	} {
		at := func(name string) address { return address{path: filepath.Join(root, name)} }
		if err := admitPlaces(at(c.source), at(c.dest)); (err != nil) != c.refused {
			t.Errorf("%s to %s: %v", c.source, c.dest, err)
		} else if err != nil && codeOf(err) != exitUsage {
			t.Errorf("%s to %s: exit code %d", c.source, c.dest, codeOf(err))
		}
	}
	if err := admitPlaces(address{user: "a", host: "h"}, address{path: root}); err != nil {
		t.Error(err)
	}
}
