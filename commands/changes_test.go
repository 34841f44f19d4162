package commands_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"mailferry/transfer/imapstore/servertest"
	"mailferry/transfer/mail"
)

// edit works on an account as its user.
func edit(t *testing.T, s *servertest.Server, user string, work func(*servertest.Editor) error) {
	t.Helper()
	e, err := servertest.Edit(t.Context(), s.Addr, user, s.Password)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if err := work(e); err != nil {
		t.Fatal(err)
	}
}

func newMail(n int) servertest.Message {
	return servertest.Message{Flags: []string{`\Seen`}, Date: time.Date(2024, 1, 2, 3, 4, n%60, 0, time.UTC), Raw: func() []byte {
		return fmt.Appendf(nil, "Message-ID: <new-%d@example.org>\r\nDate: Tue, 2 Jan 2024 03:04:05 +0000\r\nFrom: b@example.org\r\nSubject: new %d\r\n\r\nnew\r\n", n, n)
	}}
}

// TestWeeksOfChanges lets both users work between two runs, and checks that the next
// run does what the design says for each change, and nothing else.
func TestWeeksOfChanges(t *testing.T) {
	src := servertest.StartDovecot(t, servertest.DovecotOptions{Memory: true})
	dst := servertest.StartDovecot(t, servertest.DovecotOptions{Memory: true, Separator: ".", Prefix: "INBOX."})
	fillCorpus(t, src, "anna", servertest.CorpusOptions{Small: true})
	m := newMigration(t, src, dst, "anna")
	if code, s := m.run(t); code != 0 {
		t.Fatalf("exit %d: %+v", code, s)
	}
	inbox, archive := mail.NewPath("INBOX"), mail.NewPath("Archive")
	first := snapshot(t, dst, "anna")
	uids := first.Folders[inbox].UIDs() // the same order at both ends
	old := snapshot(t, src, "anna").Folders[inbox].UIDs()
	if len(old) < 100 || len(old) != len(uids) {
		t.Fatalf("INBOX has %d and %d messages", len(old), len(uids))
	}

	edit(t, src, "anna", func(e *servertest.Editor) error {
		var list []servertest.Message
		for n := range 50 {
			list = append(list, newMail(n))
		}
		if err := e.Append(inbox, list...); err != nil {
			return err
		}
		if err := e.Store(inbox, []string{`\Flagged`, "later"}, nil, old[10:20]...); err != nil {
			return err
		}
		if err := e.Store(inbox, []string{`\Answered`}, []string{`\Seen`}, old[20:30]...); err != nil {
			return err
		}
		if err := e.Expunge(inbox, old[40:45]...); err != nil {
			return err
		}
		if err := e.Create(mail.NewPath("Brand new")); err != nil {
			return err
		}
		if err := e.Append(mail.NewPath("Brand new"), newMail(100)); err != nil {
			return err
		}
		return e.Rename(archive, mail.NewPath("Archive renamed"))
	})
	edit(t, dst, "anna", func(e *servertest.Editor) error {
		if err := e.Expunge(inbox, uids[50:53]...); err != nil {
			return err
		}
		return e.Store(inbox, []string{`\Draft`, "mine"}, nil, uids[5:15]...)
	})
	renamedMail := 0
	for path, f := range snapshot(t, src, "anna").Folders {
		if _, ok := path.Below(mail.NewPath("Archive renamed")); ok {
			renamedMail += len(f.Messages)
		}
	}

	dry, planned := m.run(t, "--dry-run")
	before := snapshot(t, dst, "anna")
	code, s := m.run(t)
	if dry != code || planned.Copied != s.Copied || planned.LeftOut != s.LeftOut || planned.Reflagged != s.Reflagged {
		t.Errorf("planned %+v, done %+v", planned, s)
	}
	if code != 0 || s.Copied != 51+renamedMail || s.LeftOut != 3 || s.Failed != 0 {
		t.Errorf("exit %d, %+v; want %d copied and 3 left out", code, s, 51+renamedMail)
	}
	after := snapshot(t, dst, "anna")
	if after.Folders[archive] == nil || len(after.Folders[archive].Messages) != len(before.Folders[archive].Messages) {
		t.Error("the renamed folder's first copy did not stay")
	}
	checkFlags(t, src, first, before, after, inbox)
	now := after.Folders[inbox].UIDs()
	for _, uid := range uids[40:45] {
		if !slices.Contains(now, uid) {
			t.Errorf("uid %d was expunged without --mirror", uid)
		}
	}

	// With --mirror the expunged ones go, within the limit.
	m.flags = []string{"--mirror", "--max-delete", "4"}
	if code, _ := m.run(t); code != 8 {
		t.Errorf("five deletions with four allowed: exit %d", code)
	}
	if !sameUIDs(snapshot(t, dst, "anna"), after) {
		t.Error("something was deleted above the limit")
	}
	m.flags = []string{"--mirror"}
	if code, s = m.run(t); code != 0 || s.Expunged != 5 || s.Copied != 0 {
		t.Errorf("exit %d, %+v", code, s)
	}
	final := snapshot(t, dst, "anna").Folders[inbox].UIDs()
	want := slices.DeleteFunc(slices.Clone(now), func(u uint32) bool { return slices.Contains(uids[40:45], u) })
	if !slices.Equal(final, want) {
		t.Errorf("--mirror left other messages than it should: %d of %d", len(final), len(want))
	}
}

// checkFlags compares every message's flags with new = destination + (source -
// base) - (base - source), computed anew.
func checkFlags(t *testing.T, src *servertest.Server, first, before, after *servertest.Mailbox, folder mail.Path) {
	t.Helper()
	source := make(map[[32]byte]mail.Flags)
	for _, r := range snapshot(t, src, "anna").Folders[folder].Messages {
		source[r.Sum] = r.Flags
	}
	base := make(map[uint32]mail.Flags)
	for _, r := range first.Folders[folder].Messages {
		base[r.UID] = r.Flags
	}
	users := make(map[uint32]mail.Flags)
	for _, r := range before.Folders[folder].Messages {
		users[r.UID] = r.Flags
	}
	changed := 0
	for _, r := range after.Folders[folder].Messages {
		now, there := source[r.Sum]
		if _, copied := base[r.UID]; !copied || !there || duplicated(after, folder, r.Sum) {
			continue
		}
		want := users[r.UID].Union(now.Minus(base[r.UID])).Minus(base[r.UID].Minus(now))
		if !r.Flags.Equal(want) {
			t.Errorf("%v: want %v", r, want)
		}
		if !r.Flags.Equal(base[r.UID]) {
			changed++
		}
	}
	if changed < 15 {
		t.Errorf("only %d messages have other flags than before", changed)
	}
}

func duplicated(m *servertest.Mailbox, folder mail.Path, sum [32]byte) bool {
	n := 0
	for _, r := range m.Folders[folder].Messages {
		if r.Sum == sum {
			n++
		}
	}
	return n > 1
}
