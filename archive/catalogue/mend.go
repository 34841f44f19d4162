package catalogue

import (
	"context"

	"mailferry/transfer/mail"
)

// Mend records that the octets of messages are as the source has them: place, size, sum and key are those
// of list, whose UIDs and Origins count, and the sums are proven.
func (d *DB) Mend(ctx context.Context, folder int64, list []Message) error {
	return d.write(ctx, func(tx *transaction) error {
		for i := range list {
			m := &list[i]
			origin, err := d.originID(tx, originOf(m))
			if err != nil {
				return err
			}
			if _, err := tx.Exec(`UPDATE folders SET bytes = bytes + coalesce((SELECT ?3 - size FROM messages
				WHERE folder = ?1 AND uid = ?2 AND gone = 0), 0) WHERE id = ?1`, folder, m.UID, m.Size); err != nil {
				return err
			}
			if _, err := tx.Exec(`UPDATE messages SET place = ?, size = ?, sum = ?, bare = ?, full = ?, has_id = ?,
				origin = ?, origin_uid = ?, proven = 1 WHERE folder = ? AND uid = ?`, []byte(m.Place), m.Size, m.Sum[:],
				m.Key.Bare[:], m.Key.Full[:], m.Key.HasID, origin, m.Origin.UID, folder, m.UID); err != nil {
				return err
			}
		}
		return nil
	})
}

// Prove records that the source has confirmed the sums of messages, and where they come from.
func (d *DB) Prove(ctx context.Context, folder int64, list []Message) error {
	return d.write(ctx, func(tx *transaction) error {
		for i := range list {
			origin, err := d.originID(tx, originOf(&list[i]))
			if err != nil {
				return err
			}
			if _, err := tx.Exec("UPDATE messages SET proven = 1, origin = ? WHERE folder = ? AND uid = ?",
				origin, folder, list[i].UID); err != nil {
				return err
			}
		}
		return nil
	})
}

// SetStamp records what a folder's Stamp is, also a smaller one than before.
func (d *DB) SetStamp(ctx context.Context, folder, stamp int64) error {
	return d.write(ctx, func(tx *transaction) error {
		_, err := tx.Exec("UPDATE folders SET stamp = ? WHERE id = ?", stamp, folder)
		return err
	})
}

// ForgetStamps records that no folder's Stamp is known.
func (d *DB) ForgetStamps(ctx context.Context) error {
	return d.write(ctx, func(tx *transaction) error {
		_, err := tx.Exec("UPDATE folders SET stamp = 0")
		return err
	})
}

// Unproven returns the UIDs of a folder whose sums no source has confirmed.
func (d *DB) Unproven(ctx context.Context, folder int64) (set mail.UIDSet, err error) {
	rows, err := d.query(ctx, "SELECT uid FROM messages WHERE folder = ? AND proven = 0 ORDER BY uid", folder)
	if err != nil {
		return set, err
	}
	defer rows.Close()
	for rows.Next() {
		var uid mail.UID
		if err := rows.Scan(&uid); err != nil {
			return set, unreadable(err)
		}
		set.Add(uid)
	}
	return set, rows.Err()
}
