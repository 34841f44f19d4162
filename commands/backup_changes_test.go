package commands_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"mailferry/transfer/imapstore/servertest"
	"mailferry/transfer/mail"
)

// TestBackupsOfAWeek changes an account in every way between backups, and restores the state of
// each run: what the archive gives back is what the account was.
func TestBackupsOfAWeek(t *testing.T) {
	src := servertest.StartDovecot(t, servertest.DovecotOptions{Memory: true})
	dst := servertest.StartDovecot(t, servertest.DovecotOptions{Memory: true, Separator: ".", Prefix: "INBOX."})
	for _, format := range formats() {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			w := &week{archiving: newArchiving(t, src, dst, format), t: t}
			w.user = "week-" + format
			fillCorpus(t, src, w.user, servertest.CorpusOptions{Small: true, Few: slow})
			w.night(0)
			first := w.states[0]

			w.change(first)
			s := w.night(0)
			renamed := 0
			for path, f := range w.states[1].Folders {
				if _, ok := path.Below(mail.NewPath("Archive renamed")); ok {
					renamed += len(f.Messages)
				}
			}
			if s.Copied != 51+renamed || s.Reflagged != 20 {
				t.Errorf("%d copied, %d reflagged; want %d, 20", s.Copied, s.Reflagged, 51+renamed)
			}
			// Five of a hundred and more are gone; a whole folder, and one renamed away, are only suspect.
			w.expectRestored("now", w.withSuspects(first, w.states[1]))
			w.expectRestored("first", first, "--as-of", "1")

			w.night(0, "--accept-loss")
			w.expectRestored("accepted", w.states[2])
			w.expectRestored("still the first", first, "--as-of", "1")
			w.expectHeld(first)
		})
	}
}

// week is an archive that is brought up to date each night.
type week struct {
	*archiving
	t      *testing.T
	states []*servertest.Mailbox // of the source, at each backup
}

func (w *week) night(code int, args ...string) summary {
	w.t.Helper()
	state := snapshot(w.t, w.src, w.user)
	// A name that RENAME left in the list of subscriptions is no folder.
	maps.DeleteFunc(state.Subscribed, func(path mail.Path, _ bool) bool { return state.Folders[path] == nil })
	w.states = append(w.states, state)
	got, s := w.backup(w.t, args...)
	if got != code {
		w.t.Errorf("backup %d: exit %d, %+v", len(w.states), got, s)
	}
	w.verify(w.t)
	return s
}

// change lets the account's user work for a day.
func (w *week) change(before *servertest.Mailbox) {
	inbox := mail.NewPath("INBOX")
	old := before.Folders[inbox].UIDs()
	list := mail.NewPath("Lists", "debian-devel")
	edit(w.t, w.src, w.user, func(e *servertest.Editor) error {
		var fresh []servertest.Message
		for n := range 50 {
			fresh = append(fresh, newMail(n))
		}
		for _, do := range []func() error{
			func() error { return e.Append(inbox, fresh...) },
			func() error { return e.Store(inbox, []string{`\Flagged`, "later"}, nil, flagged(before, inbox, 20)...) },
			func() error { return e.Expunge(inbox, old[len(old)-5:]...) },
			func() error { return e.Create(mail.NewPath("Brand new")) },
			func() error { return e.Append(mail.NewPath("Brand new"), newMail(100)) },
			func() error { return e.Rename(mail.NewPath("Archive"), mail.NewPath("Archive renamed")) },
			func() error { return e.Expunge(list, before.Folders[list].UIDs()...) },
		} {
			if err := do(); err != nil {
				return err
			}
		}
		return nil
	})
}

// flagged chooses messages that a new \Flagged changes.
func flagged(m *servertest.Mailbox, folder mail.Path, n int) (uids []uint32) {
	for _, r := range m.Folders[folder].Messages {
		if !r.Flags.Has(mail.Flagged) && len(uids) < n {
			uids = append(uids, r.UID)
		}
	}
	return uids
}

// withSuspects is the state after a night in which much vanished at once: the emptied
// folder keeps its mail, and so does what was renamed away.
func (w *week) withSuspects(before, after *servertest.Mailbox) *servertest.Mailbox {
	out := &servertest.Mailbox{Folders: maps.Clone(after.Folders), Subscribed: maps.Clone(after.Subscribed)}
	list := mail.NewPath("Lists", "debian-devel")
	out.Folders[list] = before.Folders[list]
	for path, f := range before.Folders {
		if after.Folders[path] == nil {
			out.Folders[path], out.Subscribed[path] = f, before.Subscribed[path]
		}
	}
	return out
}

func (w *week) expectRestored(what string, want *servertest.Mailbox, args ...string) {
	w.t.Helper()
	user := fmt.Sprintf("%s-%s", w.user, strings.ReplaceAll(what, " ", "-"))
	if code, s := w.restore(w.t, user, args...); code != 0 {
		w.t.Errorf("restore %s: exit %d, %+v", what, code, s)
	}
	if d := servertest.Diff(want, snapshot(w.t, w.dst, user)); len(d) > 0 {
		w.t.Errorf("%s: %d differences:\n%s", what, len(d), servertest.Report(d, 10))
	}
}

// expectHeld restores everything: what is gone is still in the archive.
func (w *week) expectHeld(first *servertest.Mailbox) {
	w.t.Helper()
	user := w.user + "-everything"
	if code, s := w.restore(w.t, user, "--with-gone"); code != 0 {
		w.t.Errorf("exit %d, %+v", code, s)
	}
	all := make(map[[32]byte]int)
	for _, f := range snapshot(w.t, w.dst, user).Folders {
		for _, r := range f.Messages {
			all[r.Sum]++
		}
	}
	for path, f := range first.Folders {
		for _, r := range f.Messages {
			if all[r.Sum] == 0 {
				w.t.Errorf("%q: %v is not in the archive any more", path, r)
			}
		}
	}
}

// TestAPartialBackupMarksNothingElse: what a run did not look at is not gone.
func TestAPartialBackupMarksNothingElse(t *testing.T) {
	src := servertest.StartDovecot(t, servertest.DovecotOptions{Memory: true})
	fillCorpus(t, src, "anna", servertest.CorpusOptions{Small: true, Few: true})
	before := snapshot(t, src, "anna")
	a := newArchiving(t, src, src, "maildir")
	if code, s := a.backup(t); code != 0 {
		t.Fatalf("exit %d, %+v", code, s)
	}
	list, inbox := mail.NewPath("Lists", "debian-devel"), mail.NewPath("INBOX")
	edit(t, src, "anna", func(e *servertest.Editor) error {
		if err := e.Expunge(list, before.Folders[list].UIDs()[:3]...); err != nil {
			return err
		}
		return e.Expunge(inbox, before.Folders[inbox].UIDs()[0])
	})
	if code, s := a.backup(t, "--folder", "INBOX"); code != 0 || s.Copied != 0 {
		t.Errorf("exit %d, %+v", code, s)
	}
	_, _, objects := a.run(t, "list", a.archive)
	total := 0
	for _, o := range objects {
		if o["type"] == "mailbox" {
			total += int(o["messages"].(float64))
		}
	}
	if total != before.Messages()-1 {
		t.Errorf("%d messages are current, want %d: one is gone, and the other folder was not looked at", total, before.Messages()-1)
	}
}
