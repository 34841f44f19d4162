package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
)

// writer is the one connection that changes the file. Statements are not bound
// to the caller's context: a transaction takes milliseconds, and what became of one that is cut
// short would be unknown.
type writer struct {
	mu    sync.Mutex
	db    *sql.DB
	conn  *sql.Conn
	do    statements
	all   []*sql.Stmt
	known map[int64]bool // pairs that are there; none is ever dropped
}

// statements are those that change something, or are part of a change.
type statements struct {
	begin, commit, rollback                               *sql.Stmt
	pairByID, pairBySource, nextPair, putPair             *sql.Stmt
	voidChunks, voidIntents                               *sql.Stmt
	chunkAt, leastChunk, chunkBehind, putChunk, dropChunk *sql.Stmt
	findFlags, nextFlags, putFlags, settle, putIntent     *sql.Stmt
	startRun, finishRun                                   *sql.Stmt
}

const (
	insertChunk = "REPLACE INTO chunks VALUES (?,?,?,?,?,?)"
	insertFlags = "INSERT INTO flags VALUES (?,?,?)"
)

func newWriter(db *sql.DB) (w *writer, err error) {
	w = &writer{db: db, known: make(map[int64]bool)}
	if w.conn, err = db.Conn(context.Background()); err != nil {
		return nil, err
	}
	d := &w.do
	for _, s := range []struct {
		into **sql.Stmt
		text string
	}{
		{&d.begin, "BEGIN IMMEDIATE"},
		{&d.commit, "COMMIT"},
		{&d.rollback, "ROLLBACK"},
		{&d.pairByID, "SELECT 1 FROM pairs WHERE id = ?"},
		{&d.pairBySource, "SELECT id, dest FROM pairs WHERE source = ?"},
		{&d.nextPair, "SELECT coalesce(max(id), 0) + 1 FROM pairs"},
		{&d.putPair, "REPLACE INTO pairs VALUES (?,?,?, ?,?,?,?,?,?,?,?, ?,?,?,?,?,?,?,?, ?,?,?,?, ?)"},
		{&d.voidChunks, "DELETE FROM chunks WHERE pair = ?"},
		{&d.voidIntents, "DELETE FROM intents WHERE pair = ?"},
		{&d.chunkAt, "SELECT * FROM chunks WHERE pair = ? AND first <= ? ORDER BY first DESC LIMIT 1"},
		{&d.leastChunk, "SELECT * FROM chunks WHERE pair = ? ORDER BY first LIMIT 1"},
		{&d.chunkBehind, "SELECT 1 FROM chunks WHERE pair = ? AND first > ? LIMIT 1"},
		{&d.putChunk, insertChunk},
		{&d.dropChunk, "DELETE FROM chunks WHERE pair = ? AND first = ?"},
		{&d.findFlags, "SELECT id, sum FROM flags WHERE text = ?"},
		{&d.nextFlags, "SELECT coalesce(max(id), 0) + 1 FROM flags"},
		{&d.putFlags, insertFlags},
		{&d.settle, "DELETE FROM intents WHERE id = ?"},
		{&d.putIntent, "INSERT INTO intents (pair, validity, next, source, sum) VALUES (?,?,?,?,?)"},
		{&d.startRun, "INSERT INTO runs (started) VALUES (?)"},
		{&d.finishRun, "UPDATE runs SET finished = ?, summary = ? WHERE id = ?"},
	} {
		if *s.into, err = w.conn.PrepareContext(context.Background(), s.text); err != nil {
			return nil, errors.Join(fmt.Errorf("prepare %q: %w", s.text, err), w.finish())
		}
		w.all = append(w.all, *s.into)
	}
	return w, nil
}

// transact runs fn in one transaction: all that it did is durable, or nothing is.
func (w *writer) transact(fn func() error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.do.begin.Exec(); err != nil {
		return err
	}
	err := fn()
	if err == nil {
		_, err = w.do.commit.Exec()
	}
	if err != nil {
		// It fails if SQLite has rolled back already.
		_, _ = w.do.rollback.Exec()
	}
	return err
}

// close moves everything into the main file and closes it.
func (w *writer) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.conn.ExecContext(context.Background(), "PRAGMA wal_checkpoint(TRUNCATE)")
	return errors.Join(err, w.finish(), w.db.Close())
}

// finish ends the connection's use. SQLite keeps a connection half open, and the
// log on disk, for as long as it has statements.
func (w *writer) finish() error {
	var errs []error
	for _, s := range w.all {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, w.conn.Close())...)
}
