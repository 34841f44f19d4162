package archive_test

import (
	"os"
	"testing"

	"mailferry/archive"
)

// TestTheCopyIsTheCatalogue after each run that changed it, and of no use is nothing that stands in its way.
func TestTheCopyIsTheCatalogue(t *testing.T) {
	forBoth(t, func(t *testing.T, format archive.Format) {
		src, dir := account(t), t.TempDir()+"/a"
		closed(t, create(t, dir, archive.Options{Format: format}))
		copied := func() string {
			t.Helper()
			text, err := os.ReadFile(own(dir, "catalogue.copy"))
			ok(t, err)
			return string(text)
		}
		for range 2 {
			backup(t, src, dir, nil)
			if text, err := os.ReadFile(own(dir, "catalogue.db")); err != nil || string(text) != copied() {
				t.Errorf("the copy is another: %v", err)
			}
			more(src)
		}
		before := copied()
		ok(t, os.WriteFile(own(dir, "catalogue.copy.new"), []byte("of a run that was killed, and longer than"), 0o400))
		backup(t, src, dir, nil)
		if copied() == before {
			t.Error("the copy is that of the run before")
		}
	})
}

// TestACopyThatCannotBeMade is told, costs nothing else, and leaves the older one in force.
func TestACopyThatCannotBeMade(t *testing.T) {
	forBoth(t, func(t *testing.T, format archive.Format) {
		src, dir := account(t), t.TempDir()+"/a"
		closed(t, create(t, dir, archive.Options{Format: format}))
		backup(t, src, dir, nil)
		ok(t, os.Mkdir(own(dir, "catalogue.copy.new"), 0o700))
		a := open(t, dir, archive.Options{Write: true})
		putLetters(t, a, inbox, 4711, 4711)
		if a.Close() == nil {
			t.Error("nobody is told that there is no copy")
		}
		ok(t, os.Remove(own(dir, "catalogue.copy.new")))

		var notes []string
		note := func(s string) { notes = append(notes, s) }
		closed(t, open(t, dir, archive.Options{Write: true, Note: note}))
		if len(notes) > 0 {
			t.Errorf("after a copy that could not be made: %q", notes)
		}
		flip(t, own(dir, "catalogue.db"), 5000)
		a = open(t, dir, archive.Options{Write: true, Note: note})
		defer closed(t, a)
		if runs, err := a.Runs(t.Context()); err != nil || len(runs) != 1 || len(notes) != 2 { // one that it is made again, and one of the message that the copy lacks
			t.Errorf("from the older copy: %d runs, %v, %q", len(runs), err, notes)
		}
	})
}
