package catalogue

import (
	"context"
	"errors"
	"sync"
)

// turns collects the changes that arrive while another is being written: each waits for the disk
// several times, and folders that are written at once would wait one after the other.
type turns struct {
	mu      sync.Mutex
	writing bool
	waiting []*turn
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
	if d.readOnly {
		return errReadOnly
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	mine := &turn{change: change, done: make(chan struct{}), lead: make(chan struct{})}
	d.turns.join(mine)
	select {
	case <-mine.done:
	case <-mine.lead:
		group := d.turns.take()
		d.transact(group)
		for _, one := range group {
			close(one.done)
		}
		d.turns.pass()
	}
	return mine.err
}

func (t *turns) join(one *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting = append(t.waiting, one)
	if !t.writing {
		t.writing = true
		close(one.lead)
	}
}

func (t *turns) take() (group []*turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	group, t.waiting = t.waiting, nil
	return group
}

// pass leaves what has come meanwhile to the first of those: nobody writes for others longer than for itself.
func (t *turns) pass() {
	t.mu.Lock()
	defer t.mu.Unlock()
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
	_, err := tx.Exec("BEGIN IMMEDIATE")
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
