package ledger

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"mailferry/transfer"
	"mailferry/transfer/mail"
)

// each calls fn for every row of a query.
func each(ctx context.Context, s *sql.Stmt, fn func(scanner) error, args ...any) error {
	rows, err := s.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Pairs implements transfer.Ledger.
func (l *Ledger) Pairs(ctx context.Context) ([]transfer.Pair, error) {
	done, err := l.use(ctx, opRead)
	if err != nil {
		return nil, err
	}
	defer done()
	pairs, err := l.pairs(ctx)
	return pairs, fail(opRead, l.path, err)
}

func (l *Ledger) pairs(ctx context.Context) (out []transfer.Pair, err error) {
	err = each(ctx, l.read.pairs, func(row scanner) error {
		p, err := scanPair(row)
		out = append(out, p)
		return err
	})
	return out, err
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

// recordRow is what a record's row says beyond the record.
type recordRow struct{ flags, sum int64 }

func (l *Ledger) records(ctx context.Context, pair int64, after mail.UID, limit int) ([]transfer.Record, error) {
	var out []transfer.Record
	var rows []recordRow
	err := each(ctx, l.read.records, func(row scanner) error {
		var r transfer.Record
		var rest recordRow
		err := row.Scan(&r.Source, &r.Dest, &r.Appended, &rest.flags, &rest.sum)
		out, rows = append(out, r), append(rows, rest)
		return unreadable(err)
	}, pair, int64(after), max(limit, 0))
	if err != nil {
		return nil, err
	}
	// Only now, because a copy in memory has a single connection.
	for i := range out {
		set, err := l.sets.set(ctx, l.read.flagSet, rows[i].flags)
		if err != nil {
			return nil, err
		}
		if rows[i].sum != recordSum(pair, out[i], set.text) {
			return nil, damaged("the record of uid %d in pair %d is damaged", out[i].Source, pair)
		}
		out[i].Base = set.flags
	}
	return out, nil
}

// Claimed implements transfer.Ledger.
func (l *Ledger) Claimed(ctx context.Context, dest mail.Path, from mail.UID) (mail.UIDSet, error) {
	done, err := l.use(ctx, opRead)
	if err != nil {
		return mail.UIDSet{}, err
	}
	defer done()
	var uids []mail.UID
	err = each(ctx, l.read.claimed, func(row scanner) error {
		var uid mail.UID
		err := row.Scan(&uid)
		uids = append(uids, uid)
		return unreadable(err)
	}, []byte(dest.Key()), int64(max(from, 1)))
	if err != nil {
		return mail.UIDSet{}, fail(opRead, l.path, err)
	}
	// A set grows fast only in ascending order, and several pairs may have claims.
	slices.Sort(uids)
	return mail.NewUIDSet(uids...), nil
}

// Intents implements transfer.Ledger.
func (l *Ledger) Intents(ctx context.Context, dest mail.Path) ([]transfer.Intent, error) {
	done, err := l.use(ctx, opRead)
	if err != nil {
		return nil, err
	}
	defer done()
	intents, err := scanIntents(ctx, l.read.intents, []byte(dest.Key()))
	return intents, fail(opRead, l.path, err)
}

func scanIntents(ctx context.Context, s *sql.Stmt, args ...any) (out []transfer.Intent, err error) {
	err = each(ctx, s, func(row scanner) error {
		i, err := scanIntent(row)
		out = append(out, i)
		return err
	}, args...)
	return out, err
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
