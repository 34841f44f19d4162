package catalogue

import "database/sql"

// transaction is what changes are made of, for who has the line.
type transaction struct{ line *line }

func (t *transaction) Exec(query string, args ...any) (sql.Result, error) {
	s, err := t.line.stmt(query)
	if err != nil {
		return nil, err
	}
	return s.Exec(args...)
}

func (t *transaction) Query(query string, args ...any) (*sql.Rows, error) {
	s, err := t.line.stmt(query)
	if err != nil {
		return nil, err
	}
	return s.Query(args...)
}

func (t *transaction) QueryRow(query string, args ...any) *row {
	s, err := t.line.stmt(query)
	if err != nil {
		return &row{err: err}
	}
	return &row{Row: s.QueryRow(args...), leave: func() {}}
}

// begin makes sure that what is changed can be undone: another program, which wanted to change something and was kept
// from it by the lock of a reader, has taken the journal away with it. And with that lock held SQLite does not wait
// for somebody who is about to write.
func (t *transaction) begin() error {
	_, err := t.Exec("BEGIN IMMEDIATE")
	if t.line.held == nil || err == nil && t.line.journalIsThere() {
		return err
	}
	t.rollback()
	_, err = t.Exec("BEGIN IMMEDIATE")
	return err
}

// rollback undoes everything. SQLite may have done so by itself; if nobody has, the next BEGIN says so.
func (t *transaction) rollback() {
	t.Exec("ROLLBACK")
	t.line.letGo()
}
