package ledger

import (
	"context"
	"database/sql"
	"os"
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

// database is what reads a file, also within a transaction.
type database interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// verify reads the whole ledger: pages and indexes, then each row. It is for a file that
// was not closed cleanly.
func verify(ctx context.Context, db database) error {
	if err := verifyPages(ctx, db); err != nil {
		return err
	}
	pairs, err := verifyPairs(ctx, db)
	if err != nil {
		return err
	}
	sets, err := verifyFlags(ctx, db)
	if err != nil {
		return err
	}
	return verifyChunks(ctx, db, pairs, sets)
}

func verifyPages(ctx context.Context, db database) error {
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&verdict); err != nil {
		return unreadable(err)
	}
	if verdict != "ok" {
		return damaged("it is damaged: %s", verdict)
	}
	return nil
}

// verifyPairs reads the pairs and the intents and returns which pairs there are.
func verifyPairs(ctx context.Context, db database) (pairs map[int64]bool, err error) {
	pairs = make(map[int64]bool)
	err = query(ctx, db, allPairs, func(row scanner) error {
		p, err := scanPair(row)
		pairs[p.ID] = true
		return err
	})
	if err != nil {
		return nil, err
	}
	return pairs, query(ctx, db, allIntents, func(row scanner) error {
		i, err := scanIntent(row)
		if err == nil && !pairs[i.Pair] {
			err = orphan(i.Pair)
		}
		return err
	})
}

func orphan(pair int64) error {
	return damaged("a row belongs to pair %d of folders, which is missing", pair)
}

// verifyFlags returns how many sets of flags there are. They are numbered without a gap,
// because none is ever dropped.
func verifyFlags(ctx context.Context, db database) (sets int64, err error) {
	err = query(ctx, db, "SELECT * FROM flags ORDER BY id", func(row scanner) error {
		var id, sum int64
		var text []byte
		if err := row.Scan(&id, &text, &sum); err != nil {
			return unreadable(err)
		}
		if sets++; id != sets || sum != flagSum(id, text) {
			return damagedSet(sets)
		}
		return nil
	})
	return sets, err
}

func verifyChunks(ctx context.Context, db database, pairs map[int64]bool, sets int64) error {
	var before chunk
	return query(ctx, db, "SELECT * FROM chunks ORDER BY pair, first", func(row scanner) error {
		c, err := scanChunk(row)
		switch {
		case err != nil:
			return err
		case !pairs[c.pair]:
			return orphan(c.pair)
		case c.pair == before.pair && c.first <= before.last:
			return c.overlaps()
		}
		before = c
		greatest := int64(0)
		err = c.walk(func(e entry) bool {
			greatest = max(greatest, e.flags)
			return true
		})
		if err == nil && greatest > sets {
			err = missingSet(greatest)
		}
		return err
	})
}
