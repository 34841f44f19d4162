package ledger

import (
	"context"
	"os"

	"mailferry/transfer/mail"
)

// checkFiles finds the damage that SQLite would not report but set right in its own
// way: by beginning anew, or by going back to an earlier state.
func checkFiles(path string) error {
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	if err := cutOff(st.Size()); err != nil {
		return err
	}
	log, err := readIfThere(path + "-wal")
	if err == nil && walDamaged(log) {
		return errLog
	}
	return err
}

// cutOff is the error of a file too small for a single page, if it is not empty.
func cutOff(size int64) error {
	const leastPage = 512
	if size > 0 && size < leastPage {
		return damaged("it is cut off after %d octets", size)
	}
	return nil
}

// verify reads the whole ledger: pages and indexes, then each row's checksum. It is for a file that
// was not closed cleanly, a second per million records.
func (l *Ledger) verify(ctx context.Context) error {
	var verdict string
	if err := l.reader.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&verdict); err != nil {
		return unreadable(err)
	}
	if verdict != "ok" {
		return damaged("it is damaged: %s", verdict)
	}
	var orphans int
	const count = `SELECT (SELECT count(*) FROM records WHERE pair NOT IN (SELECT id FROM pairs)) +
		(SELECT count(*) FROM intents WHERE pair NOT IN (SELECT id FROM pairs))`
	if err := l.reader.QueryRowContext(ctx, count).Scan(&orphans); err != nil {
		return unreadable(err)
	}
	if orphans > 0 {
		return damaged("it is damaged: %d rows belong to no pair of folders", orphans)
	}
	return l.verifyRows(ctx)
}

func (l *Ledger) verifyRows(ctx context.Context) error {
	if _, err := scanIntents(ctx, l.read.allIntents); err != nil {
		return err
	}
	pairs, err := l.pairs(ctx)
	if err != nil {
		return err
	}
	const page = 5000
	for _, p := range pairs {
		for after, n := mail.UID(0), page; n == page; {
			records, err := l.records(ctx, p.ID, after, page)
			if err != nil {
				return err
			}
			if n = len(records); n > 0 {
				after = records[n-1].Source
			}
		}
	}
	return nil
}
