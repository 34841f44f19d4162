package catalogue

import (
	"context"
	"errors"
	"time"
)

// Source returns the account that the archive was last filled from, "" if none is known.
func (d *DB) Source(ctx context.Context) (string, error) {
	var source []byte
	err := d.queryRow(ctx, "SELECT source FROM archive").Scan(&source)
	return string(source), unreadable(err)
}

// Format returns the format that the catalogue was made for.
func (d *DB) Format(ctx context.Context) (format string, err error) {
	err = d.queryRow(ctx, "SELECT format FROM archive").Scan(&format)
	return format, unreadable(err)
}

// BeginRun starts a run from source, which becomes the archive's.
func (d *DB) BeginRun(ctx context.Context, source string, started time.Time) (run int64, err error) {
	err = d.write(ctx, func(tx *transaction) error {
		if _, err := tx.Exec("UPDATE archive SET source = ?", []byte(source)); err != nil {
			return err
		}
		return tx.QueryRow("INSERT INTO runs (source, started) VALUES (?, ?) RETURNING id", []byte(source), started.UnixMilli()).Scan(&run)
	})
	d.tally.begin(run)
	return run, err
}

// SetSource records the account without a run.
func (d *DB) SetSource(ctx context.Context, source string) error {
	return d.write(ctx, func(tx *transaction) error {
		_, err := tx.Exec("UPDATE archive SET source = ?", []byte(source))
		return err
	})
}

// LastRun returns the number of the last run, 0 if there was none.
func (d *DB) LastRun(ctx context.Context) (run int64, err error) {
	err = d.queryRow(ctx, "SELECT coalesce(max(id), 0) FROM runs").Scan(&run)
	return run, unreadable(err)
}

// EndRun ends a run and, if it changed anything, counts what it did. If it was
// complete, folders other than those in missing are suspect no more.
func (d *DB) EndRun(ctx context.Context, run int64, ended time.Time, complete, changed bool, missing map[int64]bool) error {
	return d.write(ctx, func(tx *transaction) error {
		if complete {
			if err := clearSuspectFolders(tx, missing); err != nil {
				return err
			}
		}
		if _, err := tx.Exec("UPDATE runs SET ended = ?, complete = ? WHERE id = ?", ended.UnixMilli(), complete, run); err != nil || !changed {
			return err
		}
		if added, reflagged, sure := d.tally.of(run); sure {
			_, err := tx.Exec("UPDATE runs SET added = ?, reflagged = ? WHERE id = ?", added, reflagged, run)
			return err
		}
		_, err := tx.Exec(`UPDATE runs SET (added, reflagged, gone, suspect) = (SELECT coalesce(sum(added = ?1), 0),
			coalesce(sum(flags_since = ?1 AND added < ?1), 0), coalesce(sum(gone = ?1), 0), coalesce(sum(suspect = ?1), 0)
			FROM messages) WHERE id = ?1`, run)
		return err
	})
}

func clearSuspectFolders(tx *transaction, missing map[int64]bool) error {
	rows, err := tx.Query("SELECT id FROM folders WHERE suspect > 0")
	if err != nil {
		return err
	}
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return errors.Join(unreadable(err), rows.Close())
		}
		ids = append(ids, id)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, id := range ids {
		if missing[id] {
			continue
		}
		if _, err := tx.Exec("UPDATE folders SET suspect = 0 WHERE id = ?", id); err != nil {
			return err
		}
	}
	return nil
}

// Runs returns the history, oldest first.
func (d *DB) Runs(ctx context.Context) ([]Run, error) {
	rows, err := d.query(ctx, "SELECT id, source, started, ended, complete, added, reflagged, gone, suspect FROM runs ORDER BY id")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Run
	for rows.Next() {
		var r Run
		var source []byte
		var started, ended int64
		if err := rows.Scan(&r.ID, &source, &started, &ended, &r.Complete, &r.Added, &r.Reflagged, &r.Gone, &r.Suspect); err != nil {
			return nil, unreadable(err)
		}
		r.Source, r.Started = string(source), time.UnixMilli(started)
		if ended != 0 {
			r.Ended = time.UnixMilli(ended)
		}
		list = append(list, r)
	}
	return list, rows.Err()
}
