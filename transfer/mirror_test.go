package transfer_test

import (
	"errors"
	"testing"

	"mailferry/transfer"
	"mailferry/transfer/mail"
	"mailferry/transfer/mail/mailtest"
)

func TestMirror(t *testing.T) {
	w := newWorld(t, mailtest.Options{})
	fill(w.src, "INBOX", 30)
	w.dst.PutText(path("INBOX"), text("INBOX-0", "hello", "")) // there before: adopted, not ours
	w.mustRun(t)
	w.dst.PutText(path("INBOX"), text("foreign", "foreign", ""))
	for _, uid := range []mail.UID{1, 2, 3} {
		w.src.Remove(path("INBOX"), uid)
	}

	w.job = func(j *transfer.Job) { j.Mirror = true; j.MaxDelete = transfer.Limit{N: 1} }
	before := w.dst.DumpUIDs()
	if _, err := w.run(t, nil); !errors.Is(err, transfer.ErrTooMany) {
		t.Fatalf("two deletions with one allowed: %v", err)
	}
	w.job = func(j *transfer.Job) { j.Mirror = true; j.MaxDelete = transfer.Limit{N: 5, Percent: true} }
	if _, err := w.run(t, nil); !errors.Is(err, transfer.ErrTooMany) {
		t.Fatalf("two of 29 deletions with 5 %% allowed: %v", err)
	}
	if w.dst.DumpUIDs() != before {
		t.Fatal("something was deleted above the limit")
	}

	w.job = func(j *transfer.Job) { j.Mirror = true; j.DryRun = true }
	if r := w.mustRun(t); r.Total.Expunged != 2 || w.dst.DumpUIDs() != before {
		t.Errorf("dry run: %+v", r.Total)
	}
	w.job = func(j *transfer.Job) { j.Mirror = true }
	r := w.mustRun(t)
	if r.Total.Expunged != 2 {
		t.Errorf("expunged %d", r.Total.Expunged)
	}
	if n := len(w.dst.Messages(path("INBOX"))); n != 29 {
		t.Errorf("%d messages are left, want 27 of the source, the adopted one and the foreign one", n)
	}
	if r := w.mustRun(t); r.Total.Expunged != 0 {
		t.Errorf("expunged twice: %+v", r.Total)
	}
}

func TestMirrorIsRefusedWhereItCannotBeSafe(t *testing.T) {
	for name, c := range map[string]struct {
		dst mailtest.Options
		job func(*transfer.Job)
	}{
		"no UIDPLUS":         {mailtest.Options{NoUIDPlus: true}, func(j *transfer.Job) {}},
		"filter of messages": {mailtest.Options{}, func(j *transfer.Job) { j.Filter.MaxSize = 1000 }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, c.dst)
			fill(w.src, "INBOX", 2)
			w.job = func(j *transfer.Job) { j.Mirror = true; c.job(j) }
			if _, err := w.run(t, nil); !errors.Is(err, transfer.ErrUnsupported) {
				t.Errorf("%v", err)
			}
			if n := len(w.dst.Messages(path("INBOX"))); n != 0 {
				t.Errorf("%d messages were copied before the refusal", n)
			}
		})
	}
}

func TestMirrorExpungesNothingThatItsRunCannotBeSureOf(t *testing.T) {
	mirrored := func(t *testing.T) *world {
		w := newWorld(t, mailtest.Options{Connections: 4})
		fill(w.src, "A", 40)
		fill(w.src, "B", 40)
		w.mustRun(t)
		w.job = func(j *transfer.Job) { j.Mirror = true }
		return w
	}
	count := func(w *world) int { return len(w.dst.Messages(path("A"))) + len(w.dst.Messages(path("B"))) }

	t.Run("a folder whose listing breaks off", func(t *testing.T) {
		w := mirrored(t)
		w.job = func(j *transfer.Job) {
			j.Mirror = true
			j.Timing.Attempts = 1
			j.Map = nil
		}
		w.src.Remove(path("A"), 1)
		w.src.Remove(path("B"), 1)
		plan := mailtest.NewPlan(t, mailtest.Fault{At: "src listed B 20", Times: -1})
		r, err := w.run(t, plan)
		if !plan.Fired() {
			t.Fatalf("the fault never struck: %v", err)
		}
		if count(w) != 80 || r.Total.Expunged != 0 {
			t.Errorf("%d messages are left, %d expunged: %v", count(w), r.Total.Expunged, err)
		}
		w.job = func(j *transfer.Job) { j.Mirror = true }
		if r := w.mustRun(t); count(w) != 78 || r.Total.Expunged != 2 {
			t.Errorf("after a whole run %d messages are left, %d expunged", count(w), r.Total.Expunged)
		}
	})
	t.Run("a message moved into a folder that cannot take it", func(t *testing.T) {
		w := mirrored(t)
		m := w.src.Messages(path("A"))[3]
		w.src.Put(path("B"), m.Flags, m.Date, m.Raw)
		w.src.Remove(path("A"), m.UID)
		plan := mailtest.NewPlan(t, mailtest.Fault{At: "dst append B", Times: -1,
			Err: &mail.Error{Op: "append", Scope: mail.ScopeMessage, Retry: mail.RetryNever, Kind: mail.KindRefused}})
		r, err := w.run(t, plan)
		if err != nil || !plan.Fired() {
			t.Fatal(err, plan.Fired())
		}
		if r.Total.Failed != 1 || r.Total.Expunged != 0 || count(w) != 80 {
			t.Errorf("%d failed, %d expunged, %d left", r.Total.Failed, r.Total.Expunged, count(w))
		}
		if r := w.mustRun(t); r.Total.Expunged != 1 || count(w) != 80 {
			t.Errorf("the next run: expunged %d, %d are left", r.Total.Expunged, count(w))
		}
	})
	t.Run("a message moved into a folder that was read before", func(t *testing.T) {
		w := mirrored(t)
		plan := mailtest.NewPlan(t, mailtest.Fault{At: "src listed A 40", Do: func() {
			msgs := w.src.Messages(path("B"))
			w.src.Put(path("A"), msgs[3].Flags, msgs[3].Date, msgs[3].Raw)
			w.src.Remove(path("B"), msgs[3].UID)
		}})
		w.job = func(j *transfer.Job) { j.Mirror = true; j.Connections = 1 }
		w.src.PutText(path("A"), text("more", "more", "")) // A is bigger, so it is read first
		r, err := w.run(t, plan)
		if err != nil || !plan.Fired() {
			t.Fatal(err, plan.Fired())
		}
		if r.Total.Expunged != 0 || count(w) < 81 {
			t.Errorf("expunged %d, %d are left", r.Total.Expunged, count(w))
		}
		if len(r.Problems) != 1 || r.Problems[0].Kind != transfer.ProblemNotExpunged {
			t.Errorf("not said: %+v", r.Problems)
		}
		r = w.mustRun(t)
		if r.Total.Expunged != 1 || count(w) != 81 {
			t.Errorf("the next run: expunged %d, %d are left", r.Total.Expunged, count(w))
		}
	})
	t.Run("a destination that expunges by itself", func(t *testing.T) {
		w := newWorld(t, mailtest.Options{AutoExpunge: true})
		fill(w.src, "A", 5)
		fill(w.dst, "A", 5)
		w.mustRun(t)
		for uid := range mail.UID(5) {
			w.src.SetFlags(path("A"), uid+1, mail.NewFlags(mail.Deleted))
		}
		w.job = func(j *transfer.Job) { j.Mirror = true; j.MaxDelete = transfer.Limit{Percent: true} }
		w.mustRun(t)
		if count(w) != 5 {
			t.Errorf("%d of 5 adopted messages are left", count(w))
		}
	})
}
