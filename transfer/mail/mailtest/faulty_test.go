package mailtest

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"mailferry/transfer/mail"
)

var copies = mail.NewPath("Copies")

// errands are all calls of the contracts in a row, up to the first error.
type errands struct {
	source mail.Source
	store  mail.Store
	runs   []int // of done, by append
	lost   []error
}

func (e *errands) run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, e.source.Close(), e.store.Close()) }()
	if _, err := e.store.Folders(ctx); err != nil {
		return err
	}
	if err := e.store.Create(ctx, mail.Folder{Path: copies}); err != nil {
		return err
	}
	if err := e.store.(mail.Subscriber).SetSubscribed(ctx, copies, true); err != nil {
		return err
	}
	r, err := e.source.OpenReader(ctx, inbox)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	w, err := e.store.OpenWriter(ctx, copies)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	return e.copy(ctx, r, w)
}

func (e *errands) copy(ctx context.Context, r mail.Reader, w mail.Writer) error {
	var all mail.UIDSet
	if err := r.List(ctx, everything(), func(i mail.Info) error { all.Add(i.UID); return nil }); err != nil {
		return err
	}
	err := r.Fetch(ctx, all, func(i mail.Info, body io.Reader) error {
		raw, err := io.ReadAll(body)
		if err != nil {
			return err
		}
		return e.append(ctx, w, raw)
	})
	if err != nil {
		return err
	}
	if err := w.Flush(ctx); err != nil {
		return err
	}
	if err := w.SetFlags(ctx, []mail.FlagChange{{UID: 1, Add: mail.NewFlags(mail.Seen)}}); err != nil {
		return err
	}
	if err := w.(mail.Expunger).Expunge(ctx, mail.NewUIDSet(2)); err != nil {
		return err
	}
	_, err = w.Refresh(ctx)
	return err
}

func (e *errands) append(ctx context.Context, w mail.Writer, raw []byte) error {
	n := len(e.runs)
	e.runs = append(e.runs, 0)
	msg := &mail.Message{InternalDate: letterDate(1), Body: mail.BytesBody(raw)}
	return w.Append(ctx, msg, func(_ mail.UID, err error) {
		e.runs[n]++
		if err != nil {
			e.lost = append(e.lost, err)
		}
	})
}

// outing is one run of the errands under faults.
type outing struct {
	errands
	plan  *Plan
	dest  *Memory
	heard recorder // of broken contracts
}

func newOuting(t *testing.T, faults ...Fault) *outing {
	o := &outing{heard: recorder{TB: t}, dest: New(Options{Name: "to", Reporter: t})}
	from := New(Options{Name: "from", Reporter: t})
	for n := 1; n <= 3; n++ {
		from.Put(inbox, nil, letterDate(n), letter(n))
	}
	o.plan = NewPlan(noCleanup{&o.heard}, faults...)
	o.source, o.store = FaultySource(from, o.plan), Faulty(o.dest, o.plan)
	return o
}

// cleanRun returns the steps of a run without faults, and what the destination
// held when each began, and at the end.
func cleanRun(t *testing.T) (names, states []string) {
	t.Helper()
	var o *outing
	o = newOuting(t, Fault{Times: -1, Do: func() { states = append(states, o.dest.Dump()) }})
	if err := o.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for n := range o.plan.Steps() {
		names = append(names, o.plan.StepName(n+1))
	}
	return names, append(states, o.dest.Dump())
}

func TestEveryCallIsAStep(t *testing.T) {
	names, _ := cleanRun(t)
	again, _ := cleanRun(t)
	if !slices.Equal(names, again) {
		t.Errorf("two equal runs have different steps:\n%q\n%q", names, again)
	}
	all := strings.Join(names, "\n")
	for _, want := range []string{
		"to folders", "to create Copies", "to subscribe Copies true", "from open reader INBOX", "to open writer Copies",
		"from list INBOX", "from listed INBOX 3", "from fetch INBOX", "from fetched INBOX 2", "from read INBOX 1",
		"to append Copies", "to answer Copies", "to flush Copies", "to set flags Copies", "to expunge Copies",
		"to refresh Copies", "to close Copies", "from close INBOX", "from close store", "to close store",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("no step %q in\n%s", want, all)
		}
	}
}

// TestEveryStepCanFail: whatever the step, the caller learns of it, every append is
// answered once, and exactly the effects are there that should be.
func TestEveryStepCanFail(t *testing.T) {
	names, states := cleanRun(t)
	for mode, modeName := range []string{"before", "after", "stop"} {
		for n := 1; n <= len(names); n++ {
			t.Run(modeName+" "+names[n-1], func(t *testing.T) {
				o := newOuting(t, Fault{Step: n, Mode: Mode(mode)})
				err := o.run(t.Context())
				if !o.plan.Fired() || o.plan.StepName(n) != names[n-1] {
					t.Fatalf("the fault did not fire, or at %q", o.plan.StepName(n))
				}
				if err == nil {
					t.Error("nobody was told")
				}
				for i, runs := range o.runs {
					if runs != 1 {
						t.Errorf("done of append %d ran %d times", i+1, runs)
					}
				}
				for _, lost := range o.lost {
					if !mail.ErrorOf(lost).Uncertain {
						t.Errorf("a lost append is said to be certain: %v", lost)
					}
				}
				if len(o.heard.failures) > 0 {
					t.Errorf("reported %q", o.heard.failures)
				}
				want := states[n-1]
				if Mode(mode) == After {
					want = states[end(names, n)]
				}
				if got := o.dest.Dump(); got != want {
					t.Errorf("the destination holds\n%s\nwant\n%s", got, want)
				}
			})
		}
	}
}

// end returns the first step after step n and all that happens within it; steps are
// counted from 0 in names.
func end(names []string, n int) int {
	until := map[string][]string{
		"from fetch INBOX":   {"flush"},
		"from fetched INBOX": {"from fetched", "flush"},
	}[strings.TrimRight(names[n-1], " 0123456789")]
	if until == nil {
		return n
	}
	for i := n; ; i++ {
		if slices.ContainsFunc(until, func(s string) bool { return strings.Contains(names[i], s) }) {
			return i
		}
	}
}

func TestAFaultThatNeverCameHasNotFired(t *testing.T) {
	for _, f := range []Fault{{Step: 10_000}, {At: "nothing is called so"}, {Step: 4, At: "append"}} {
		o := newOuting(t, f)
		if err := o.run(t.Context()); err != nil || o.plan.Fired() {
			t.Errorf("%+v: %v, fired: %t", f, err, o.plan.Fired())
		}
	}
}

func TestAMessageRefusedLeavesTheHandleAlive(t *testing.T) {
	no := &mail.Error{Op: "append", Scope: mail.ScopeMessage, Retry: mail.RetryNever, Kind: mail.KindRefused}
	for _, c := range []struct {
		fault     Fault
		uncertain bool
		messages  int // the second of three is expunged in the end
	}{
		{Fault{At: "append", Step: 1, Err: no}, false, 1},
		{Fault{At: "append", Step: 1, Err: no, Mode: After}, true, 2},
		{Fault{At: "answer", Step: 1, Err: no}, true, 2},
		{Fault{At: "append", Times: -1, Err: no}, false, 0},
	} {
		o := newOuting(t, c.fault)
		if err := o.run(t.Context()); err != nil {
			t.Errorf("%+v: %v", c.fault, err)
		}
		if len(o.lost) == 0 || mail.ErrorOf(o.lost[0]).Uncertain != c.uncertain || !errors.As(o.lost[0], new(*mail.Error)) {
			t.Errorf("%+v: done was told %v", c.fault, o.lost)
		}
		if n := len(o.dest.Messages(copies)); n != c.messages {
			t.Errorf("%+v: %d messages, want %d", c.fault, n, c.messages)
		}
		if len(o.heard.failures) > 0 {
			t.Errorf("%+v: reported %q", c.fault, o.heard.failures)
		}
	}
}

func TestABodyThatEndsTooEarly(t *testing.T) {
	for _, mode := range []Mode{Before, After, Stop} {
		m := New(Options{Reporter: t})
		m.Put(inbox, nil, letterDate(1), letter(1))
		plan := NewPlan(t, Fault{At: "read INBOX", Mode: mode})
		r, _ := FaultySource(m, plan).OpenReader(t.Context(), inbox)
		var read, again error
		err := r.Fetch(t.Context(), mail.NewUIDSet(1), func(_ mail.Info, body io.Reader) error {
			_, read = io.ReadAll(body)
			_, again = body.Read(make([]byte, 1))
			return nil
		})
		r.Close()
		if read != io.ErrUnexpectedEOF || again != io.ErrUnexpectedEOF {
			t.Errorf("mode %d: the body ends with %v, then %v", mode, read, again)
		}
		if err == nil || mail.ErrorOf(err).Scope != mail.ScopeStore {
			t.Errorf("mode %d: Fetch says %v", mode, err)
		}
	}
}

func TestSomethingHappensMeanwhile(t *testing.T) {
	var o *outing
	o = newOuting(t, Fault{At: "set flags", Do: func() { o.dest.Remove(copies, 1) }})
	if err := o.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := o.dest.Messages(copies); len(got) != 1 || got[0].UID != 3 || !o.plan.Fired() {
		t.Errorf("left: %+v", got)
	}
}

func TestAfterAnErrorAHandleIsOnlyClosed(t *testing.T) {
	m := New(Options{Reporter: t})
	heard := recorder{TB: t}
	plan := NewPlan(&heard, Fault{At: "append"})
	w, _ := Faulty(m, plan).OpenWriter(t.Context(), inbox)
	var got answers
	for range 2 {
		if err := w.Append(t.Context(), text("x"), got.done); err == nil {
			t.Error("Append on a lost connection went well")
		}
	}
	w.Close()
	if len(heard.failures) != 1 || !strings.Contains(heard.failures[0], "after the handle's error") {
		t.Errorf("reported %q", heard.failures)
	}
	if len(got) != 2 || got[0] == nil || got[1] == nil || len(m.Messages(inbox)) != 0 {
		t.Errorf("answers %v, %d messages", got, len(m.Messages(inbox)))
	}
}

// TestQueuedMessagesShareTheFate: a fault while messages are queued makes
// all of them uncertain, also those whose effect took place.
func TestQueuedMessagesShareTheFate(t *testing.T) {
	for _, c := range []struct {
		name     string
		fault    Fault
		messages int
	}{
		{"append before", Fault{At: "append", Step: 3}, 0},
		{"append after", Fault{At: "append", Step: 3, Mode: After}, 3},
		{"flush before", Fault{At: "flush"}, 0},
		{"flush after", Fault{At: "flush", Mode: After}, 3},
		{"answer", Fault{At: "answer"}, 3},
		{"stop", Fault{At: "flush", Mode: Stop}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := New(Options{Reporter: t, Window: 10})
			plan := NewPlan(t, c.fault)
			w, _ := Faulty(m, plan).OpenWriter(t.Context(), inbox)
			var got answers
			var err error
			for i := 0; i < 3 && err == nil; i++ {
				err = w.Append(t.Context(), text("x"), got.done)
			}
			if err == nil {
				err = w.Flush(t.Context())
			}
			w.Close()
			if err == nil || len(got) != 3 {
				t.Fatalf("error %v, %d answers", err, len(got))
			}
			for i, answer := range got {
				if answer == nil || !mail.ErrorOf(answer).Uncertain {
					t.Errorf("message %d: %v, want an uncertain error", i+1, answer)
				}
			}
			if n := len(m.Messages(inbox)); n != c.messages {
				t.Errorf("%d messages, want %d", n, c.messages)
			}
		})
	}
}

func TestOptionalInterfacesShineThrough(t *testing.T) {
	plan := NewPlan(t)
	plain := struct{ mail.Store }{New(Options{Reporter: t})}
	if _, ok := Faulty(plain, plan).(mail.Subscriber); ok {
		t.Error("a Subscriber where there is none")
	}
	w, _ := Faulty(New(Options{Reporter: t, NoUIDPlus: true}), plan).OpenWriter(t.Context(), inbox)
	defer w.Close()
	if _, ok := w.(mail.Expunger); ok {
		t.Error("an Expunger where there is none")
	}
}

func TestAPlanForOtherThings(t *testing.T) {
	done := 0
	work := func() error { done++; return nil }
	plan := NewPlan(t, Fault{At: "commit", Step: 2}, Fault{At: "commit", Step: 3, Mode: After}, Fault{At: "commit", Step: 5, Mode: Stop})
	var failed []int
	for i := 1; i <= 7; i++ {
		if plan.Do("ledger commit", work) != nil {
			failed = append(failed, i)
		}
	}
	if !slices.Equal(failed, []int{2, 3, 5, 6, 7}) || done != 3 || plan.Steps() != 5 {
		t.Errorf("failed %v, done %d times, %d steps", failed, done, plan.Steps())
	}
}
