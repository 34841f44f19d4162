package ledger

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"mailferry/transfer/mail"
)

// convert makes a ledger of format 1 one of this format, and the file as small as it can be: each
// opening reads all of it.
func (l *Ledger) convert(db *sql.DB, proved bool) error {
	err := upgrade(context.Background(), db, proved, func() error {
		l.lock.before.Clean = nil
		return l.lock.inUse()
	})
	if err != nil {
		return err
	}
	_, _ = db.Exec("VACUUM") // what it needs more of a full disk is not worth a ledger that does not open
	return nil
}

// upgrade turns the tables of format 1 into those of this one, all of it or nothing. It calls ready
// before the change takes effect. Pages are only checked if the file is not proved to be as it
// was left; rows always are.
func upgrade(ctx context.Context, db *sql.DB, proved bool, ready func() error) error {
	if !proved {
		if err := verifyPages(ctx, db); err != nil {
			return err
		}
	}
	// A change that outgrows the cache is in the files before it takes effect, and whoever is killed then would
	// leave files that the lock file does not know.
	if _, err := db.Exec("PRAGMA cache_spill = OFF"); err != nil {
		return err
	}
	defer db.Exec("PRAGMA cache_spill = ON")
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.Exec(recordSchema); err != nil {
		return err
	}
	if err := refill(ctx, tx); err != nil {
		return err
	}
	if _, err := tx.Exec(fmt.Sprintf("DROP TABLE records; DROP TABLE flagsets; PRAGMA user_version = %d", formatVersion)); err != nil {
		return err
	}
	if err := ready(); err != nil {
		return err
	}
	return tx.Commit()
}

// upgradeFrom makes db, which is empty and has a single connection, say what a ledger of format 1 says.
func upgradeFrom(ctx context.Context, db *sql.DB, file string, id Identity) error {
	if err := create(db, id); err != nil {
		return err
	}
	if _, err := db.Exec("PRAGMA cell_size_check = ON; ATTACH ? AS old", file); err != nil {
		return err
	}
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, table := range []string{"pairs", "intents", "runs"} {
		if _, err := tx.Exec("INSERT INTO " + table + " SELECT * FROM old." + table); err != nil {
			return err
		}
	}
	if err := refill(ctx, tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	_, err = db.Exec("DETACH old")
	return err
}

// refill fills the tables of this format from those of format 1, which may be in an attached file.
func refill(ctx context.Context, tx *sql.Tx) error {
	pairs, err := verifyPairs(ctx, tx)
	if err != nil {
		return err
	}
	if err := upgradeFlags(ctx, tx); err != nil {
		return err
	}
	return upgradeRecords(ctx, tx, pairs)
}

// upgradeFlags keeps the sets' numbers. That a set means what it meant is proved by the records.
func upgradeFlags(ctx context.Context, tx *sql.Tx) error {
	put, err := tx.Prepare(insertFlags)
	if err != nil {
		return err
	}
	defer put.Close()
	sets := int64(0)
	return query(ctx, tx, "SELECT id, text FROM flagsets ORDER BY id", func(row scanner) error {
		var id int64
		var text []byte
		if err := row.Scan(&id, &text); err != nil {
			return unreadable(err)
		}
		if sets++; id != sets {
			return missingSet(sets)
		}
		_, err := put.Exec(id, text, flagSum(id, text))
		return err
	})
}

func upgradeRecords(ctx context.Context, tx *sql.Tx, pairs map[int64]bool) error {
	put, err := tx.Prepare(insertChunk)
	if err != nil {
		return err
	}
	defer put.Close()
	p := &packer{put: put}
	const all = `SELECT r.pair, r.src, r.dest, r.appended, r.flags, r.sum, f.text
		FROM records r LEFT JOIN flagsets f ON f.id = r.flags ORDER BY r.pair, r.src`
	err = query(ctx, tx, all, func(row scanner) error {
		pair, e, err := scanRecord(row)
		if err == nil && !pairs[pair] {
			err = orphan(pair)
		}
		if err != nil {
			return err
		}
		return p.add(pair, e)
	})
	if err != nil {
		return err
	}
	return p.flush()
}

// packer makes chunks of entries that come in order of pair and source UID.
type packer struct {
	put     *sql.Stmt
	pair    int64
	entries []entry
}

func (p *packer) add(pair int64, e entry) error {
	if pair != p.pair || len(p.entries) == chunkSize {
		if err := p.flush(); err != nil {
			return err
		}
	}
	p.pair, p.entries = pair, append(p.entries, e)
	return nil
}

func (p *packer) flush() error {
	if len(p.entries) == 0 {
		return nil
	}
	_, err := p.put.Exec(newChunk(p.pair, p.entries).columns()...)
	p.entries = p.entries[:0]
	return err
}

// scanRecord reads a record's row of format 1, with the text of its flags.
func scanRecord(row scanner) (pair int64, e entry, err error) {
	var sum int64
	var flags []byte
	if err := row.Scan(&pair, &e.source, &e.dest, &e.appended, &e.flags, &sum, &flags); err != nil {
		return 0, e, unreadable(err)
	}
	switch {
	case e.flags != 0 && flags == nil:
		return 0, e, missingSet(e.flags)
	case e.source == 0 || sum != recordSum(pair, e, flags):
		return 0, e, damagedRecord(pair, e.source)
	}
	return pair, e, nil
}

func damagedRecord(pair int64, uid mail.UID) error {
	return damaged("the record of uid %d in pair %d is damaged", uid, pair)
}

// recordSum is the checksum of such a row.
func recordSum(pair int64, e entry, flags []byte) int64 {
	var room [128]byte
	b := binary.AppendUvarint(room[:0], uint64(pair))
	b = binary.AppendUvarint(b, uint64(e.source))
	b = binary.AppendUvarint(b, uint64(e.dest))
	b = append(b, byte(number(e.appended)))
	b = append(b, flags...)
	return signed(crc32.ChecksumIEEE(b))
}
