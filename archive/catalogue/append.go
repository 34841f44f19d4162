package catalogue

import (
	"context"
	"database/sql"
	"errors"
	"math"

	"mailferry/transfer/mail"
)

// ErrNoUIDs is the error of a folder that has given out every UID.
var ErrNoUIDs = errors.New("the folder has no UIDs left")

// Append records messages of a folder in their order and fills in UIDs. f is updated. first, which may be nil, is carried
// out before; what other folders record meanwhile may wait a little, to be written together.
func (d *DB) Append(ctx context.Context, run int64, f *Folder, list []Message, first func() error) error {
	now := *f
	err := d.writeAfter(ctx, first, func(tx *transaction) error {
		old, err := scanFolder(tx.QueryRow("SELECT "+folderColumns+" FROM folders WHERE id = ?", f.ID))
		if err != nil {
			return unreadable(err)
		}
		old.Stamp, old.ModSeq, now = max(old.Stamp, f.Stamp), old.ModSeq+1, old
		now = old
		for i := range list {
			if err := d.insert(tx, run, &now, &list[i]); err != nil {
				return err
			}
		}
		_, err = tx.Exec(`UPDATE folders SET next = ?, modseq = ?, stamp = ?, messages = ?, unseen = ?, bytes = ? WHERE id = ?`,
			now.Next, now.ModSeq, now.Stamp, now.Messages, now.Unseen, now.Bytes, now.ID)
		return err
	})
	d.tally.add(run, int64(len(list)), 0, err)
	if err == nil {
		*f = now
	}
	return err
}

func (d *DB) insert(tx *transaction, run int64, f *Folder, m *Message) error {
	if f.Next == math.MaxUint32 {
		return ErrNoUIDs
	}
	set, err := d.setID(tx, m.Flags)
	if err != nil {
		return err
	}
	origin, err := d.originID(tx, originOf(m))
	if err != nil {
		return err
	}
	m.UID, m.ModSeq, m.Added = f.Next, f.ModSeq, run
	_, zone := m.Date.Zone()
	_, err = tx.Exec(`INSERT INTO messages (folder, uid, origin, origin_uid, place, size, sum, proven, date, zone,
		bare, full, has_id, flags, flags_since, modseq, added, gone, suspect)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0)`, f.ID, m.UID, origin, m.Origin.UID, []byte(m.Place), m.Size, m.Sum[:], m.Proven, m.Date.Unix(), zone,
		m.Key.Bare[:], m.Key.Full[:], m.Key.HasID, set, run, m.ModSeq, run)
	if err != nil {
		return err
	}
	f.Next++
	f.Messages++
	f.Bytes += m.Size
	if !m.Flags.Has(mail.Seen) {
		f.Unseen++
	}
	return nil
}

// SetFlags records new flags and places of messages. Those not there are passed over. f is updated. first is as with Append.
func (d *DB) SetFlags(ctx context.Context, run int64, f *Folder, changes []Change, first func() error) error {
	var now Folder
	var again int64 // messages of earlier runs whose flags are this run's now
	err := d.writeAfter(ctx, first, func(tx *transaction) error {
		if _, err := tx.Exec("UPDATE folders SET modseq = modseq + 1 WHERE id = ?", f.ID); err != nil {
			return err
		}
		unseen := 0
		again = 0
		for _, c := range changes {
			delta, first, err := d.reflag(tx, run, f.ID, c)
			if err != nil {
				return err
			}
			unseen += delta
			if first {
				again++
			}
		}
		var err error
		now, err = scanFolder(tx.QueryRow("UPDATE folders SET unseen = unseen + ? WHERE id = ? RETURNING "+folderColumns, unseen, f.ID))
		return unreadable(err)
	})
	d.tally.add(run, 0, again, err)
	if err == nil {
		*f = now
	}
	return err
}

// reflag reports whether the run has changed the flags of the message, which is older, for the first time.
func (d *DB) reflag(tx *transaction, run, folder int64, c Change) (unseen int, first bool, err error) {
	var set, since int64
	var text []byte
	row := tx.QueryRow(`SELECT m.flags, m.flags_since, s.text FROM messages m JOIN flagsets s ON s.id = m.flags
		WHERE m.folder = ? AND m.uid = ? AND m.gone = 0`, folder, c.UID)
	if err := row.Scan(&set, &since, &text); errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	} else if err != nil {
		return 0, false, err
	}
	id, err := d.setID(tx, c.Flags)
	if err != nil {
		return 0, false, err
	}
	if first = id != set && since < run; first {
		_, err := tx.Exec("INSERT OR REPLACE INTO flag_history VALUES (?, ?, ?, ?)", folder, c.UID, since, set)
		if err != nil {
			return 0, false, err
		}
		since = run
	}
	_, err = tx.Exec(`UPDATE messages SET flags = ?3, flags_since = ?4, place = ?5,
		modseq = (SELECT modseq FROM folders WHERE id = ?1) WHERE folder = ?1 AND uid = ?2`, folder, c.UID, id, since, []byte(c.Place))
	seen := mail.ParseFlags(string(text)).Has(mail.Seen)
	switch {
	case seen && !c.Flags.Has(mail.Seen):
		unseen = 1
	case !seen && c.Flags.Has(mail.Seen):
		unseen = -1
	}
	return unseen, first, err
}

// Move records that the octets of a message are elsewhere.
func (d *DB) Move(ctx context.Context, folder int64, uid mail.UID, place string) error {
	return d.write(ctx, func(tx *transaction) error {
		_, err := tx.Exec("UPDATE messages SET place = ? WHERE folder = ? AND uid = ?", []byte(place), folder, uid)
		return err
	})
}
