package archive_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailferry/archive"
	"mailferry/transfer/mail"
)

// TestWhatIsNoArchiveIsRefusedAndLeftAlone is the table of wrong paths.
func TestWhatIsNoArchiveIsRefusedAndLeftAlone(t *testing.T) {
	write := func(t *testing.T, name string) {
		ok(t, os.MkdirAll(filepath.Dir(name), 0o755))
		ok(t, os.WriteFile(name, []byte("precious"), 0o644))
	}
	for _, c := range []struct {
		name         string
		make         func(t *testing.T, dir string)
		open, create string // part of the error's text; "": no error
	}{
		{"nothing", func(t *testing.T, dir string) {}, "nothing of that name", ""},
		{"an empty directory", func(t *testing.T, dir string) { ok(t, os.Mkdir(dir, 0o700)) }, "no archive", ""},
		{"a file", write, "it is a file", "it is a file"},
		{"other things", func(t *testing.T, dir string) { write(t, dir+"/photo.jpg") }, "no archive", "not empty"},
		{"a Maildir of somebody", func(t *testing.T, dir string) { write(t, dir+"/cur/1600000000.M1P1.host:2,S") }, "no archive", "not empty"},
		{"an archive with a folder that leads out of it", func(t *testing.T, dir string) {
			closed(t, create(t, dir, archive.Options{}))
			out := t.TempDir()
			write(t, out+"/precious")
			ok(t, os.RemoveAll(dir+"/cur"))
			ok(t, os.Symlink(out, dir+"/cur"))
		}, "symbolic link: cur", "an archive already"},
		{"an archive whose own directory leads out of it", func(t *testing.T, dir string) {
			closed(t, create(t, dir, archive.Options{}))
			out := filepath.Join(t.TempDir(), "own")
			ok(t, os.Rename(dir+"/.mailferry", out))
			ok(t, os.Symlink(out, dir+"/.mailferry"))
		}, "no directory", "an archive already"},
		{"a folder below in an mbox archive that leads out of it", func(t *testing.T, dir string) {
			a := create(t, dir, archive.Options{Format: archive.MBox})
			ok(t, a.Create(t.Context(), mail.Folder{Path: mail.ParsePath("Archive/2024")}))
			closed(t, a)
			out := filepath.Join(t.TempDir(), "2024.mbox")
			ok(t, os.Rename(dir+"/Archive/2024.mbox", out))
			ok(t, os.Symlink(out, dir+"/Archive/2024.mbox"))
		}, "symbolic link", "an archive already"},
		{"a Maildir folder whose cur leads out of it", func(t *testing.T, dir string) {
			a := create(t, dir, archive.Options{})
			ok(t, a.Create(t.Context(), mail.Folder{Path: mail.NewPath("Sub")}))
			closed(t, a)
			out := filepath.Join(t.TempDir(), "cur")
			ok(t, os.Rename(dir+"/.Sub/cur", out))
			ok(t, os.Symlink(out, dir+"/.Sub/cur"))
		}, "symbolic link", "an archive already"},
		{"a catalogue that is a link", func(t *testing.T, dir string) {
			closed(t, create(t, dir, archive.Options{}))
			out := filepath.Join(t.TempDir(), "catalogue.db")
			ok(t, os.Rename(dir+"/.mailferry/catalogue.db", out))
			ok(t, os.Symlink(out, dir+"/.mailferry/catalogue.db"))
		}, "symbolic link", "an archive already"},
		{"a file called .mailferry", func(t *testing.T, dir string) { write(t, dir+"/.mailferry") }, "no directory", "an archive already"},
		{"a link to nothing", func(t *testing.T, dir string) { ok(t, os.Symlink("/nowhere/at/all", dir)) }, "nothing of that name", "link to nothing"},
		{"an archive that a link leads out of", func(t *testing.T, dir string) {
			a := create(t, dir, archive.Options{})
			closed(t, a)
			out := t.TempDir()
			write(t, out+"/cur/precious")
			ok(t, os.Symlink(out, dir+"/.Out"))
		}, "symbolic link: .Out", "an archive already"},
	} {
		t.Run(c.name, func(t *testing.T) {
			parent := t.TempDir()
			dir := filepath.Join(parent, "a")
			c.make(t, dir)
			before := tree(t, parent)
			for _, write := range []bool{false, true} {
				a, err := archive.Open(t.Context(), dir, archive.Options{Write: write})
				expectRefusal(t, a, err, c.open)
			}
			if after := tree(t, parent); after != before {
				t.Errorf("opening changed\n%s\nto\n%s", before, after)
			}
			a, err := archive.Create(t.Context(), dir, archive.Options{})
			expectRefusal(t, a, err, c.create)
			if after := tree(t, parent); c.create != "" && after != before {
				t.Errorf("creating changed\n%s\nto\n%s", before, after)
			}
		})
	}
}

func expectRefusal(t *testing.T, a *archive.Archive, err error, text string) {
	t.Helper()
	if text == "" {
		if ok(t, err); a != nil {
			closed(t, a)
		}
		return
	}
	var known *mail.Error
	if a != nil || !errors.As(err, &known) || !strings.Contains(err.Error(), text) {
		t.Fatalf("got %v, %v; want an error with %q", a, err, text)
	}
	if known.Scope != mail.ScopeStore || known.Retry != mail.RetryNever {
		t.Errorf("scope %d, retry %d", known.Scope, known.Retry)
	}
}

func TestASecondWriterIsToldWhoHoldsTheArchive(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a")
	a := create(t, dir, archive.Options{})
	_, err := archive.Open(t.Context(), dir, archive.Options{Write: true})
	if e := mail.ErrorOf(err); e.Kind != mail.KindLocked || !strings.Contains(err.Error(), "process ") || e.Hint == "" {
		t.Errorf("the second writer: %v", err)
	}
	putLetters(t, a, inbox, 1, 2) // the first goes on
	reader := open(t, dir, archive.Options{})
	expectSound(t, reader)
	closed(t, a)
	again := open(t, dir, archive.Options{Write: true})
	expectSound(t, again)
}

func TestReadingChangesNothing(t *testing.T) {
	forBoth(t, func(t *testing.T, format archive.Format) {
		dir := filepath.Join(t.TempDir(), "a")
		a := create(t, dir, archive.Options{Format: format})
		putLetters(t, a, inbox, 1, 3)
		closed(t, a)
		before := tree(t, dir)
		r := open(t, dir, archive.Options{})
		want := dump(t, r)
		expectSound(t, r)
		if err := r.Create(t.Context(), mail.Folder{Path: mail.NewPath("x")}); err == nil {
			t.Error("a folder was made")
		}
		if w, err := r.OpenWriter(t.Context(), inbox); err == nil {
			w.Close()
			t.Error("a writer was opened")
		}
		if err := r.BeginRun(t.Context(), source); err == nil {
			t.Error("a run was begun")
		}
		closed(t, r)
		if after := tree(t, dir); after != before {
			t.Errorf("reading changed\n%s\nto\n%s", before, after)
		}
		ok(t, os.RemoveAll(filepath.Join(dir, ".mailferry", "catalogue.db")))
		ok(t, os.RemoveAll(filepath.Join(dir, ".mailferry", "catalogue.copy")))
		before = tree(t, dir)
		r = open(t, dir, archive.Options{})
		if got := dump(t, r); got != want {
			t.Errorf("without a catalogue:\n%s\nwant\n%s", got, want)
		}
		closed(t, r)
		if after := tree(t, dir); after != before {
			t.Errorf("reading without a catalogue changed\n%s\nto\n%s", before, after)
		}
		if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "mailferry-catalogue-*")); len(left) > 0 && os.Getenv("TMPDIR") != "" {
			t.Errorf("left behind: %q", left)
		}
	})
}

func TestAnArchiveThatCannotBeWrittenIsLeftAlone(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may write everything")
	}
	dir := filepath.Join(t.TempDir(), "a")
	a := create(t, dir, archive.Options{})
	putLetters(t, a, inbox, 1, 1)
	closed(t, a)
	ok(t, os.Chmod(filepath.Join(dir, ".mailferry", "lock"), 0o400))
	ok(t, os.Chmod(filepath.Join(dir, ".mailferry"), 0o500))
	t.Cleanup(func() { os.Chmod(filepath.Join(dir, ".mailferry"), 0o700) })
	_, err := archive.Open(t.Context(), dir, archive.Options{Write: true})
	if e := mail.ErrorOf(err); err == nil || e.Kind != mail.KindRefused {
		t.Errorf("opened for writing: %v", err)
	}
	expectSound(t, open(t, dir, archive.Options{}))
}

func TestANewerCatalogueIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a")
	closed(t, create(t, dir, archive.Options{}))
	file := filepath.Join(dir, ".mailferry", "catalogue.db")
	text, err := os.ReadFile(file)
	ok(t, err)
	text[63] = 99 // user_version
	ok(t, os.WriteFile(file, text, 0o600))
	ok(t, os.WriteFile(filepath.Join(dir, ".mailferry", "lock"), nil, 0o600))
	for _, write := range []bool{false, true} {
		if _, err := archive.Open(t.Context(), dir, archive.Options{Write: write}); !errors.Is(err, archive.ErrNewer) {
			t.Errorf("write %t: %v", write, err)
		}
	}
	if now, err := os.ReadFile(file); err != nil || string(now) != string(text) {
		t.Errorf("the file was changed: %v", err)
	}
}
