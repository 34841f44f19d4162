package catalogue

import (
	"context"
	"database/sql"
)

// rows are those of an answer. Nobody else can ask, in a catalogue that may be written, until they are closed.
type rows struct {
	*sql.Rows
	leave func()
}

// Close may be called twice.
func (r *rows) Close() error {
	err := r.Rows.Close()
	r.leave()
	r.leave = func() {}
	return err
}

// row is an answer of one row at most. It has to be scanned.
type row struct {
	*sql.Row
	leave func()
	err   error
}

// Scan fails with sql.ErrNoRows if there is no row.
func (r *row) Scan(into ...any) error {
	if r.err != nil {
		return r.err
	}
	defer r.leave()
	return r.Row.Scan(into...)
}

func (d *DB) query(ctx context.Context, query string, args ...any) (*rows, error) {
	s, ctx, leave, err := d.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	answer, err := s.QueryContext(ctx, args...)
	if err != nil {
		leave()
		return nil, err
	}
	return &rows{answer, leave}, nil
}

func (d *DB) queryRow(ctx context.Context, query string, args ...any) *row {
	s, ctx, leave, err := d.stmt(ctx, query)
	if err != nil {
		return &row{err: err}
	}
	return &row{Row: s.QueryRowContext(ctx, args...), leave: leave}
}

// stmt returns a statement, which stays compiled, and the context to carry it out with. leave is owed when it has been.
func (d *DB) stmt(ctx context.Context, query string) (s *sql.Stmt, _ context.Context, leave func(), err error) {
	if d.line == nil {
		s, err = d.pooled(ctx, query)
		return s, ctx, func() {}, err
	}
	if err := d.line.take(ctx); err != nil {
		return nil, nil, nil, err
	}
	if s, err = d.line.stmt(query); err != nil {
		d.line.leave()
		return nil, nil, nil, err
	}
	return s, context.WithoutCancel(ctx), d.line.leave, nil
}

// pooled returns a statement for any of the connections of a catalogue that is only read.
func (d *DB) pooled(ctx context.Context, query string) (*sql.Stmt, error) {
	d.preparing.Lock()
	defer d.preparing.Unlock()
	if s := d.stmts[query]; s != nil {
		return s, nil
	}
	s, err := d.db.PrepareContext(ctx, query)
	if err == nil {
		d.stmts[query] = s
	}
	return s, err
}
