package catalogue

import (
	"context"
	"errors"
	"sync"
	"time"
)

// turns collects the changes that arrive while another is being written: each waits for the disk
// several times, and folders that are written at once would wait one after the other.
type turns struct {
	mu      sync.Mutex
	writing bool
	waiting []*turn
	coming  int           // changes that will wait soon
	enough  time.Duration // how long to wait for those

	moved chan struct{} // told when one that was coming waits, or comes no more
}

// turn is a change on its way, and what became of it.
type turn struct {
	change func(tx *transaction) error
	err    error
	done   chan struct{}
	lead   chan struct{} // closed when it is its turn to write what waits, itself first
}

// write carries a change out, all of it or nothing, and returns when it is durable. Changes that wait at the
// same time are one transaction, and one that fails leaves the others as they are. Once begun it
// is not cut short by ctx.
func (d *DB) write(ctx context.Context, change func(tx *transaction) error) error {
	return d.writeAfter(ctx, nil, change)
}

// writeAfter is write for a change for which something has to be done first. Changes that come to be written meanwhile
// wait for it a little.
func (d *DB) writeAfter(ctx context.Context, first func() error, change func(tx *transaction) error) error {
	if d.readOnly {
		return errReadOnly
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	mine := &turn{change: change, done: make(chan struct{}), lead: make(chan struct{})}
	if err := d.turns.join(mine, first); err != nil {
		return err
	}
	select {
	case <-mine.done:
	case <-mine.lead:
		d.lead()
	}
	return mine.err
}

// lead writes what waits, the caller's change among it.
func (d *DB) lead() {
	d.turns.gather()
	group, start := d.turns.take(), time.Now()
	d.transact(group)
	for _, one := range group {
		close(one.done)
	}
	d.turns.pass(time.Since(start))
}

// join returns the error of first, which is carried out before.
func (t *turns) join(one *turn, first func() error) error {
	if first != nil {
		t.expect(1)
		defer t.expect(-1)
		if err := first(); err != nil {
			return err
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting = append(t.waiting, one)
	if !t.writing {
		t.writing = true
		close(one.lead)
	}
	return nil
}

func (t *turns) expect(more int) {
	t.mu.Lock()
	t.coming += more
	t.mu.Unlock()
	if more < 0 {
		select {
		case t.moved <- struct{}{}:
		default:
		}
	}
}

// gather waits for the changes that are coming, but no longer than it took to write the last ones.
func (t *turns) gather() {
	more, enough := t.more()
	if !more {
		return
	}
	timer := time.NewTimer(enough)
	defer timer.Stop()
	for more {
		select {
		case <-t.moved:
			more, _ = t.more()
		case <-timer.C:
			return
		}
	}
}

func (t *turns) more() (some bool, enough time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.coming > 0, t.enough
}

func (t *turns) take() (group []*turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	group, t.waiting = t.waiting, nil
	return group
}

// patience bounds what one change may wait for others.
const patience = 5 * time.Millisecond

// pass leaves what has come meanwhile to the first of those: nobody writes for others longer than for itself.
func (t *turns) pass(took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.enough = min(took, patience)
	if t.writing = len(t.waiting) > 0; t.writing {
		close(t.waiting[0].lead)
	}
}

// transact leaves in each of the group what became of it.
func (d *DB) transact(group []*turn) {
	err := d.inOne(group)
	if err == nil {
		return
	}
	d.forget()
	for _, one := range group {
		one.err = errors.Join(one.err, err)
	}
}

// inOne carries the group out in one transaction. Its error is that of all of them.
func (d *DB) inOne(group []*turn) error {
	if err := d.line.take(context.Background()); err != nil {
		return err
	}
	defer d.line.leave()
	tx := &transaction{d.line}
	err := tx.begin()
	for i := 0; err == nil && i < len(group); i++ {
		group[i].err, err = d.apart(tx, group[i].change)
	}
	if err == nil {
		_, err = tx.Exec("COMMIT")
	}
	if err != nil {
		tx.rollback()
		return err
	}
	d.line.hold()
	return nil
}

// apart carries a change out so that nothing of it stays behind if it fails. The second error means that the
// transaction cannot go on: SQLite gives up the whole of it when the disk is full, for example.
func (d *DB) apart(tx *transaction, change func(tx *transaction) error) (failed, broken error) {
	if _, err := tx.Exec("SAVEPOINT turn"); err != nil {
		return nil, err
	}
	if failed = change(tx); failed != nil {
		d.forget()
		if _, err := tx.Exec("ROLLBACK TO turn"); err != nil {
			return failed, err
		}
	}
	_, err := tx.Exec("RELEASE turn")
	return failed, err
}
