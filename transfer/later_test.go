package transfer

import (
	"context"
	"errors"
	"testing"

	"mailferry/transfer/mail"
)

// plainLedger keeps what is committed, fails when it is told to, and has nothing to read.
type plainLedger struct {
	noLedger
	fails   error
	changes []Change
	reads   int
}

func (l *plainLedger) Commit(_ context.Context, c Change) error {
	if l.fails == nil {
		l.changes = append(l.changes, c)
	}
	return l.fails
}

func (l *plainLedger) Records(context.Context, int64, mail.UID, int) ([]Record, error) {
	l.reads++
	return nil, nil
}

// sources are the UIDs that changes record, in order.
func sources(changes ...Change) (uids []mail.UID) {
	for _, c := range changes {
		for _, records := range c.Records {
			for _, r := range records {
				uids = append(uids, r.Source)
			}
		}
	}
	return uids
}

func TestWhatNobodyWaitsForGoesWithTheNextCommit(t *testing.T) {
	l := &plainLedger{}
	c := &commits{Ledger: l}
	for uid := range mail.UID(3) {
		if err := c.CommitLater(t.Context(), ofPair(1, uid+1)); err != nil || len(l.changes) > 0 {
			t.Fatalf("%v, %d commits", err, len(l.changes))
		}
	}
	if err := c.Commit(t.Context(), Change{Pairs: []*Pair{{ID: 1}}}); err != nil || len(l.changes) != 1 {
		t.Fatalf("%v, %d commits", err, len(l.changes))
	}
	if got := l.changes[0]; len(sources(got)) != 3 || len(got.Settle) != 3 || len(got.Pairs) != 1 {
		t.Errorf("%+v", got)
	}
	if err := c.Flush(t.Context()); err != nil || len(l.changes) != 1 {
		t.Errorf("nothing to flush: %v, %d commits", err, len(l.changes))
	}
}

// TestWhatNobodyWaitsForComesFirst where the next commit concerns a whole pair: what voids records voids these, too.
func TestWhatNobodyWaitsForComesFirst(t *testing.T) {
	for name, change := range map[string]Change{
		"void": {Void: &Pair{ID: 1}}, "pair": {Pair: &Pair{ID: 1}}, "forget": {Forget: map[int64]mail.UIDSet{1: mail.NewUIDSet(1)}},
	} {
		l := &plainLedger{}
		c := &commits{Ledger: l}
		err := errors.Join(c.CommitLater(t.Context(), ofPair(1, 1)), c.Commit(t.Context(), change))
		if err != nil || len(l.changes) != 2 || len(sources(l.changes[0])) != 1 || len(sources(l.changes[1])) != 0 {
			t.Errorf("%s: %v, %+v", name, err, l.changes)
		}
	}
}

func TestReadersSeeWhatNobodyWaitedFor(t *testing.T) {
	for name, read := range map[string]func(c *commits) error{
		"records": func(c *commits) error { _, err := c.Records(t.Context(), 1, 0, 1); return err },
		"pairs":   func(c *commits) error { _, err := c.Pairs(t.Context()); return err },
		"claimed": func(c *commits) error { _, err := c.Claimed(t.Context(), mail.Path{}, 0); return err },
		"intents": func(c *commits) error { _, err := c.Intents(t.Context(), mail.Path{}); return err },
	} {
		l := &plainLedger{}
		c := &commits{Ledger: l}
		if err := errors.Join(c.CommitLater(t.Context(), ofPair(1, 1)), read(c)); err != nil || len(l.changes) != 1 {
			t.Errorf("%s: %v, %d commits", name, err, len(l.changes))
		}
	}
}

// TestReadersOfOnePairWaitForNoOther: its records are there, and the disk is asked for nothing.
func TestReadersOfOnePairWaitForNoOther(t *testing.T) {
	l := &plainLedger{}
	c := &commits{Ledger: l}
	read := func(pair int64) {
		t.Helper()
		if _, err := c.Records(t.Context(), pair, 0, 1); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // in each round pairs have something to write again
		before := len(l.changes)
		if err := errors.Join(c.CommitLater(t.Context(), ofPair(1, 1)), c.CommitLater(t.Context(), ofPair(1, 2)), c.CommitLater(t.Context(), ofPair(2, 1))); err != nil {
			t.Fatal(err)
		}
		if read(3); len(l.changes) != before {
			t.Error("who has nothing to write made others write")
		}
		if read(1); len(l.changes) != before+1 {
			t.Errorf("%d commits before the records of a pair were read", len(l.changes)-before)
		}
		if read(2); len(l.changes) != before+1 {
			t.Error("what is written was written again")
		}
	}
}

// TestWhatNobodyWaitedForIsNotForgotten: once it could not be written nothing can be, or a pair would be
// recorded as finished whose records are missing.
func TestWhatNobodyWaitedForIsNotForgotten(t *testing.T) {
	l := &plainLedger{fails: errors.New("disk full")}
	c := &commits{Ledger: l}
	if err := errors.Join(c.CommitLater(t.Context(), ofPair(1, 1))); err != nil {
		t.Fatal(err)
	}
	if err := c.Commit(t.Context(), ofPair(2, 1)); !errors.Is(err, l.fails) {
		t.Fatalf("%v", err)
	}
	full := l.fails
	l.fails = nil
	_, read := c.Records(t.Context(), 1, 0, 1)
	for name, err := range map[string]error{
		"a commit": c.Commit(t.Context(), Change{Pairs: []*Pair{{ID: 1}}}), "one of a whole pair": c.Commit(t.Context(), Change{Pair: &Pair{}}),
		"a later one": c.CommitLater(t.Context(), ofPair(1, 2)), "a flush": c.Flush(t.Context()), "a reader": read,
	} {
		if !errors.Is(err, full) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(l.changes) > 0 || l.reads > 0 {
		t.Errorf("%d commits, %d reads", len(l.changes), l.reads)
	}
}

func TestNotTooMuchWaits(t *testing.T) {
	l := &plainLedger{}
	c := &commits{Ledger: l}
	var all []mail.UID
	for uid := range mail.UID(mostLater + 1) {
		all = append(all, uid+1)
	}
	if err := c.CommitLater(t.Context(), ofPair(1, all[:mostLater]...)); err != nil || len(l.changes) != 0 {
		t.Fatalf("%v, %d commits", err, len(l.changes))
	}
	if err := c.CommitLater(t.Context(), ofPair(1, all[mostLater:]...)); err != nil || len(sources(l.changes...)) != len(all) {
		t.Fatalf("%v, %d commits", err, len(l.changes))
	}
}
