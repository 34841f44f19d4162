package transfer

import (
	"context"
	"sync"

	"mailferry/transfer/mail"
)

// commits is a Ledger that makes one commit of those that arrive while another is being
// written: each waits for the disk, and folders that are worked on at once would wait one after
// the other. What nobody waits for goes with the next one; whoever reads sees it.
type commits struct {
	Ledger

	mu      sync.Mutex
	writing bool
	waiting []*commit
	later   []*commit     // that nobody waits for
	records int           // in these
	carried bool          // some of these are being written
	unseen  map[int64]int // how many of either hold records of a pair
	broken  error         // of a commit that they were part of
}

// commit is a Change on its way, and what became of it.
type commit struct {
	change Change
	done   chan error
	lead   chan struct{} // closed when it is its turn to write what waits, itself first
}

// mostLater bounds the records that wait for a commit.
const mostLater = 5000

// Commit returns when the change is durable, or has failed with those it was written with: then the ledger is of
// no use any more. Once begun it is not cut short by ctx.
func (c *commits) Commit(ctx context.Context, change Change) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	mine := &commit{change, make(chan error, 1), make(chan struct{})}
	c.mu.Lock()
	c.waiting = append(c.waiting, mine)
	if !c.writing {
		c.writing = true
		close(mine.lead)
	}
	c.mu.Unlock()
	select {
	case err := <-mine.done:
		return err
	case <-mine.lead:
		return c.write(context.WithoutCancel(ctx))
	}
}

// CommitLater is for records and settled intents: they are durable with the next Commit at the latest. A process that dies
// before then has not recorded them. If that commit fails, all that come after it fail, too.
func (c *commits) CommitLater(ctx context.Context, change Change) error {
	c.mu.Lock()
	c.later = append(c.later, &commit{change: change})
	for pair, records := range change.Records {
		c.records += len(records)
		if c.unseen == nil {
			c.unseen = make(map[int64]int)
		}
		c.unseen[pair]++
	}
	many, err := c.records > mostLater, c.broken
	c.mu.Unlock()
	if many && err == nil {
		return c.Commit(ctx, Change{})
	}
	return err
}

// Flush commits what nobody waits for.
func (c *commits) Flush(ctx context.Context) error {
	c.mu.Lock()
	open, err := len(c.later) > 0 || c.carried, c.broken
	c.mu.Unlock()
	if !open {
		return err
	}
	return c.Commit(ctx, Change{})
}

// write writes what waits and leaves what has come meanwhile to the first of those: nobody writes
// for others longer than for itself.
func (c *commits) write(ctx context.Context) error {
	c.mu.Lock()
	group, later := joinable(c.waiting), c.later
	c.waiting = c.waiting[len(group):]
	c.later, c.records, c.carried = nil, 0, len(later) > 0
	err := c.broken
	c.mu.Unlock()
	if err == nil {
		err = c.carryOut(ctx, later, group)
	}
	for _, one := range group {
		one.done <- err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.carried = false; len(later) > 0 {
		c.broken = err
	}
	for _, one := range later {
		for pair := range one.change.Records {
			if c.unseen[pair]--; c.unseen[pair] == 0 {
				delete(c.unseen, pair)
			}
		}
	}
	if c.writing = len(c.waiting) > 0; c.writing {
		close(c.waiting[0].lead)
	}
	return err
}

func (c *commits) carryOut(ctx context.Context, later, group []*commit) error {
	if len(group) == 1 && group[0].alone() {
		if err := c.once(ctx, joined(later)); err != nil {
			return err
		}
		return c.Ledger.Commit(ctx, group[0].change)
	}
	return c.once(ctx, joined(append(later, group...)))
}

// once makes one commit of what there is to commit.
func (c *commits) once(ctx context.Context, change Change) error {
	if len(change.Pairs)+len(change.Settle)+len(change.Intents)+len(change.Records) == 0 {
		return nil
	}
	return c.Ledger.Commit(ctx, change)
}

// joinable returns those at the front that make one Change: what concerns a whole pair stays alone.
func joinable(waiting []*commit) []*commit {
	for i, one := range waiting {
		if one.alone() {
			return waiting[:max(i, 1)]
		}
	}
	return waiting
}

func (c *commit) alone() bool {
	return c.change.Void != nil || c.change.Pair != nil || len(c.change.Forget) > 0
}

// joined is one Change that does what the group's do. No two of them concern the same message: a
// journal waits for its own commits, and of what comes later the last counts.
func joined(group []*commit) Change {
	if len(group) == 1 {
		return group[0].change
	}
	var all Change
	for _, one := range group {
		all.Pairs = append(all.Pairs, one.change.Pairs...)
		all.Settle = append(all.Settle, one.change.Settle...)
		all.Intents = append(all.Intents, one.change.Intents...)
		for pair, records := range one.change.Records {
			if all.Records == nil {
				all.Records = make(map[int64][]Record)
			}
			all.Records[pair] = append(all.Records[pair][:len(all.Records[pair]):len(all.Records[pair])], records...)
		}
	}
	return all
}

// New passes on what the ledger knows of itself.
func (c *commits) New() bool { return isNew(c.Ledger) }

// The readers of commits see what nobody waits for.

func (c *commits) Pairs(ctx context.Context) ([]Pair, error) {
	if err := c.Flush(ctx); err != nil {
		return nil, err
	}
	return c.Ledger.Pairs(ctx)
}

func (c *commits) Records(ctx context.Context, pair int64, after mail.UID, limit int) ([]Record, error) {
	c.mu.Lock()
	unseen, err := c.unseen[pair] > 0, c.broken
	c.mu.Unlock()
	if unseen {
		err = c.Flush(ctx)
	}
	if err != nil {
		return nil, err
	}
	return c.Ledger.Records(ctx, pair, after, limit)
}

func (c *commits) Claimed(ctx context.Context, dest mail.Path, from mail.UID) (mail.UIDSet, error) {
	if err := c.Flush(ctx); err != nil {
		return mail.UIDSet{}, err
	}
	return c.Ledger.Claimed(ctx, dest, from)
}

func (c *commits) Intents(ctx context.Context, dest mail.Path) ([]Intent, error) {
	if err := c.Flush(ctx); err != nil {
		return nil, err
	}
	return c.Ledger.Intents(ctx, dest)
}
