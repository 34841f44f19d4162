package transfer

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"mailferry/transfer/mail"
)

// slowLedger keeps what is committed, and lets each commit wait for leave.
type slowLedger struct {
	Ledger
	leave chan error

	mu      sync.Mutex
	changes []Change
}

func (l *slowLedger) Commit(_ context.Context, c Change) error {
	l.mu.Lock()
	l.changes = append(l.changes, c)
	l.mu.Unlock()
	return <-l.leave
}

func ofPair(pair int64, uids ...mail.UID) Change {
	var records []Record
	for _, uid := range uids {
		records = append(records, Record{Source: uid, Dest: uid})
	}
	return Change{Records: map[int64][]Record{pair: records}, Settle: []int64{pair}}
}

// commitAll commits changes one after the other while the first of them is being written, and returns
// what became of each.
func commitAll(t *testing.T, l *slowLedger, answers []error, changes ...Change) []error {
	t.Helper()
	errs := make([]error, len(changes))
	synctest.Test(t, func(t *testing.T) {
		l.leave = make(chan error)
		c := &commits{Ledger: l}
		var wg sync.WaitGroup
		for i, change := range changes {
			wg.Go(func() { errs[i] = c.Commit(t.Context(), change) })
			synctest.Wait()
		}
		for _, err := range answers {
			l.leave <- err
			synctest.Wait()
		}
		wg.Wait()
		if c.writing || len(c.waiting) > 0 {
			t.Errorf("something is left: %+v", c.waiting)
		}
	})
	return errs
}

func TestCommitsThatWaitAreWrittenTogether(t *testing.T) {
	l := &slowLedger{}
	errs := commitAll(t, l, []error{nil, nil}, ofPair(1, 1), ofPair(1, 2), ofPair(2, 7), Change{Intents: []*Intent{{Pair: 3}}})
	if errors.Join(errs...) != nil || len(l.changes) != 2 {
		t.Fatalf("%v, %d commits", errs, len(l.changes))
	}
	got := l.changes[1]
	if len(got.Records[1]) != 1 || got.Records[1][0].Source != 2 || len(got.Records[2]) != 1 || len(got.Intents) != 1 ||
		!slices.Equal(got.Settle, []int64{1, 2}) {
		t.Errorf("%+v", got)
	}
}

// TestWhatConcernsAWholePairIsWrittenAlone, and in its turn.
func TestWhatConcernsAWholePairIsWrittenAlone(t *testing.T) {
	l := &slowLedger{}
	void := Change{Void: &Pair{ID: 1}}
	errs := commitAll(t, l, []error{nil, nil, nil, nil}, ofPair(9, 1), ofPair(1, 1), void, ofPair(1, 2), ofPair(2, 3))
	if errors.Join(errs...) != nil || len(l.changes) != 4 {
		t.Fatalf("%v, %d commits", errs, len(l.changes))
	}
	if l.changes[1].Void != nil || l.changes[2].Void == nil || len(l.changes[2].Records) > 0 || len(l.changes[3].Records) != 2 {
		t.Errorf("%+v", l.changes)
	}
}

// TestNobodyWritesForOthersAllTheTime: whoever's own change is durable goes on, however many come after it.
func TestNobodyWritesForOthersAllTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &slowLedger{leave: make(chan error)}
		c := &commits{Ledger: l}
		back := make(chan int, 4)
		for i := range 4 {
			go func() {
				_ = c.Commit(context.Background(), ofPair(int64(i), 1))
				back <- i
			}()
			synctest.Wait()
			if i == 0 {
				continue
			}
			l.leave <- nil
			synctest.Wait()
			if len(back) != 1 || <-back != i-1 {
				t.Fatalf("%d is not back though its change is durable", i-1)
			}
		}
		l.leave <- nil
		<-back
	})
}

func TestACommitThatFailsFailsForAllOfIt(t *testing.T) {
	l := &slowLedger{}
	full := errors.New("disk full")
	errs := commitAll(t, l, []error{nil, full}, ofPair(1, 1), ofPair(1, 2), ofPair(2, 3))
	if errs[0] != nil || errs[1] != full || errs[2] != full {
		t.Errorf("%v", errs)
	}
}

func TestACommitIsNotBegunAfterItsContext(t *testing.T) {
	l := &slowLedger{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (&commits{Ledger: l}).Commit(ctx, ofPair(1, 1)); !errors.Is(err, context.Canceled) || len(l.changes) > 0 {
		t.Errorf("%v, %d commits", err, len(l.changes))
	}
}
