package ledger

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// Ledger is a transfer.Ledger in a SQLite file. Its errors are *mail.Error; one
// of KindDamaged says that the file must not be used any more.
type Ledger struct {
	path      string
	sets      *flagSets
	chunkSize int // the greatest number of records in a chunk that is written

	life   sync.RWMutex // held for reading by every operation
	closed bool
	lock   *lockFile // nil: open for reading only
	reader *sql.DB
	read   queries
	writer *writer // nil: open for reading only
	image  *image  // what is read, if it is open for reading only and was there
}

// queries are the statements that read.
type queries struct {
	pairs, chunks, claimed, intents, flagSet, runs *sql.Stmt
}

const (
	allPairs   = "SELECT * FROM pairs"
	allIntents = "SELECT * FROM intents ORDER BY id"
)

func prepareQueries(db *sql.DB) (q queries, err error) {
	for _, s := range []struct {
		into **sql.Stmt
		text string
	}{
		{&q.pairs, allPairs},
		{&q.chunks, "SELECT * FROM chunks WHERE pair = ?1 AND last > ?2 AND first >= " +
			"(SELECT coalesce(max(first), 0) FROM chunks WHERE pair = ?1 AND first <= ?2) ORDER BY first"},
		{&q.claimed, "SELECT c.* FROM pairs p CROSS JOIN chunks c WHERE p.dest = ? AND c.pair = p.id AND c.top >= ?"},
		{&q.intents, "SELECT i.* FROM pairs p JOIN intents i ON i.pair = p.id WHERE p.dest = ? ORDER BY i.id"},
		{&q.flagSet, "SELECT text, sum FROM flags WHERE id = ?"},
		{&q.runs, "SELECT id, started, finished, summary FROM runs ORDER BY id"},
	} {
		if *s.into, err = db.Prepare(s.text); err != nil {
			return q, err
		}
	}
	return q, nil
}

// use holds off Close until the returned function is called.
func (l *Ledger) use(ctx context.Context, op string) (done func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.life.RLock()
	if l.closed {
		l.life.RUnlock()
		return nil, failed(op, errClosed)
	}
	return l.life.RUnlock, nil
}

// Close waits for what is under way, marks the file as cleanly closed and frees
// the lock. The lock is free even if it returns an error. Calling it again does nothing.
func (l *Ledger) Close() error {
	l.life.Lock()
	defer l.life.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	if l.lock == nil {
		return fail("close the ledger", l.path, l.closeSnapshot())
	}
	return fail("close the ledger", l.path, l.closeFile())
}

func (l *Ledger) closeFile() error {
	err := errors.Join(l.reader.Close(), l.writer.close())
	var mark *fileMark
	if err == nil {
		mark, err = markOf(l.path)
	}
	return errors.Join(err, l.lock.release(mark))
}

// New implements transfer.Rememberer: neither the file nor its lock file was there.
func (l *Ledger) New() bool { return l.lock != nil && l.lock.isNew }
