package catalogue

import (
	"context"
	"database/sql"
	"errors"
	"os"
)

// line is the one connection of a catalogue that may be written. One at a time has it.
//
// From the first change on it keeps SQLite's lock of a reader, which other readers do not feel, and other writers
// there are none. Without that lock SQLite would ask, before each question, whether another process has left a journal or
// changed the file, and each change would open the journal anew and wait for its directory.
type line struct {
	free  chan struct{} // holds one while nobody has the line
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
	held  *sql.Rows // a question that has not come to its end: it keeps the lock

	path    string      // of the journal
	journal os.FileInfo // of the one that SQLite has open while the lock is held
}

func openLine(db *sql.DB, path string) (*line, error) {
	conn, err := db.Conn(context.Background())
	if err != nil {
		return nil, err
	}
	l := &line{free: make(chan struct{}, 1), conn: conn, stmts: make(map[string]*sql.Stmt), path: path + "-journal"}
	l.leave()
	return l, nil
}

// take waits for the line; leave is owed.
func (l *line) take(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-l.free:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *line) leave() { l.free <- struct{}{} }

// stmt returns a statement for who has the line. It is compiled once: SQLite takes as long to compile such a short one as
// to carry it out. It must not be given a context that may end: SQLite would take the interruption for one of
// all that follow, too, as long as the lock is held.
func (l *line) stmt(query string) (*sql.Stmt, error) {
	if s := l.stmts[query]; s != nil {
		return s, nil
	}
	s, err := l.conn.PrepareContext(context.Background(), query)
	if err == nil {
		l.stmts[query] = s
	}
	return s, err
}

// hold keeps the lock, for who has the line. Where it cannot, all goes on as it would without.
func (l *line) hold() {
	if l.held != nil {
		return
	}
	var err error
	if l.journal, err = os.Stat(l.path); err != nil {
		return
	}
	rows, err := l.conn.QueryContext(context.Background(), "SELECT one FROM archive")
	if err == nil && !rows.Next() {
		err = errors.Join(sql.ErrNoRows, rows.Close())
	}
	if err == nil {
		l.held = rows
	}
}

// journalIsThere is for who is about to write: nobody else can take it away then.
func (l *line) journalIsThere() bool {
	now, err := os.Stat(l.path)
	return err == nil && os.SameFile(now, l.journal)
}

// letGo ends what hold began.
func (l *line) letGo() (err error) {
	if l.held != nil {
		err = l.held.Close()
		l.held = nil
	}
	return err
}

// close waits for who has the line. last is carried out before the connection ends, whatever comes of it.
func (l *line) close(last string) error {
	if err := l.take(context.Background()); err != nil {
		return err
	}
	defer l.leave()
	errs := []error{l.letGo()}
	for _, s := range l.stmts {
		errs = append(errs, s.Close())
	}
	clear(l.stmts)
	if last != "" {
		l.conn.ExecContext(context.Background(), last)
	}
	if err := l.conn.Close(); err != sql.ErrConnDone {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
