package commands_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailferry/transfer/imapstore/servertest"
	"mailferry/transfer/mail"
)

// damage is something that happens to an archive of twelve messages on the disk.
type damage struct {
	name, format string
	hurt         func(t *testing.T, dir string)
	named        int // by verify
	whole        int // messages that are left
	asTheyAre    int // messages that --with-damaged restores
}

func damages() []damage {
	return []damage{
		{"a bit is flipped", "mbox", replaceInBox("Subject: new 3\n", "Subject: nev 3\n"), 1, 11, 12},
		{"a bit is flipped", "maildir", func(t *testing.T, dir string) { flipBit(t, letters(t, dir)[3], 5) }, 1, 11, 12},
		{"an editor made one longer", "mbox", replaceInBox("Subject: new 5\n", "Subject: new 5, as I meant it\n"), 1, 11, 12},
		{"a file is cut", "maildir", func(t *testing.T, dir string) { cutFile(t, letters(t, dir)[4], 3) }, 1, 11, 12},
		{"the end is torn off", "mbox", func(t *testing.T, dir string) {
			name := filepath.Join(dir, "INBOX.mbox")
			info, err := os.Stat(name)
			must(t, err, os.Truncate(name, info.Size()-20))
		}, 1, 11, 12},
		{"a file is lost", "maildir", func(t *testing.T, dir string) { must(t, os.Remove(letters(t, dir)[5])) }, 1, 11, 11},
		{"the file is lost", "mbox", func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, "INBOX.mbox"))) }, 12, 0, 0},
		{"two are swapped", "maildir", func(t *testing.T, dir string) {
			f := letters(t, dir)
			must(t, os.Rename(f[6], f[6]+".x"), os.Rename(f[7], f[6]), os.Rename(f[6]+".x", f[7]))
		}, 2, 10, 12},
		{"one is added", "maildir", func(t *testing.T, dir string) {
			must(t, os.WriteFile(filepath.Join(dir, "cur", "1700000000.stranger:2,S"), []byte("Subject: stranger\n\nx\n"), 0o600))
		}, 1, 12, 12},
	}
}

// letters are the files of the INBOX in order.
func letters(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "cur", "*"))
	if err != nil || len(files) != 12 {
		t.Fatal(files, err)
	}
	return files
}

func replaceInBox(old, text string) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		name := filepath.Join(dir, "INBOX.mbox")
		data, err := os.ReadFile(name)
		if !bytes.Contains(data, []byte(old)) {
			t.Fatalf("%q is not in %s", old, name)
		}
		must(t, err, os.WriteFile(name, bytes.Replace(data, []byte(old), []byte(text), 1), 0o600))
	}
}

// TestDamageIsNamedAndNeverRestored hurts an archive in each way on the disk: verify names what is
// hurt, restore leaves it out unless it is told not to, and --repair makes it whole.
func TestDamageIsNamedAndNeverRestored(t *testing.T) {
	src := servertest.StartDovecot(t, servertest.DovecotOptions{Memory: true})
	dst := servertest.StartDovecot(t, servertest.DovecotOptions{Memory: true})
	edit(t, src, "anna", func(e *servertest.Editor) error {
		for n := range 12 {
			if err := e.Append(mail.NewPath("INBOX"), newMail(n)); err != nil {
				return err
			}
		}
		return nil
	})
	before := snapshot(t, src, "anna")
	for _, d := range damages()[:some(len(damages()))] {
		t.Run(d.format+", "+d.name, func(t *testing.T) {
			t.Parallel()
			a := newArchiving(t, src, dst, d.format)
			if code, s := a.backup(t); code != 0 {
				t.Fatalf("exit %d, %+v", code, s)
			}
			d.hurt(t, a.dir())
			d.expectNamed(t, a)
			user := strings.ReplaceAll(d.format+"-"+d.name, " ", "-")
			d.expectRestored(t, a, user)
			if code, s, _ := a.run(t, "verify", a.archive, address(src.Addr, "anna"), "--repair"); d.whole < 12 && code != 0 {
				t.Errorf("repair: exit %d, %v", code, s.problems)
			}
			if d.whole < 12 {
				a.verify(t, address(src.Addr, "anna"))
			}
			if code, s := a.restore(t, user); code != 0 || s.Copied != 12-d.whole {
				t.Errorf("restore after the repair: exit %d, %+v", code, s)
			}
			wantEqual(t, before, snapshot(t, dst, user))
		})
	}
}

func (d damage) expectNamed(t *testing.T, a *archiving) {
	t.Helper()
	code, s, _ := a.run(t, "verify", a.archive)
	if code != 12 || len(s.problems) != d.named+1 { // and the error itself
		t.Errorf("verify: exit %d, %v", code, s.problems)
	}
}

func (d damage) expectRestored(t *testing.T, a *archiving, user string) {
	t.Helper()
	incomplete := func(n int) int {
		if n < 12 {
			return 3
		}
		return 0
	}
	if code, s := a.restore(t, user); code != incomplete(d.whole) || s.Copied != d.whole || s.Failed != 12-d.whole {
		t.Errorf("restore: exit %d, %+v", code, s)
	}
	if n := snapshot(t, a.dst, user).Messages(); n != d.whole {
		t.Errorf("%d messages were restored, want %d", n, d.whole)
	}
	if code, s := a.restore(t, user+"-as-they-are", "--with-damaged"); code != incomplete(d.asTheyAre) || s.Copied != d.asTheyAre {
		t.Errorf("with the damaged: exit %d, %+v", code, s)
	}
}

// TestAnArchiveThatIsBehindIsNotDamaged: what the source has got since is a difference.
func TestAnArchiveThatIsBehindIsNotDamaged(t *testing.T) {
	src := servertest.StartDovecot(t, servertest.DovecotOptions{Memory: true})
	a := newArchiving(t, src, src, "mbox")
	one := func(n int) {
		edit(t, src, "anna", func(e *servertest.Editor) error { return e.Append(mail.NewPath("INBOX"), newMail(n)) })
	}
	one(1)
	if code, s := a.backup(t); code != 0 {
		t.Fatalf("exit %d, %+v", code, s)
	}
	one(2)
	if code, s, _ := a.run(t, "verify", a.archive, address(src.Addr, "anna")); code != 9 || len(s.problems) != 2 {
		t.Errorf("exit %d, %v", code, s.problems)
	}
	replaceInBox("Subject: new 1\n", "Subject: nev 1\n")(t, a.dir())
	if code, _, _ := a.run(t, "verify", a.archive, address(src.Addr, "anna")); code != 12 {
		t.Errorf("damaged and behind: exit %d", code)
	}
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}
