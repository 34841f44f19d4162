package transfer

import (
	"context"
	"sync"
)

// commits is a Ledger that makes one commit of those that arrive while another is being
// written: each waits for the disk, and folders that are worked on at once would wait one after
// the other.
type commits struct {
	Ledger

	mu      sync.Mutex
	writing bool
	waiting []*commit
}

// commit is a Change on its way, and what became of it.
type commit struct {
	change Change
	done   chan error
	lead   chan struct{} // closed when it is its turn to write what waits, itself first
}

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

// write writes what waits and leaves what has come meanwhile to the first of those: nobody writes
// for others longer than for itself.
func (c *commits) write(ctx context.Context) error {
	c.mu.Lock()
	group := joinable(c.waiting)
	c.waiting = c.waiting[len(group):]
	c.mu.Unlock()
	err := c.Ledger.Commit(ctx, joined(group))
	for _, one := range group {
		one.done <- err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.writing = len(c.waiting) > 0; c.writing {
		close(c.waiting[0].lead)
	}
	return err
}

// joinable returns those at the front that make one Change: what concerns a whole pair stays alone.
func joinable(waiting []*commit) []*commit {
	for i, one := range waiting {
		if one.change.Void != nil || one.change.Pair != nil || len(one.change.Forget) > 0 {
			return waiting[:max(i, 1)]
		}
	}
	return waiting
}

// joined is one Change that does what the group's do. No two of them concern the same message: a
// journal waits for its own commits.
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
