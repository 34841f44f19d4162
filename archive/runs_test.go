package archive_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mailferry/archive"
	"mailferry/transfer/mail"
)

// clock is a time that tests set.
type clock struct{ now time.Time }

func (c *clock) time() time.Time { return c.now }

func run(t *testing.T, a *archive.Archive, complete bool, do func()) {
	t.Helper()
	ok(t, a.BeginRun(t.Context(), source))
	do()
	ok(t, a.EndRun(t.Context(), complete))
}

func setFlags(t *testing.T, a *archive.Archive, path mail.Path, changes ...mail.FlagChange) {
	t.Helper()
	writer(t, a, path, func(w mail.Writer) { ok(t, w.SetFlags(t.Context(), changes)) })
}

func markGone(t *testing.T, a *archive.Archive, path mail.Path, suspect bool, uids ...mail.UID) {
	t.Helper()
	writer(t, a, path, func(w mail.Writer) {
		ok(t, w.(mail.GoneMarker).MarkGone(t.Context(), mail.NewUIDSet(uids...), suspect))
	})
}

// TestEveryRunCanBeSeenAgain: what a run left is what --as-of shows later.
func TestEveryRunCanBeSeenAgain(t *testing.T) {
	forBoth(t, func(t *testing.T, format archive.Format) {
		dir := filepath.Join(t.TempDir(), "a")
		at := &clock{time.Date(2026, 1, 10, 22, 0, 0, 0, time.Local)}
		a := create(t, dir, archive.Options{Format: format, Now: at.time})
		other, late := mail.ParsePath("Archive/2024"), mail.NewPath("Late")
		var states []string
		day := func(do func()) {
			t.Helper()
			run(t, a, true, do)
			states = append(states, dump(t, a))
			at.now = at.now.AddDate(0, 0, 1)
		}
		day(func() {
			putLetters(t, a, inbox, 1, 5, "old")
			putLetters(t, a, other, 6, 7)
		})
		day(func() {
			setFlags(t, a, inbox, mail.FlagChange{UID: 1, Add: mail.NewFlags(mail.Seen, "new"), Remove: mail.NewFlags("old")})
			markGone(t, a, inbox, false, 2, 3)
		})
		day(func() {
			setFlags(t, a, inbox, mail.FlagChange{UID: 1, Add: mail.NewFlags(mail.Flagged)})
			putLetters(t, a, late, 8, 8)
			putLetters(t, a, inbox, 9, 9)
			markGone(t, a, other, false, 1, 2)
		})
		day(func() { putLetters(t, a, other, 10, 10, "back") })
		closed(t, a)
		for i, want := range states {
			for _, asOf := range []string{string(rune('1' + i)), time.Date(2026, 1, 10+i, 0, 0, 0, 0, time.Local).Format(time.DateOnly)} {
				r := open(t, dir, archive.Options{AsOf: asOf})
				if got := dump(t, r); got != want {
					t.Errorf("as of %s:\n%s\nwant\n%s", asOf, got, want)
				}
				expectSound(t, r)
			}
		}
		if got := dump(t, open(t, dir, archive.Options{})); got != states[3] {
			t.Errorf("now:\n%s\nwant\n%s", got, states[3])
		}
		if got := strings.Count(dump(t, open(t, dir, archive.Options{WithGone: true})), "  "); got != 10 {
			t.Errorf("with all that is gone there are %d messages, want 10", got)
		}
		for _, asOf := range []string{"0", "5", "-1", "2026-01-09", "yesterday"} {
			if _, err := archive.Open(t.Context(), dir, archive.Options{AsOf: asOf}); err == nil || mail.ErrorOf(err).Hint == "" {
				t.Errorf("as of %q: %v", asOf, err)
			}
		}
		expectRuns(t, open(t, dir, archive.Options{}))
	})
}

func expectRuns(t *testing.T, a *archive.Archive) {
	t.Helper()
	runs, err := a.Runs(t.Context())
	ok(t, err)
	want := []archive.Run{{ID: 1, Added: 7}, {ID: 2, Reflagged: 1, Gone: 2}, {ID: 3, Added: 2, Reflagged: 1, Gone: 2}, {ID: 4, Added: 1}}
	if len(runs) != len(want) {
		t.Fatalf("%d runs", len(runs))
	}
	for i, r := range runs {
		// Counts of a run are as it ended: later ones reflag again.
		if r.ID != want[i].ID || r.Added != want[i].Added || r.Gone != want[i].Gone || r.Reflagged != want[i].Reflagged || !r.Complete || r.Source != source {
			t.Errorf("run %d is %+v, want %+v", i+1, r, want[i])
		}
	}
}

func TestSuspectMessagesStayCurrent(t *testing.T) {
	forBoth(t, func(t *testing.T, format archive.Format) {
		dir := filepath.Join(t.TempDir(), "a")
		a := create(t, dir, archive.Options{Format: format})
		run(t, a, true, func() { putLetters(t, a, inbox, 1, 4) })
		whole := dump(t, a)
		run(t, a, true, func() { markGone(t, a, inbox, true, 1, 2, 3) })
		if got := dump(t, a); got != whole {
			t.Errorf("what is suspect does not show any more:\n%s", got)
		}
		runs, err := a.Runs(t.Context())
		if ok(t, err); runs[1].Suspect != 3 || runs[1].Gone != 0 {
			t.Errorf("the run says %+v", runs[1])
		}
		closed(t, a)
		a = open(t, dir, archive.Options{Write: true, AcceptLoss: true})
		run(t, a, true, func() { markGone(t, a, inbox, true, 1, 2) }) // 3 is there again
		if got := strings.Count(dump(t, a), "  "); got != 2 {
			t.Errorf("after --accept-loss %d messages are left, want 2", got)
		}
		closed(t, a)
		if got := dump(t, open(t, dir, archive.Options{AsOf: "2"})); got != whole {
			t.Errorf("as of the run before:\n%s", got)
		}
	})
}

func TestAFolderThatLeftTheListIsOnlySuspect(t *testing.T) {
	forBoth(t, func(t *testing.T, format archive.Format) {
		dir := filepath.Join(t.TempDir(), "a")
		a := create(t, dir, archive.Options{Format: format})
		away := mail.NewPath("Away")
		run(t, a, true, func() { putLetters(t, a, away, 1, 2) })
		whole := dump(t, a)
		run(t, a, true, func() { ok(t, a.MarkFolderGone(t.Context(), away)) })
		run(t, a, true, func() { ok(t, a.MarkFolderGone(t.Context(), mail.NewPath("never was"))) })
		if got := dump(t, a); got != whole {
			t.Errorf("a folder that is missing once:\n%s\nwant\n%s", got, whole)
		}
		closed(t, a)
		a = open(t, dir, archive.Options{Write: true, AcceptLoss: true})
		run(t, a, true, func() { ok(t, a.MarkFolderGone(t.Context(), away)) })
		if got := dump(t, a); strings.Contains(got, "Away") {
			t.Errorf("it is still there:\n%s", got)
		}
		if _, err := a.OpenReader(t.Context(), away); mail.ErrorOf(err).Kind != mail.KindNotFound {
			t.Errorf("it can be opened: %v", err)
		}
		run(t, a, true, func() { putLetters(t, a, away, 3, 3) }) // it came back
		if got := dump(t, a); strings.Count(got, "  ") != 1 {
			t.Errorf("a folder that came back shows what was gone:\n%s", got)
		}
		closed(t, a)
		for asOf, want := range map[string]string{"1": whole, "3": whole} {
			if got := dump(t, open(t, dir, archive.Options{AsOf: asOf})); got != want {
				t.Errorf("as of %s:\n%s", asOf, got)
			}
		}
		if got := dump(t, open(t, dir, archive.Options{AsOf: "4"})); strings.Contains(got, "Away") {
			t.Errorf("as of 4:\n%s", got)
		}
		if got := dump(t, open(t, dir, archive.Options{AsOf: "4", WithGone: true})); got != whole {
			t.Errorf("as of 4, with what is gone:\n%s\nwant\n%s", got, whole)
		}
	})
}

func TestAnotherSourceIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a")
	a := create(t, dir, archive.Options{})
	run(t, a, true, func() { putLetters(t, a, inbox, 1, 1) })
	err := a.BeginRun(t.Context(), "imaps://other@new.example")
	if !errors.Is(err, archive.ErrOtherSource) || mail.ErrorOf(err).Hint == "" {
		t.Errorf("another source: %v", err)
	}
	closed(t, a)
	a = open(t, dir, archive.Options{Write: true, NewSource: true})
	ok(t, a.BeginRun(t.Context(), "imaps://other@new.example"))
	ok(t, a.EndRun(t.Context(), true))
	closed(t, a)
	a = open(t, dir, archive.Options{Write: true})
	if err := a.BeginRun(t.Context(), source); !errors.Is(err, archive.ErrOtherSource) {
		t.Errorf("the first source, after the account moved: %v", err)
	}
	if got, err := a.Source(t.Context()); err != nil || got != "imaps://other@new.example" {
		t.Errorf("the source is %q, %v", got, err)
	}
}

func TestOriginsLeadFromTheSourceToTheArchive(t *testing.T) {
	a := create(t, filepath.Join(t.TempDir(), "a"), archive.Options{})
	run(t, a, true, func() {
		list := []*mail.Message{message(30, letter(1)), message(10, letter(2)), message(20, letter(3)), message(5, letter(4))}
		list[2].Origin.Folder = mail.NewPath("Other")
		list[3].Origin.UIDValidity = 8
		put(t, a, inbox, list...)
		markGone(t, a, inbox, false, 2)
	})
	r, err := a.OpenReader(t.Context(), inbox)
	ok(t, err)
	defer closed(t, r)
	for _, c := range []struct {
		from mail.Origin
		want map[mail.UID]mail.UID
	}{
		{mail.Origin{Source: source, Folder: inbox, UIDValidity: 7}, map[mail.UID]mail.UID{30: 1}},
		{mail.Origin{Source: source, Folder: mail.NewPath("Other"), UIDValidity: 7}, map[mail.UID]mail.UID{20: 3}},
		{mail.Origin{Source: source, Folder: inbox, UIDValidity: 8}, map[mail.UID]mail.UID{5: 4}},
		{mail.Origin{Source: "elsewhere", Folder: inbox, UIDValidity: 7}, nil},
	} {
		n := 0
		ok(t, r.(mail.OriginIndex).Origins(t.Context(), c.from, func(source, own mail.UID, certain bool) error {
			if n++; c.want[source] != own || !certain {
				t.Errorf("%+v: %d is %d here, certain %t", c.from, source, own, certain)
			}
			return nil
		}))
		if n != len(c.want) {
			t.Errorf("%+v: %d pairs, want %d", c.from, n, len(c.want))
		}
	}
}

// TestTwoFoldersInOneKeepTheirOwnMarks: what is said of the messages of one folder of the source says nothing of those
// of another that was mapped into the same folder.
func TestTwoFoldersInOneKeepTheirOwnMarks(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a")
	a := create(t, dir, archive.Options{})
	suspects := func(run int) int64 {
		runs, err := a.Runs(t.Context())
		ok(t, err)
		return runs[run-1].Suspect
	}
	run(t, a, true, func() {
		var list []*mail.Message
		for n := 1; n <= 6; n++ {
			m := message(n, letter(n))
			if n > 3 {
				m.Origin.Folder = mail.NewPath("Other")
			}
			list = append(list, m)
		}
		put(t, a, inbox, list...)
	})
	whole := dump(t, a)
	run(t, a, true, func() {
		markGone(t, a, inbox, true, 1, 2)
		markGone(t, a, inbox, true, 4, 5)
	})
	if n := suspects(2); n != 4 {
		t.Errorf("%d messages are suspect, want those of both folders", n)
	}
	run(t, a, true, func() {
		markGone(t, a, inbox, true, 1)
		markGone(t, a, inbox, false) // of which folder this tells nobody knows
		markGone(t, a, inbox, true, 2)
	})
	if n := suspects(3); n != 1 {
		t.Errorf("%d messages became suspect anew, want 2 alone, that was seen in between", n)
	}
	if got := dump(t, a); got != whole {
		t.Errorf("what is suspect does not show any more:\n%s", got)
	}
	run(t, a, true, func() { markGone(t, a, inbox, false, 5) })
	if got := strings.Count(dump(t, a), "  "); got != 5 {
		t.Errorf("%d messages are left, want 5", got)
	}
}
