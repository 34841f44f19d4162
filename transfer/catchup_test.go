package transfer_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"mailferry/transfer"
	"mailferry/transfer/mail"
	"mailferry/transfer/mail/mailtest"
)

// counted is a destination that counts how its folders are opened.
type counted struct {
	*mailtest.Memory
	writers, appenders atomic.Int32
}

func (c *counted) OpenWriter(ctx context.Context, p mail.Path) (mail.Writer, error) {
	c.writers.Add(1)
	return c.Memory.OpenWriter(ctx, p)
}

func (c *counted) OpenAppender(ctx context.Context, p mail.Path, octets int64) (mail.Writer, error) {
	c.appenders.Add(1)
	return c.Memory.OpenAppender(ctx, p, octets)
}

// expect holds the destination to have been opened so often since it was last asked.
func (c *counted) expect(t *testing.T, when string, appenders, writers int32) {
	t.Helper()
	if a, w := c.appenders.Swap(0), c.writers.Swap(0); a != appenders || w != writers {
		t.Errorf("%s: opened for appending %d times, alone %d times; want %d and %d", when, a, w, appenders, writers)
	}
}

// equal holds the folders of both ends to the same messages with the same flags.
func (w *world) equal(t *testing.T, folders ...string) {
	t.Helper()
	for _, folder := range folders {
		if contents(w.src, folder) != contents(w.dst, folder) {
			t.Errorf("folder %s: at the source\n%s\nat the destination\n%s", folder, contents(w.src, folder), contents(w.dst, folder))
		}
	}
}

// TestCatchingUpTakesNoSession: folders in which mail has come and flags have changed share the sessions of the
// destination, all of them at once, and the next run opens none.
func TestCatchingUpTakesNoSession(t *testing.T) {
	w := newWorld(t, mailtest.Options{})
	dst := &counted{Memory: w.dst}
	w.job = func(j *transfer.Job) { j.Dest = dst }
	var folders []string
	for i := range 9 {
		folders = append(folders, fmt.Sprintf("f%d", i))
		fill(w.src, folders[i], 2*i) // the first is empty
	}
	w.mustRun(t)
	dst.expect(t, "the first run", 9, 0)
	for i, f := range folders {
		if i%3 > 0 {
			w.src.PutText(path(f), text("new-"+f, "new", ""), mail.Seen)
		}
		if i%2 > 0 {
			w.src.SetFlags(path(f), 1, mail.NewFlags(mail.Flagged, "work"))
			w.src.SetFlags(path(f), 2, mail.NewFlags(mail.Answered))
		}
	}
	w.src.Remove(path("f6"), 3)
	r := w.mustRun(t)
	dst.expect(t, "the second run", 7, 0) // 0 is as it was, and from 6 nothing has to go over
	w.equal(t, slices.DeleteFunc(folders, func(f string) bool { return f == "f6" })...)
	if r.Total.Copied != 6 || r.Total.Reflagged != 8 {
		t.Errorf("%+v", r.Total)
	}
	r = w.mustRun(t)
	dst.expect(t, "the third run", 0, 0)
	for _, f := range r.Folders {
		if !f.Unopened {
			t.Errorf("the third run opens %s", f.Source)
		}
	}
}

// TestCatchingUpGivesWay: where more has happened than the listings told, the folder gets a session of its own, and what
// came meanwhile is recognised as ever.
func TestCatchingUpGivesWay(t *testing.T) {
	f := path("f")
	for _, tc := range []struct {
		name    string
		at      string // of the second run
		happens func(w *world)
		opened  [2]int32 // for appending, alone
		copied  int
	}{
		{"the same mail is delivered to the destination", "open writer", func(w *world) {
			w.dst.PutText(f, text("new", "new", ""))
		}, [2]int32{1, 1}, 1},
		{"the destination's user deletes", "open writer", func(w *world) { w.dst.Remove(f, 1) }, [2]int32{1, 1}, 2},
		{"the source expunges what it does not tell", "open reader", func(w *world) { w.src.Remove(f, 1) }, [2]int32{0, 1}, 2},
		{"nothing", "none", func(*world) {}, [2]int32{1, 0}, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorldFrom(t, mailtest.Options{NoResync: true}, mailtest.Options{})
			dst := &counted{Memory: w.dst}
			fill(w.src, "f", 5)
			w.mustRun(t)
			w.src.PutText(f, text("new", "new", ""))
			w.src.PutText(f, text("other", "other", ""))
			w.src.SetFlags(f, 3, mail.NewFlags(mail.Flagged))
			plan := mailtest.NewPlan(t, mailtest.Fault{At: tc.at, Do: func() { tc.happens(w) }})
			w.job = func(j *transfer.Job) {
				j.Source, j.Dest = mailtest.FaultySource(w.src, plan), mailtest.Faulty(dst, plan)
			}
			r := w.mustRun(t)
			dst.expect(t, "the second run", tc.opened[0], tc.opened[1])
			if r.Total.Copied != tc.copied || r.Total.Reflagged != 1 {
				t.Errorf("%+v", r.Total)
			}
			w.job = nil
			if r := w.mustRun(t); r.Total.Copied+r.Total.Reflagged != 0 {
				t.Errorf("the third run finds something to do: %+v", r.Total)
			}
			seen := make(map[string]int)
			for _, m := range w.dst.Messages(f) {
				seen[string(m.Raw)]++
			}
			for _, m := range w.src.Messages(f) {
				if seen[string(m.Raw)] != 1 && tc.name != "the destination's user deletes" {
					t.Errorf("the destination holds %d of %q", seen[string(m.Raw)], m.Raw)
				}
			}
		})
	}
}

// TestMailBetweenOurs: what others deliver to the destination during a run is recognised by the next one, wherever it has come
// to lie: before this run's mail, within it or behind.
func TestMailBetweenOurs(t *testing.T) {
	f := path("f")
	for _, first := range []bool{true, false} {
		for nth := 1; nth <= 4; nth++ {
			t.Run(fmt.Sprintf("first run %t, before message %d", first, nth), func(t *testing.T) {
				w := newWorld(t, mailtest.Options{})
				w.dst.Create(t.Context(), mail.Folder{Path: f})
				if !first {
					fill(w.src, "f", 5)
					w.mustRun(t)
				}
				for i := range 3 {
					w.src.PutText(f, text(fmt.Sprint("new", i), fmt.Sprint("new", i), ""))
				}
				at := mailtest.Fault{At: "append", Step: nth}
				if nth == 4 { // behind the last
					at = mailtest.Fault{At: "close f"}
				}
				at.Do = func() { w.dst.PutText(f, text("both", "delivered to both", "")) }
				w.job = func(j *transfer.Job) { j.Dest = mailtest.Faulty(w.dst, mailtest.NewPlan(t, at)) }
				w.mustRun(t)
				w.job = nil
				w.src.PutText(f, text("both", "delivered to both", ""))
				if r := w.mustRun(t); r.Total.Copied != 0 || r.Total.Adopted != 1 {
					t.Errorf("the next run: %+v", r.Total)
				}
				if n := len(w.dst.Messages(f)); n != len(w.src.Messages(f)) {
					t.Errorf("%d messages at the destination, %d at the source", n, len(w.src.Messages(f)))
				}
			})
		}
	}
}

// TestCatchingUpWaitsForWhatIsOnItsWay: a folder that stood still when the run began, and whose connection is lost
// while it catches up, may be receiving what was sent: the next attempt waits for that.
func TestCatchingUpWaitsForWhatIsOnItsWay(t *testing.T) {
	for _, other := range []bool{false, true} { // another folder makes the run wait until all stand still
		w := newWorld(t, mailtest.Options{Late: true, Window: 10})
		f := path("f")
		fill(w.src, "f", 5)
		w.mustRun(t)
		for _, id := range []string{"a", "b", "c"} {
			w.src.PutText(f, text(id, id, ""))
		}
		if other {
			fill(w.src, "g", 1)
			fill(w.dst, "g", 1) // there, and not recorded
		}
		w.job = func(j *transfer.Job) {
			j.Dest = mailtest.Faulty(w.dst, mailtest.NewPlan(t, mailtest.Fault{At: "append f", Step: 3}))
		}
		w.mustRun(t)
		w.job = nil
		w.mustRun(t)
		w.mustRun(t)
		if got, want := len(w.dst.Messages(f)), len(w.src.Messages(f)); got != want {
			t.Errorf("other folder %t: %d messages at the destination, %d at the source: %s", other, got, want, contents(w.dst, "f"))
		}
	}
}

// TestAFolderThatIsPutOffWhenItIsDoneIsCountedOnce: a folder that has caught up and fails as it is closed comes
// once more; what it has copied is not counted a second time.
func TestAFolderThatIsPutOffWhenItIsDoneIsCountedOnce(t *testing.T) {
	for _, at := range []string{"dst close f", "src close f"} {
		w := newWorld(t, mailtest.Options{})
		f := path("f")
		fill(w.src, "f", 5)
		w.mustRun(t)
		w.src.PutText(f, text("new", "new", ""))
		plan := mailtest.NewPlan(t, mailtest.Fault{At: at})
		w.job = func(j *transfer.Job) {
			j.Source, j.Dest = mailtest.FaultySource(w.src, plan), mailtest.Faulty(w.dst, plan)
		}
		if r := w.mustRun(t); !plan.Fired() || r.Total.Found != 6 || r.Total.Copied != 1 || r.Total.Already != 5 {
			t.Errorf("%s: fired %t: %+v", at, plan.Fired(), r.Total)
		}
		w.equal(t, "f")
	}
}

// TestMailForMailBetweenOurs: what others deliver to the destination during a run is recognised by the next one,
// also if as much is expunged there, so that the number of messages tells nothing.
func TestMailForMailBetweenOurs(t *testing.T) {
	for _, noAppenders := range []bool{false, true} {
		for nth := 1; nth <= 4; nth++ { // 4: behind the last
			testMailForMail(t, noAppenders, nth)
		}
	}
}

func testMailForMail(t *testing.T, noAppenders bool, nth int) {
	const both = "delivered to both"
	w, f := newWorld(t, mailtest.Options{NoAppenders: noAppenders}), path("f")
	w.dst.Create(t.Context(), mail.Folder{Path: f})
	fill(w.src, "f", 5)
	w.mustRun(t)
	for _, id := range []string{"a", "b", "c"} {
		w.src.PutText(f, text(id, id, ""))
	}
	at := mailtest.Fault{At: "append", Step: nth}
	if nth == 4 {
		at = mailtest.Fault{At: "close f"}
	}
	at.Do = func() {
		w.dst.PutText(f, text("both", both, ""))
		w.dst.Remove(f, 2)
	}
	w.job = func(j *transfer.Job) { j.Dest = mailtest.Faulty(w.dst, mailtest.NewPlan(t, at)) }
	w.mustRun(t)
	w.job = nil
	w.src.PutText(f, text("both", both, ""))
	if r := w.mustRun(t); r.Total.Copied != 0 || r.Total.Adopted != 1 {
		t.Errorf("sessions of their own %t, before message %d: the next run: %+v", noAppenders, nth, r.Total)
	}
	seen := 0
	for _, m := range w.dst.Messages(f) {
		if string(m.Raw) == string(mailtest.CRLF(text("both", both, ""))) {
			seen++
		}
	}
	if seen != 1 {
		t.Errorf("sessions of their own %t, before message %d: there %d times: %s", noAppenders, nth, seen, contents(w.dst, "f"))
	}
}
