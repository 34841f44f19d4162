package transfer_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"mailferry/transfer"
	"mailferry/transfer/mail"
	"mailferry/transfer/mail/mailtest"
)

// scenario is an account before and after a run.
type scenario struct {
	name  string
	src   mailtest.Options
	dst   mailtest.Options
	build func(*world)
	job   func(*transfer.Job)
}

func scenarios() []scenario {
	first := func(w *world) {
		fill(w.src, "INBOX", 4)
		fill(w.src, "Work/Old", 3)
		w.src.AddFolder(mail.Folder{Path: path("Empty"), Subscribed: true})
		dup := text("dup", "duplicate", "the same")
		w.src.PutText(path("Work/Old"), dup, mail.Seen, "work")
		w.src.PutText(path("Work/Old"), dup)
		w.src.PutText(path("INBOX"), strings.Replace(text("x", "no id", "body"), "Message-ID", "X-Other", 1))
		w.src.PutText(path("INBOX"), text("dup", "duplicate", "the sane")) // equal header and size
		w.src.PutText(path("INBOX"), dup)
	}
	again := func(w *world) {
		first(w)
		if _, err := transfer.Run(t0, transfer.Job{Source: w.src, Dest: w.dst, Ledger: w.ledger, Timing: noWait()}); err != nil {
			panic(err)
		}
		inbox := path("INBOX")
		w.src.Remove(inbox, 2)
		w.src.SetFlags(inbox, 3, mail.NewFlags(mail.Seen, "later"))
		w.src.PutText(inbox, text("new", "new", "x"))
		fill(w.src, "Newer", 2)
		w.dst.PutText(inbox, text("own", "own", "of the destination"))
		w.dst.SetFlags(inbox, 1, mail.NewFlags(mail.Flagged))
	}
	half := func(w *world) {
		first(w)
		fill(w.dst, "INBOX", 2)
		w.dst.PutText(path("Work/Old"), text("dup", "duplicate", "the same"))
		w.dst.PutText(path("INBOX"), text("dup", "duplicate", "the same"))
	}
	munge := func(raw []byte) []byte {
		return bytes.ReplaceAll(raw, []byte("\xfc"), []byte("X"))
	}
	return []scenario{
		{name: "first run", build: first},
		{name: "first run, window of 3", dst: mailtest.Options{Window: 3}, build: first},
		{name: "eager and late", dst: mailtest.Options{Window: 3, Eager: true}, build: first},
		{name: "late arrivals", dst: mailtest.Options{Window: 3, Late: true}, build: first},
		{name: "no UIDPLUS", dst: mailtest.Options{NoUIDPlus: true, Window: 3}, build: first},
		{name: "no UIDPLUS, late", dst: mailtest.Options{NoUIDPlus: true, Window: 2, Late: true}, build: first},
		{name: "source out of order", src: mailtest.Options{Scramble: true}, build: first},
		{name: "source without durable uids", src: mailtest.Options{NoUIDValidity: true, ShiftUIDs: true}, build: first},
		{name: "destination without durable uids", dst: mailtest.Options{NoUIDValidity: true, ShiftUIDs: true}, build: first},
		{name: "poor server", dst: mailtest.Options{NoUIDNext: true, NoModSeqs: true, NoListStatus: true}, build: first},
		{name: "destination holds half", build: half},
		{name: "second run", build: again},
		{name: "second run without UIDPLUS", dst: mailtest.Options{NoUIDPlus: true, Window: 4}, build: again},
		{name: "two folders into one", build: first, job: func(j *transfer.Job) {
			j.Map = []transfer.Mapping{{From: path("INBOX"), To: path("All")}, {From: path("Work/Old"), To: path("All")}}
		}},
		{name: "8-bit headers rewritten", dst: mailtest.Options{Rewrite: munge}, build: func(w *world) {
			first(w)
			w.src.PutText(path("INBOX"), text("8", "gr\xfc\xfce", "x"))
			w.src.PutText(path("INBOX"), text("8", "gr\xfc\xfce", "x"))
		}},
		{name: "mirror", build: func(w *world) {
			again(w)
		}, job: func(j *transfer.Job) { j.Mirror = true; j.MaxDelete = transfer.Limit{N: 50, Percent: true} }},
	}
}

var t0 = context.Background()

// TestStoppedAtEveryStep lets each scenario fail at every call of every store,
// handle and ledger in turn, in every way, and runs it again until it succeeds: the
// destination must be the same as after a run without faults, the source untouched, and
// nothing left to do.
func TestStoppedAtEveryStep(t *testing.T) {
	modes := map[string]mailtest.Mode{"before the effect": mailtest.Before, "answer lost": mailtest.After, "killed": mailtest.Stop}
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			clean := s.world(t)
			plan := mailtest.NewPlan(t)
			if _, err := clean.run(t, plan); err != nil {
				t.Fatal(err)
			}
			want := clean.dst.Dump()
			steps := plan.Steps()
			if steps < 20 {
				t.Fatalf("only %d steps", steps)
			}
			for name, mode := range modes {
				for _, lost := range []bool{false, true} {
					fired := 0
					for n := 1; n <= steps; n++ {
						if s.stopAt(t, n, mode, fmt.Sprintf("%s, ledger lost: %v", name, lost), lost, want) {
							fired++
						}
					}
					if fired < steps/2 {
						t.Errorf("%s: only %d of %d faults took place", name, fired, steps)
					}
				}
			}
		})
	}
}

func (s scenario) world(t *testing.T) *world {
	w := newWorldFrom(t, s.src, s.dst)
	s.build(w)
	w.job = s.job
	return w
}

// stopAt plays the scenario with a fault at step n and reports whether it took place.
func (s scenario) stopAt(t *testing.T, n int, mode mailtest.Mode, how string, lost bool, want string) bool {
	t.Helper()
	w := s.world(t)
	source := w.src.DumpUIDs()
	plan := mailtest.NewPlan(t, mailtest.Fault{Step: n, Mode: mode})
	_, err := w.run(t, plan)
	where := fmt.Sprintf("%s at step %d (%s), first run: %v", how, n, plan.StepName(n), err)
	if !plan.Fired() {
		return false
	}
	if lost {
		if strings.HasPrefix(s.name, "second run") || s.name == "mirror" {
			return true // without base flags and claims another result is right
		}
		w.ledger = newLedger()
	}
	r, err := w.run(t, nil)
	for _, f := range r.Folders {
		if open, _ := w.ledger.Intents(context.Background(), f.Dest); len(open) > 0 {
			t.Fatalf("%s: intents are left open for %q", where, f.Dest)
		}
	}
	if err != nil || !r.Complete() {
		t.Fatalf("%s: the next run: %v", where, err)
	}
	if got := w.dst.Dump(); got != want {
		t.Fatalf("%s: the destination holds\n%s\nwant\n%s", where, got, want)
	}
	if w.src.DumpUIDs() != source {
		t.Fatalf("%s: the source was changed", where)
	}
	after := w.dst.DumpUIDs()
	if r, err = w.run(t, nil); err != nil || r.Total.Copied != 0 || r.Total.Reflagged != 0 || w.dst.DumpUIDs() != after {
		t.Fatalf("%s: the run after that was not idle: %v %+v", where, err, r.Total)
	}
	return true
}
