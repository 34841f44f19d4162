package catalogue

import (
	"context"
	"math"

	"mailferry/transfer/mail"
)

// MarkGone records which messages of a folder the source does not hold: as
// suspect, or as gone from this run on. A suspect message that is not among them is
// suspect no more, if it came from the same folder of the source as they did: another folder that
// was mapped into this one has marks of its own. Without any gone, marks are taken away only
// where all messages came from one folder. f is updated.
func (d *DB) MarkGone(ctx context.Context, run int64, f *Folder, gone mail.UIDSet, suspect bool) error {
	if gone.Empty() {
		if none, err := d.nothingSuspect(ctx, run, f.ID); none || err != nil {
			return err
		}
	}
	d.tally.marks()
	if suspect {
		d.suspects(true)
	}
	var now Folder
	err := d.write(ctx, func(tx *transaction) error {
		if err := clearSuspects(tx, f.ID, gone); err != nil {
			return err
		}
		query := `UPDATE messages SET gone = ?1, suspect = 0 WHERE folder = ?2 AND uid BETWEEN ?3 AND ?4 AND gone = 0`
		if suspect {
			query = `UPDATE messages SET suspect = ?1 WHERE folder = ?2 AND uid BETWEEN ?3 AND ?4 AND gone = 0 AND suspect = 0`
		}
		changed := int64(0)
		for _, r := range gone.Ranges() {
			res, err := tx.Exec(query, run, f.ID, r.First, r.Last)
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			changed += n
		}
		if changed > 0 && !suspect {
			if err := d.recount(tx, f.ID); err != nil {
				return err
			}
		}
		var err error
		now, err = scanFolder(tx.QueryRow("SELECT "+folderColumns+" FROM folders WHERE id = ?", f.ID))
		return unreadable(err)
	})
	if err == nil {
		*f = now
	}
	return err
}

// MarkBack undoes MarkGone for messages that the source lists again, and returns those that were gone. f is updated.
func (d *DB) MarkBack(ctx context.Context, f *Folder, uids mail.UIDSet) (back mail.UIDSet, err error) {
	d.tally.marks()
	var now Folder
	err = d.write(ctx, func(tx *transaction) error {
		for _, r := range uids.Ranges() {
			gone, err := goneIn(tx, f.ID, r)
			if err != nil {
				return err
			}
			back.Union(gone)
			if _, err := tx.Exec("UPDATE messages SET gone = 0, suspect = 0 WHERE folder = ? AND uid BETWEEN ? AND ? AND gone > 0", f.ID, r.First, r.Last); err != nil {
				return err
			}
		}
		if err := d.recount(tx, f.ID); err != nil {
			return err
		}
		var err error
		now, err = scanFolder(tx.QueryRow("SELECT "+folderColumns+" FROM folders WHERE id = ?", f.ID))
		return unreadable(err)
	})
	if err != nil {
		return mail.UIDSet{}, err
	}
	*f = now
	return back, nil
}

func goneIn(tx *transaction, folder int64, r mail.Range) (gone mail.UIDSet, err error) {
	rows, err := tx.Query("SELECT uid FROM messages WHERE folder = ? AND uid BETWEEN ? AND ? AND gone > 0 ORDER BY uid", folder, r.First, r.Last)
	if err != nil {
		return gone, err
	}
	defer rows.Close()
	for rows.Next() {
		var uid mail.UID
		if err := rows.Scan(&uid); err != nil {
			return gone, unreadable(err)
		}
		gone.Add(uid)
	}
	return gone, rows.Err()
}

// nothingSuspect reports whether no message of a folder is marked. As a rule no run has ever marked one: then the
// messages need not be looked at.
func (d *DB) nothingSuspect(ctx context.Context, run, folder int64) (none bool, err error) {
	d.mu.Lock()
	known := d.marks
	d.mu.Unlock()
	if known == nil {
		var some bool
		// A run that was killed may have marked messages and not counted them.
		row := d.queryRow(ctx, "SELECT EXISTS (SELECT 1 FROM runs WHERE suspect > 0 OR ended = 0 AND id <> ?)", run)
		if err := row.Scan(&some); err != nil {
			return false, unreadable(err)
		}
		known = d.suspects(some)
	}
	if !*known {
		return true, nil
	}
	row := d.queryRow(ctx, "SELECT NOT EXISTS (SELECT 1 FROM messages WHERE folder = ? AND suspect > 0)", folder)
	err = row.Scan(&none)
	return none, unreadable(err)
}

// suspects notes that some messages may be marked, or that none is. Once some may be, they may be.
func (d *DB) suspects(some bool) *bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.marks == nil || some {
		d.marks = &some
	}
	return d.marks
}

func clearSuspects(tx *transaction, folder int64, keep mail.UIDSet) error {
	suspects, err := originsOf(tx, "SELECT m.uid, o.source, o.hash FROM messages m JOIN origins o ON o.id = m.origin WHERE m.folder = ? AND m.suspect > 0", folder)
	if err != nil || len(suspects) == 0 {
		return err
	}
	meant, err := meantBy(tx, folder, keep)
	if err != nil {
		return err
	}
	for _, s := range suspects {
		if keep.Contains(s.uid) || !meant[s.place] {
			continue
		}
		if _, err := tx.Exec("UPDATE messages SET suspect = 0 WHERE folder = ? AND uid = ?", folder, s.uid); err != nil {
			return err
		}
	}
	return nil
}

// sourceFolder is a folder of a source as origins know it, whatever its UIDVALIDITY was.
type sourceFolder struct {
	source string
	hash   uint32
}

type fromFolder struct {
	uid   mail.UID
	place sourceFolder
}

// meantBy returns the folders of the source that a list of gone messages is about.
func meantBy(tx *transaction, folder int64, gone mail.UIDSet) (map[sourceFolder]bool, error) {
	meant := make(map[sourceFolder]bool)
	const from = `SELECT min(m.uid), o.source, o.hash FROM messages m JOIN origins o ON o.id = m.origin
		WHERE m.folder = ?1 AND m.uid BETWEEN ?2 AND ?3 `
	for _, r := range gone.Ranges() {
		if err := addOrigins(tx, meant, from+"GROUP BY o.source, o.hash", folder, r.First, r.Last); err != nil {
			return nil, err
		}
	}
	if len(meant) > 0 {
		return meant, nil
	}
	err := addOrigins(tx, meant, from+"AND m.gone = 0 GROUP BY o.source, o.hash", folder, 1, math.MaxUint32)
	if len(meant) > 1 {
		return nil, err
	}
	return meant, err
}

func addOrigins(tx *transaction, meant map[sourceFolder]bool, query string, args ...any) error {
	list, err := originsOf(tx, query, args...)
	for _, m := range list {
		meant[m.place] = true
	}
	return err
}

func originsOf(tx *transaction, query string, args ...any) ([]fromFolder, error) {
	rows, err := tx.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []fromFolder
	for rows.Next() {
		var m fromFolder
		var source []byte
		if err := rows.Scan(&m.uid, &source, &m.place.hash); err != nil {
			return nil, unreadable(err)
		}
		m.place.source = string(source)
		list = append(list, m)
	}
	return list, rows.Err()
}

// recount computes what a folder holds now from its messages.
func (d *DB) recount(tx *transaction, folder int64) error {
	rows, err := tx.Query(`SELECT s.text, count(*), sum(m.size) FROM messages m JOIN flagsets s ON s.id = m.flags
		WHERE m.folder = ? AND m.gone = 0 GROUP BY m.flags`, folder)
	if err != nil {
		return err
	}
	defer rows.Close()
	var messages, unseen, bytes int64
	for rows.Next() {
		var text []byte
		var n, size int64
		if err := rows.Scan(&text, &n, &size); err != nil {
			return unreadable(err)
		}
		messages, bytes = messages+n, bytes+size
		if !mail.ParseFlags(string(text)).Has(mail.Seen) {
			unseen += n
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if err := rows.Close(); err != nil {
		return err
	}
	_, err = tx.Exec("UPDATE folders SET messages = ?, unseen = ?, bytes = ?, modseq = modseq + 1 WHERE id = ?", messages, unseen, bytes, folder)
	return err
}

// Origins calls fn for each message of a folder that is there now and whose origin's folder has this hash and
// UIDVALIDITY (0: any), ascending by own UID. The source and folder told are empty where they are not known.
func (d *DB) Origins(ctx context.Context, folder int64, hash, validity uint32, fn func(own, uid mail.UID, source string, path mail.Path) error) error {
	const page = 5000
	for after := mail.UID(0); ; {
		list, err := d.originPage(ctx, folder, hash, validity, after, page)
		if err != nil {
			return err
		}
		for _, m := range list {
			o, err := d.origin(ctx, m.origin)
			if err != nil {
				return err
			}
			if err := fn(m.own, m.uid, o.source, mail.PathFromKey(o.folder)); err != nil {
				return err
			}
			after = m.own
		}
		if len(list) < page {
			return nil
		}
	}
}

type pairOfUIDs struct {
	own, uid mail.UID
	origin   int64
}

func (d *DB) originPage(ctx context.Context, folder int64, hash, validity uint32, after mail.UID, limit int) ([]pairOfUIDs, error) {
	rows, err := d.query(ctx, `SELECT m.uid, m.origin_uid, m.origin FROM messages m
		WHERE m.folder = ?1 AND m.uid > ?2 AND m.gone = 0
		AND m.origin IN (SELECT id FROM origins WHERE hash = ?3 AND (validity = ?4 OR ?4 = 0)) ORDER BY m.uid LIMIT ?5`,
		folder, after, hash, validity, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []pairOfUIDs
	for rows.Next() {
		var p pairOfUIDs
		if err := rows.Scan(&p.own, &p.uid, &p.origin); err != nil {
			return nil, unreadable(err)
		}
		list = append(list, p)
	}
	return list, rows.Err()
}
