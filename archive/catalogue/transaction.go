package catalogue

import (
	"database/sql"
	"sync"
)

// transaction is a sql.Tx that compiles what is asked again and again but once: SQLite takes as long to compile such
// a short statement as to carry it out.
type transaction struct {
	*sql.Tx
	kept *kept
	own  map[string]*sql.Stmt // the transaction closes them
}

func (t *transaction) Exec(query string, args ...any) (sql.Result, error) {
	if s := t.statement(query); s != nil {
		return s.Exec(args...)
	}
	return t.Tx.Exec(query, args...)
}

func (t *transaction) Query(query string, args ...any) (*sql.Rows, error) {
	if s := t.statement(query); s != nil {
		return s.Query(args...)
	}
	return t.Tx.Query(query, args...)
}

func (t *transaction) QueryRow(query string, args ...any) *sql.Row {
	if s := t.statement(query); s != nil {
		return s.QueryRow(args...)
	}
	return t.Tx.QueryRow(query, args...)
}

// statement returns nil for a query that is not, or not yet, worth it.
func (t *transaction) statement(query string) *sql.Stmt {
	if s := t.own[query]; s != nil {
		return s
	}
	kept, asked := t.kept.statement(query)
	switch {
	case kept != nil:
		t.own[query] = t.Stmt(kept)
	case asked > 1:
		if s, err := t.Prepare(query); err == nil {
			t.own[query] = s
		}
	}
	return t.own[query]
}

// kept are the statements that one transaction leaves compiled to the next.
type kept struct {
	mu    sync.Mutex // never held by who waits for the connection
	asked map[string]int
	ready map[string]*sql.Stmt
}

// statement returns nil, and how often it has been asked for, if there is none.
func (k *kept) statement(query string) (s *sql.Stmt, asked int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if s = k.ready[query]; s == nil {
		k.asked[query]++
	}
	return s, k.asked[query]
}

// compile makes ready what has been asked more than once. It needs the connection. What cannot be compiled is asked as it is.
func (k *kept) compile(db *sql.DB) {
	k.mu.Lock()
	var due []string
	for query, times := range k.asked {
		if times > 1 {
			due = append(due, query)
			delete(k.asked, query)
		}
	}
	k.mu.Unlock()
	for _, query := range due {
		s, err := db.Prepare(query)
		if err != nil {
			continue
		}
		k.mu.Lock()
		k.ready[query] = s
		k.mu.Unlock()
	}
}

func (k *kept) close() (errs []error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, s := range k.ready {
		errs = append(errs, s.Close())
	}
	clear(k.ready)
	return errs
}
