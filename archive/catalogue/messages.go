package catalogue

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"mailferry/transfer/mail"
)

// where selects the messages of a view; ?1 is the folder and ?2 the run.
func (v View) where(folder int64) (string, []any) {
	switch {
	case v.Run > 0 && v.Gone:
		return "m.folder = ?1 AND m.added <= ?2", []any{folder, v.Run}
	case v.Run > 0:
		return "m.folder = ?1 AND m.added <= ?2 AND (m.gone = 0 OR m.gone > ?2)", []any{folder, v.Run}
	case v.Gone:
		return "m.folder = ?1 AND ?2 = 0", []any{folder, 0}
	}
	return "m.folder = ?1 AND m.gone = ?2", []any{folder, 0}
}

// flags selects the number of the flags of a view.
func (v View) flags() string {
	if v.Run == 0 {
		return "m.flags"
	}
	return `CASE WHEN m.flags_since <= ?2 THEN m.flags ELSE coalesce((SELECT h.flags FROM flag_history h
		WHERE h.folder = m.folder AND h.uid = m.uid AND h.since <= ?2 ORDER BY h.since DESC LIMIT 1), m.flags) END`
}

// Part says which messages of a view are asked for: those with UIDs from First to Last
// and a mod-sequence above Since, at most Limit of them.
type Part struct {
	First, Last mail.UID
	Since       uint64
	Limit       int
}

// Messages returns part of a view's messages in the order of their UIDs.
func (d *DB) Messages(ctx context.Context, folder int64, v View, p Part) ([]Message, error) {
	where, args := v.where(folder)
	s, err := d.stmt(ctx, `SELECT m.uid, m.origin, m.origin_uid, m.place, m.size, m.sum, m.proven, m.date, m.zone,
		m.bare, m.full, m.has_id, `+v.flags()+`, m.modseq, m.added, m.gone, m.suspect
		FROM messages m WHERE `+where+" AND m.uid BETWEEN ?3 AND ?4 AND m.modseq > ?5 ORDER BY m.uid LIMIT ?6")
	if err != nil {
		return nil, err
	}
	rows, err := s.QueryContext(ctx, append(args, p.First, p.Last, int64(p.Since), p.Limit)...)
	if err != nil {
		return nil, err
	}
	var list []Message
	var sets, origins []int64
	for rows.Next() {
		m, set, origin, err := scanMessage(rows)
		if err != nil {
			return nil, errors.Join(unreadable(err), rows.Close())
		}
		list, sets, origins = append(list, m), append(sets, set), append(origins, origin)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	for i := range list {
		if err := d.complete(ctx, &list[i], sets[i], origins[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func scanMessage(row scanner) (m Message, set, origin int64, err error) {
	var place, sum, bare, full sql.RawBytes
	var date int64
	var zone int
	rows := row.(*sql.Rows)
	err = rows.Scan(&m.UID, &origin, &m.Origin.UID, &place, &m.Size, &sum, &m.Proven, &date, &zone,
		&bare, &full, &m.Key.HasID, &set, &m.ModSeq, &m.Added, &m.Gone, &m.Suspect)
	if err != nil {
		return m, 0, 0, err
	}
	if copy(m.Sum[:], sum) != len(m.Sum) || copy(m.Key.Bare[:], bare) != len(m.Key.Bare) || copy(m.Key.Full[:], full) != len(m.Key.Full) {
		return m, 0, 0, damaged("a value of message %d is too short", m.UID)
	}
	m.Place = string(place)
	m.Date = time.Unix(date, 0).UTC()
	if zone != 0 {
		m.Date = m.Date.In(time.FixedZone("", zone))
	}
	return m, set, origin, nil
}

func (d *DB) complete(ctx context.Context, m *Message, set, originID int64) (err error) {
	if m.Flags, err = d.set(ctx, set); err != nil {
		return err
	}
	o, err := d.origin(ctx, originID)
	m.Origin.Source, m.Origin.Folder, m.Origin.UIDValidity, m.Hash = o.source, mail.PathFromKey(o.folder), o.validity, o.hash
	return err
}

// Places calls fn for every message of a folder, gone ones too, by ascending UID.
func (d *DB) Places(ctx context.Context, folder int64, fn func(uid mail.UID, place string) error) error {
	const page = 2000
	for after := int64(0); ; {
		uids, places, err := d.places(ctx, folder, after, page)
		if err != nil {
			return err
		}
		for i, uid := range uids {
			if err := fn(uid, places[i]); err != nil {
				return err
			}
			after = int64(uid)
		}
		if len(uids) < page {
			return nil
		}
	}
}

func (d *DB) places(ctx context.Context, folder, after int64, limit int) (uids []mail.UID, places []string, err error) {
	rows, err := d.db.QueryContext(ctx, "SELECT uid, place FROM messages WHERE folder = ? AND uid > ? ORDER BY uid LIMIT ?", folder, after, limit)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var uid mail.UID
		var place sql.RawBytes
		if err := rows.Scan(&uid, &place); err != nil {
			return nil, nil, unreadable(err)
		}
		uids, places = append(uids, uid), append(places, string(place))
	}
	return uids, places, rows.Err()
}
