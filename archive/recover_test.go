package archive_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailferry/archive"
	"mailferry/transfer/mail"
)

// filled makes an archive that two runs have filled.
func filled(t *testing.T, format archive.Format) (dir, want string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "a")
	a := create(t, dir, archive.Options{Format: format})
	run(t, a, true, func() {
		putLetters(t, a, inbox, 1, 5, "Work", mail.Seen)
		put(t, a, mail.ParsePath("Odd/%x.y"), message(6, []byte("bare\nlf\r\n")))
		ok(t, a.SetSubscribed(t.Context(), mail.ParsePath("Odd/%x.y"), true))
	})
	run(t, a, true, func() { setFlags(t, a, inbox, mail.FlagChange{UID: 2, Add: mail.NewFlags(mail.Flagged)}) })
	want = dump(t, a)
	closed(t, a)
	return dir, want
}

func own(dir, name string) string { return filepath.Join(dir, ".mailferry", name) }

func flip(t *testing.T, name string, at int) {
	t.Helper()
	text, err := os.ReadFile(name)
	ok(t, err)
	text[at%len(text)] ^= 0x10
	ok(t, os.WriteFile(name, text, 0o600))
}

// TestALostCatalogueIsMadeAgain: whatever happens to the files beside the mail, the
// mail is there afterwards, once each, and nothing is taken for damaged.
func TestALostCatalogueIsMadeAgain(t *testing.T) {
	forBoth(t, func(t *testing.T, format archive.Format) {
		type harm struct {
			name string
			do   func(t *testing.T, dir string)
			copy bool // the copy of the last run helps: history is known
		}
		harms := []harm{
			{"deleted", func(t *testing.T, dir string) { ok(t, os.Remove(own(dir, "catalogue.db"))) }, true},
			{"empty", func(t *testing.T, dir string) { ok(t, os.Truncate(own(dir, "catalogue.db"), 0)) }, true},
			{"cut", func(t *testing.T, dir string) { ok(t, os.Truncate(own(dir, "catalogue.db"), 5000)) }, true},
			{"no lock file", func(t *testing.T, dir string) { ok(t, os.Remove(own(dir, "lock"))) }, true},
			{"the copy too", func(t *testing.T, dir string) {
				ok(t, os.Remove(own(dir, "catalogue.db")))
				flip(t, own(dir, "catalogue.copy"), 5000)
			}, false},
			{"all of it", func(t *testing.T, dir string) { ok(t, os.RemoveAll(filepath.Join(dir, ".mailferry"))) }, false},
			{"nonsense", func(t *testing.T, dir string) {
				for _, name := range []string{"catalogue.db", "catalogue.copy", "lock"} {
					ok(t, os.WriteFile(own(dir, name), []byte("nonsense\n"), 0o600))
				}
			}, false},
		}
		apart := 4999
		if testing.Short() {
			apart = 20_011
		}
		for at := 0; at < 60_000; at += apart {
			harms = append(harms, harm{fmt.Sprintf("flipped at %d", at), func(t *testing.T, dir string) { flip(t, own(dir, "catalogue.db"), at) }, true})
		}
		for _, h := range harms {
			t.Run(h.name, func(t *testing.T) {
				dir, want := filled(t, format)
				h.do(t, dir)
				if got := dump(t, open(t, dir, archive.Options{})); got != want {
					t.Errorf("read only:\n%s\nwant\n%s", got, want)
				}
				var notes []string
				a := open(t, dir, archive.Options{Write: true, Note: func(text string) { notes = append(notes, text) }})
				if got := dump(t, a); got != want {
					t.Errorf("for writing:\n%s\nwant\n%s", got, want)
				}
				expectSound(t, a)
				if len(notes) == 0 && h.name != "no lock file" {
					t.Error("nothing was said")
				}
				runs, err := a.Runs(t.Context())
				if ok(t, err); h.copy != (len(runs) == 2) {
					t.Errorf("%d runs are known", len(runs))
				}
				run(t, a, true, func() { putLetters(t, a, inbox, 7, 7) })
				after := dump(t, a)
				closed(t, a)
				if got := dump(t, open(t, dir, archive.Options{})); got != after || strings.Count(got, "  ") != 7 {
					t.Errorf("after another run:\n%s", got)
				}
			})
		}
	})
}

// TestUIDsAreNotUsedAgainForOthers: whoever remembers UIDs must notice that the
// catalogue that gave them out is gone.
func TestUIDsAreNotUsedAgainForOthers(t *testing.T) {
	forBoth(t, func(t *testing.T, format archive.Format) {
		dir, _ := filled(t, format)
		validity := func() uint32 {
			r, err := open(t, dir, archive.Options{}).OpenReader(t.Context(), inbox)
			ok(t, err)
			defer closed(t, r)
			return r.Status().UIDValidity
		}
		before := validity()
		ok(t, os.Remove(own(dir, "catalogue.db")))
		a := open(t, dir, archive.Options{Write: true})
		closed(t, a)
		if after := validity(); after == before {
			t.Errorf("UIDVALIDITY stayed %d", before)
		} else if again := validity(); again != after {
			t.Errorf("UIDVALIDITY went on from %d to %d", after, again)
		}
	})
}

// TestAfterALossOriginsAreUncertain: a short hash of a folder's name must not pass for the name.
func TestAfterALossOriginsAreUncertain(t *testing.T) {
	dir, _ := filled(t, archive.Maildir)
	ok(t, os.Remove(own(dir, "catalogue.db")))
	ok(t, os.Remove(own(dir, "catalogue.copy")))
	a := open(t, dir, archive.Options{Write: true})
	if got, err := a.Source(t.Context()); err != nil || got != source {
		t.Errorf("the source is %q, %v: the README names it", got, err)
	}
	r, err := a.OpenReader(t.Context(), inbox)
	ok(t, err)
	defer closed(t, r)
	n := 0
	ok(t, r.(mail.OriginIndex).Origins(t.Context(), mail.Origin{Source: source, Folder: inbox, UIDValidity: 7}, func(source, own mail.UID, certain bool) error {
		if n++; certain || source != mail.UID(n) || own != mail.UID(n) {
			t.Errorf("%d is %d here, certain %t", source, own, certain)
		}
		return nil
	}))
	if n != 5 {
		t.Errorf("%d origins, want 5", n)
	}
}

// TestATornFileIsNeverTakenForAMessage: without a catalogue, its size gives it away.
func TestATornFileIsNeverTakenForAMessage(t *testing.T) {
	dir, _ := filled(t, archive.Maildir)
	torn := files(t, dir)[2]
	ok(t, os.Truncate(torn, 20))
	ok(t, os.RemoveAll(filepath.Join(dir, ".mailferry")))
	a := open(t, dir, archive.Options{Write: true})
	if got := damages(t, a); len(got) != 1 {
		t.Errorf("damages %q", got)
	}
	r, err := a.OpenReader(t.Context(), inbox)
	ok(t, err)
	defer closed(t, r)
	if got := fetch(t, r); len(got) != 4 || got[3] != "" {
		t.Errorf("delivered: %v", got)
	}
}
