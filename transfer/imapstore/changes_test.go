package imapstore

import (
	"fmt"
	"strings"
	"testing"

	"mailferry/transfer/mail"
)

// resyncing is a server with QRESYNC whose INBOX has so many messages and UIDNEXT.
func resyncing(exists, next int, answer func(command string) string) *fake {
	f := folder(exists, answer)
	f.greeting = "* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+ NAMESPACE ENABLE QRESYNC] hello\r\n"
	plain := f.answer
	f.answer = func(tag, command string) string {
		switch {
		case command == "ENABLE QRESYNC":
			return "* ENABLED QRESYNC\r\n$ OK\r\n"
		case strings.HasPrefix(command, "EXAMINE"):
			return fmt.Sprintf("* %d EXISTS\r\n* OK [UIDVALIDITY 1]\r\n* OK [UIDNEXT %d]\r\n* OK [HIGHESTMODSEQ 99]\r\n$ OK [READ-ONLY]\r\n", exists, next)
		}
		return plain(tag, command)
	}
	return f
}

func changedRow(uid int) string {
	return fmt.Sprintf("* %d FETCH (UID %d FLAGS (\\Seen) MODSEQ (%d))\r\n", uid, uid, uid+50)
}

// TestChangesCostWhatChanged: one question, whatever the folder's size, and no SEARCH.
func TestChangesCostWhatChanged(t *testing.T) {
	f := resyncing(4, 10, func(command string) string {
		if command != "UID FETCH 1:4294967295 (UID FLAGS MODSEQ) (CHANGEDSINCE 50 VANISHED)" {
			return "$ BAD nobody expected this\r\n"
		}
		return "* VANISHED (EARLIER) 1:2,9\r\n" + changedRow(7) + changedRow(4) + "* VANISHED 4\r\n$ OK\r\n"
	})
	var gone mail.UIDSet
	infos, err := listAll(t, f.read(t), mail.ListOptions{ChangedSince: 50, Flags: true, Vanished: &gone})
	if err != nil || len(infos) != 2 || infos[0].UID != 4 || infos[1].ModSeq != 57 {
		t.Errorf("changed: %+v, %v", infos, err)
	}
	if gone.String() != "1:2,9" { // the one that goes just now is for the next run
		t.Errorf("expunged: %q", gone)
	}
	if n := len(f.said("UID ")); n != 1 {
		t.Errorf("%d commands", n)
	}
}

// TestChangesOfAFolderThatIsEmptyNow: what was expunged is told all the same.
func TestChangesOfAFolderThatIsEmptyNow(t *testing.T) {
	f := resyncing(0, 10, func(string) string { return "* VANISHED (EARLIER) 3:9\r\n$ OK\r\n" })
	var gone mail.UIDSet
	infos, err := listAll(t, f.read(t), mail.ListOptions{ChangedSince: 50, Vanished: &gone})
	if err != nil || len(infos) != 0 || gone.String() != "3:9" {
		t.Errorf("%d messages, expunged %q, %v", len(infos), gone, err)
	}
	if _, err := listAll(t, f.read(t), mail.ListOptions{ChangedSince: 50}); err != nil {
		t.Error(err)
	}
	if n := len(f.said("UID ")); n != 1 {
		t.Errorf("%d commands for two questions", n)
	}
}

// TestChangesFrom: the folder's last message stands before From, and neither it nor what
// was expunged before From is told.
func TestChangesFrom(t *testing.T) {
	f := resyncing(4, 10, func(command string) string {
		if !strings.HasPrefix(command, "UID FETCH 8:4294967295 ") {
			return "$ BAD\r\n"
		}
		return "* VANISHED (EARLIER) 9\r\n" + changedRow(7) + "$ OK\r\n"
	})
	var gone mail.UIDSet
	infos, err := listAll(t, f.read(t), mail.ListOptions{From: 8, ChangedSince: 50, Flags: true, Vanished: &gone})
	if err != nil || len(infos) != 0 || gone.String() != "9" {
		t.Errorf("%+v, expunged %q, %v", infos, gone, err)
	}
}

// TestChangesAmongChosen: of chosen messages only those that changed are told, and the
// rest is not taken for lost.
func TestChangesAmongChosen(t *testing.T) {
	f := resyncing(40, 100, func(command string) string {
		if !strings.HasPrefix(command, "UID FETCH 5:9,20 (UID MODSEQ) (CHANGEDSINCE 50)") {
			return "$ BAD\r\n"
		}
		return "* 7 FETCH (UID 7 MODSEQ (51))\r\n$ OK\r\n"
	})
	only := mail.NewUIDSet(5, 6, 7, 8, 9, 20)
	infos, err := listAll(t, f.read(t), mail.ListOptions{Only: &only, ChangedSince: 50})
	if err != nil || len(infos) != 1 || infos[0].UID != 7 {
		t.Errorf("%+v, %v", infos, err)
	}
}

// TestChangesOfALargeFolder: many questions about parts of it, so that memory is bounded
// when everything changed; several on their way, answered in any mixture.
func TestChangesOfALargeFolder(t *testing.T) {
	const exists, next = 210_000, 400_001
	var asked mail.UIDSet
	f := resyncing(exists, next, func(command string) string {
		words := strings.Fields(command)
		set, err := mail.ParseUIDSet(words[2])
		if err != nil || words[1] != "FETCH" || !strings.HasSuffix(command, "(CHANGEDSINCE 50 VANISHED)") || set.Contains(1) && !asked.Empty() {
			return "$ BAD\r\n"
		}
		asked.Union(set)
		answer := fmt.Sprintf("* VANISHED (EARLIER) %d\r\n", set.First()+1)
		if set.First() > 1 {
			answer += changedRow(int(set.First()))
		}
		return answer + "$ OK\r\n"
	})
	var gone mail.UIDSet
	infos, err := listAll(t, f.read(t), mail.ListOptions{ChangedSince: 50, Flags: true, Vanished: &gone})
	if err != nil {
		t.Fatal(err)
	}
	if asked.String() != "1:4294967295" {
		t.Errorf("asked for %q", asked)
	}
	if n := len(f.said("UID FETCH")); n != 9 || len(infos) != n-1 || gone.Len() != n {
		t.Errorf("%d questions, %d messages changed, %d expunged", n, len(infos), gone.Len())
	}
}

// TestSpansCoverEverything: whatever the server says of its folder.
func TestSpansCoverEverything(t *testing.T) {
	for _, c := range []struct {
		from, next mail.UID
		exists     int
		parts      int
	}{
		{0, 0, 1_000_000, 1}, {0, 1, 0, 1}, {1, 1_000_001, 1_000_000, 41}, {0, 5, 1_000_000, 4},
		{900_000, 1_000_001, 1_000_000, 41}, {2_000_000, 1_000_001, 1_000_000, 1}, {^mail.UID(0), 9, 60_000, 1},
		{0, ^mail.UID(0), 50_001, 3},
	} {
		l := &listing{opts: mail.ListOptions{From: c.from}, next: c.next}
		var all mail.UIDSet
		count := 0
		parts := l.spans(c.exists)
		for _, w := range parts {
			all.Union(*w.want)
			count += w.want.Len()
		}
		var want mail.UIDSet
		want.AddRange(max(c.from, 1), ^mail.UID(0))
		if all.String() != want.String() || count != want.Len() || len(parts) > max(c.parts, 1) {
			t.Errorf("%+v: %d parts, %q", c, len(parts), all)
		}
	}
}

// TestVanishedIsAskedOnlyWhereItIsTold: a connection that has not enabled QRESYNC must
// not let expunged messages look as if they were there.
func TestVanishedIsAskedOnlyWhereItIsTold(t *testing.T) {
	f := resyncing(4, 10, func(string) string { return "$ OK\r\n" })
	f.greeting = "* PREAUTH [CAPABILITY IMAP4rev1 NAMESPACE CONDSTORE] hello\r\n"
	var gone mail.UIDSet
	_, err := listAll(t, f.read(t), mail.ListOptions{ChangedSince: 50, Vanished: &gone})
	if e := mail.ErrorOf(err); err == nil || e.Scope != mail.ScopeFolder || e.Kind != mail.KindProtocol {
		t.Errorf("got %v", err)
	}
	if n := len(f.said("UID ")); n != 0 {
		t.Errorf("%d commands", n)
	}
}
