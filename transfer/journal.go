package transfer

import (
	"context"
	"slices"

	"mailferry/transfer/mail"
)

const (
	defaultBatch = 1000    // messages in one intent
	saveMessages = 100     // confirmed messages that are worth a commit
	saveBytes    = 4 << 20 // octets of confirmed messages that are worth one
)

// journal writes the intents and records of one writing goroutine. While the messages of
// one intent are sent, the next one is committed already, and records are committed
// beside the sending, so that the line need not wait for the disk.
type journal struct {
	ledger   *commits
	pair     int64
	validity uint32   // of the destination
	next     mail.UID // no message sent from now on gets a smaller UID
	size     int      // messages in one intent
	rest     mail.UIDSet
	sourced  *cover // of all messages, and no intent, where the destination tells which of the source's each is; or nil

	current, ahead *cover
	retired        []*cover // nothing more will be sent under them
	records        []Record // confirmed, or of flags carried over, and not part of a commit
	bytes          int64    // of these
	committing     chan error
	broken         error // of a commit: nothing may be settled any more
}

// cover is an intent and the number of messages sent under it whose fate is open.
type cover struct {
	intent Intent
	open   int
}

func (c *cover) names(uid mail.UID) bool { return c != nil && c.intent.Source.Contains(uid) }

// cover returns the durable intent that names uid.
func (j *journal) cover(ctx context.Context, uid mail.UID) (*cover, error) {
	if j.sourced != nil {
		return j.sourced, nil
	}
	if j.current.names(uid) {
		return j.current, nil
	}
	if err := j.wait(); err != nil {
		return nil, err
	}
	if j.ahead.names(uid) {
		j.retire(j.current)
		j.current, j.ahead = j.ahead, j.plan()
		j.start(ctx, j.ahead)
		return j.current, nil
	}
	if !j.rest.Contains(uid) { // it comes out of turn
		c := j.coverOf(mail.NewUIDSet(uid))
		j.start(ctx, c)
		j.retire(c)
		return c, j.wait()
	}
	j.retire(j.current, j.ahead)
	j.rest = j.rest.Minus(upTo(uid - 1))
	j.current = j.plan()
	j.ahead = j.plan()
	j.start(ctx, j.current, j.ahead)
	return j.current, j.wait()
}

// upTo returns the UIDs from 1 to last.
func upTo(last mail.UID) (set mail.UIDSet) {
	if last > 0 {
		set.AddRange(1, last)
	}
	return set
}

// plan takes the next messages in order; nil when there are none.
func (j *journal) plan() *cover {
	for part := range j.rest.Chunks(j.size, j.size) {
		j.rest = j.rest.Minus(upTo(part.Last()))
		return j.coverOf(part)
	}
	return nil
}

func (j *journal) coverOf(uids mail.UIDSet) *cover {
	return &cover{intent: Intent{Pair: j.pair, DestValidity: j.validity, DestNext: j.next, Source: uids.Clone()}}
}

func (j *journal) retire(covers ...*cover) {
	for _, c := range covers {
		if c != nil {
			j.retired = append(j.retired, c)
		}
	}
}

// record takes in a message that the destination confirmed.
func (j *journal) record(r Record, size int64) {
	j.records, j.bytes = append(j.records, r), j.bytes+size
}

// save commits in the background what is confirmed, if it is much and nothing is
// being committed.
func (j *journal) save(ctx context.Context) error {
	if len(j.records) < saveMessages && j.bytes < saveBytes {
		return nil
	}
	if len(j.committing) == 0 && j.committing != nil {
		return nil
	}
	if err := j.wait(); err != nil {
		return err
	}
	j.start(ctx)
	return nil
}

// finish hands over what is left after the last message, and settles the intents under which nothing is open.
func (j *journal) finish(ctx context.Context) error {
	j.retire(j.current, j.ahead)
	j.current, j.ahead = nil, nil
	if err := j.wait(); err != nil {
		return err
	}
	if change, any := j.change(); any {
		j.broken = j.ledger.CommitLater(ctx, change)
	}
	return ofLedger(j.broken)
}

// start commits everything confirmed, together with new intents. Nothing is being committed.
func (j *journal) start(ctx context.Context, covers ...*cover) {
	change, any := j.change(covers...)
	if !any {
		return
	}
	// A commit that is cut short would leave it open what is recorded.
	ctx = context.WithoutCancel(ctx)
	j.committing = make(chan error, 1)
	go func(done chan<- error) { done <- j.ledger.Commit(ctx, change) }(j.committing)
}

// change is everything that is confirmed and not part of a commit, with new intents.
func (j *journal) change(covers ...*cover) (change Change, any bool) {
	if len(j.records) > 0 {
		change.Records = map[int64][]Record{j.pair: j.records}
	}
	j.retired = slices.DeleteFunc(j.retired, func(c *cover) bool {
		if c.open == 0 {
			change.Settle = append(change.Settle, c.intent.ID)
		}
		return c.open == 0
	})
	for _, c := range covers {
		if c != nil {
			change.Intents = append(change.Intents, &c.intent)
		}
	}
	j.records, j.bytes = nil, 0
	return change, len(change.Records)+len(change.Settle)+len(change.Intents) > 0
}

// wait returns when nothing is being committed. After a commit that failed the journal
// is of no use any more: its intents stay open, for what they name may be unrecorded.
func (j *journal) wait() error {
	if j.committing != nil {
		j.broken = <-j.committing
		j.committing = nil
	}
	return ofLedger(j.broken)
}
