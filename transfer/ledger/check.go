package ledger

import (
	"errors"
	"fmt"
	"time"

	"mailferry/transfer"
	"mailferry/transfer/mail"
)

// Identity names the two accounts a ledger is about, as mail.Source.String does.
type Identity struct{ Source, Dest string }

// Run is one line of the history.
type Run struct {
	ID       int64
	Started  time.Time // to the millisecond
	Finished time.Time // zero: it did not get so far
	Summary  []byte    // JSON
}

var (
	errClosed = errors.New("the ledger is closed")
	errNoPair = errors.New("no such pair of folders")
	errNoRun  = errors.New("no such run")
)

const (
	opRead   = "read the ledger"
	opCommit = "record in the ledger"
	opStart  = "begin the ledger's record of a run"
	opFinish = "end the ledger's record of a run"
)

// failed makes the error of an operation that is not worth trying again.
func failed(op string, err error) error {
	return &mail.Error{Op: op, Scope: mail.ScopeStore, Retry: mail.RetryNever, Err: err}
}

func refused(err error) error { return failed(opCommit, err) }

// check finds what no ledger can record, whatever is in it.
func check(c transfer.Change) error {
	for _, p := range pairsOf(c) {
		if p.Source.IsZero() || p.Dest.IsZero() {
			return refused(errors.New("a pair needs a folder at both ends"))
		}
	}
	for pair, records := range c.Records {
		for _, r := range records {
			if r.Source == 0 {
				return refused(fmt.Errorf("pair %d: a record needs a source uid", pair))
			}
		}
	}
	for _, i := range c.Intents {
		if i.Source.Empty() {
			return refused(fmt.Errorf("pair %d: an intent needs messages", i.Pair))
		}
	}
	return nil
}

// pairsOf returns every pair that c records, in order.
func pairsOf(c transfer.Change) []*transfer.Pair {
	if c.Pair == nil {
		return c.Pairs
	}
	return append([]*transfer.Pair{c.Pair}, c.Pairs...)
}

// taken is the error of a source folder that is to get a second destination.
func taken(p, other transfer.Pair) error {
	return &mail.Error{Op: opCommit, Folder: p.Source, Scope: mail.ScopeStore, Retry: mail.RetryNever,
		Err: fmt.Errorf("it already goes to %q and cannot go to %q as well", other.Dest, p.Dest)}
}
