package ledger

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"mailferry/transfer"
	"mailferry/transfer/mail"
)

// each calls fn for every row of a statement.
func each(ctx context.Context, s *sql.Stmt, fn func(scanner) error, args ...any) error {
	rows, err := s.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	return eachOf(rows, fn)
}

// query calls fn for every row of a query.
func query(ctx context.Context, db database, text string, fn func(scanner) error) error {
	rows, err := db.QueryContext(ctx, text)
	if err != nil {
		return err
	}
	return eachOf(rows, fn)
}

func eachOf(rows *sql.Rows, fn func(scanner) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Pairs implements transfer.Ledger.
func (l *Ledger) Pairs(ctx context.Context) (out []transfer.Pair, err error) {
	done, err := l.use(ctx, opRead)
	if err != nil {
		return nil, err
	}
	defer done()
	err = each(ctx, l.read.pairs, func(row scanner) error {
		p, err := scanPair(row)
		out = append(out, p)
		return err
	})
	return out, fail(opRead, l.path, err)
}

// Records implements transfer.Ledger.
func (l *Ledger) Records(ctx context.Context, pair int64, after mail.UID, limit int) ([]transfer.Record, error) {
	done, err := l.use(ctx, opRead)
	if err != nil {
		return nil, err
	}
	defer done()
	records, err := l.records(ctx, pair, after, limit)
	return records, fail(opRead, l.path, err)
}

func (l *Ledger) records(ctx context.Context, pair int64, after mail.UID, limit int) ([]transfer.Record, error) {
	entries, err := l.entries(ctx, pair, after, limit)
	if err != nil {
		return nil, err
	}
	out := make([]transfer.Record, len(entries))
	var set flagSet
	for i, e := range entries {
		if i == 0 || e.flags != entries[i-1].flags {
			if set, err = l.sets.set(ctx, l.read.flagSet, e.flags); err != nil {
				return nil, err
			}
		}
		out[i] = transfer.Record{Source: e.source, Dest: e.dest, Appended: e.appended, Base: set.flags}
	}
	return out, nil
}

var errEnough = errors.New("the rest is not needed")

// entries are the records without their flags, which have to be looked up afterwards: a copy in memory has
// a single connection.
func (l *Ledger) entries(ctx context.Context, pair int64, after mail.UID, limit int) (out []entry, err error) {
	if limit <= 0 {
		return nil, nil
	}
	err = each(ctx, l.read.chunks, func(row scanner) error {
		c, err := scanChunk(row)
		if err != nil {
			return err
		}
		if len(out) > 0 && c.first <= after {
			return c.overlaps()
		}
		err = c.walk(func(e entry) bool {
			if e.source > after {
				out = append(out, e)
			}
			return len(out) < limit
		})
		if after = c.last; err == nil && len(out) == limit {
			err = errEnough
		}
		return err
	}, pair, int64(after))
	if err == errEnough {
		return out, nil
	}
	return out, err
}

// Claimed implements transfer.Ledger.
func (l *Ledger) Claimed(ctx context.Context, dest mail.Path, from mail.UID) (mail.UIDSet, error) {
	done, err := l.use(ctx, opRead)
	if err != nil {
		return mail.UIDSet{}, err
	}
	defer done()
	from = max(from, 1)
	var uids []mail.UID
	err = each(ctx, l.read.claimed, func(row scanner) error {
		c, err := scanChunk(row)
		if err != nil {
			return err
		}
		return c.walk(func(e entry) bool {
			if e.dest >= from {
				uids = append(uids, e.dest)
			}
			return true
		})
	}, []byte(dest.Key()), int64(from))
	if err != nil {
		return mail.UIDSet{}, fail(opRead, l.path, err)
	}
	// A set grows fast only in ascending order, and several pairs may have claims.
	slices.Sort(uids)
	return mail.NewUIDSet(uids...), nil
}

// Intents implements transfer.Ledger.
func (l *Ledger) Intents(ctx context.Context, dest mail.Path) (out []transfer.Intent, err error) {
	done, err := l.use(ctx, opRead)
	if err != nil {
		return nil, err
	}
	defer done()
	err = each(ctx, l.read.intents, func(row scanner) error {
		i, err := scanIntent(row)
		out = append(out, i)
		return err
	}, []byte(dest.Key()))
	return out, fail(opRead, l.path, err)
}

// Runs returns the history, oldest first.
func (l *Ledger) Runs(ctx context.Context) (out []Run, err error) {
	done, err := l.use(ctx, opRead)
	if err != nil {
		return nil, err
	}
	defer done()
	err = each(ctx, l.read.runs, func(row scanner) error {
		var r Run
		var started int64
		var finished sql.NullInt64
		err := row.Scan(&r.ID, &started, &finished, &r.Summary)
		r.Started = time.UnixMilli(started)
		if finished.Valid {
			r.Finished = time.UnixMilli(finished.Int64)
		}
		out = append(out, r)
		return unreadable(err)
	})
	return out, fail(opRead, l.path, err)
}
