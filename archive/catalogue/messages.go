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
	Of          Extent
}

// Extent says what is wanted of messages. UID, Size, Date and Flags always are.
type Extent int

const (
	Everything Extent = iota
	Listed            // and ModSeq
	Stored            // and Place and Sum
)

// columns are those that messageRow reads.
func (e Extent) columns() string {
	const always = "m.uid, m.size, m.date, m.zone"
	switch e {
	case Listed:
		return always + ", m.modseq"
	case Stored:
		return always + ", m.place, m.sum"
	}
	return always + ", m.modseq, m.place, m.sum, m.origin, m.origin_uid, m.proven, m.bare, m.full, m.has_id, m.added, m.gone, m.suspect"
}

// Messages returns part of a view's messages in the order of their UIDs.
func (d *DB) Messages(ctx context.Context, folder int64, v View, p Part) ([]Message, error) {
	where, args := v.where(folder)
	rows, err := d.query(ctx, "SELECT "+v.flags()+", "+p.Of.columns()+
		" FROM messages m WHERE "+where+" AND m.uid BETWEEN ?3 AND ?4 AND m.modseq > ?5 ORDER BY m.uid LIMIT ?6",
		append(args, p.First, p.Last, int64(p.Since), p.Limit)...)
	if err != nil {
		return nil, err
	}
	var list []Message
	var sets, origins []int64
	for row := newMessageRow(p.Of); rows.Next(); {
		m, err := row.scan(rows)
		if err != nil {
			return nil, errors.Join(unreadable(err), rows.Close())
		}
		list, sets, origins = append(list, m), append(sets, row.set), append(origins, row.origin)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].Flags, err = d.set(ctx, sets[i]); err != nil {
			return nil, err
		}
		if p.Of != Everything {
			continue
		}
		if err := d.complete(ctx, &list[i], origins[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// messageRow is where the columns of one row after the other are put.
type messageRow struct {
	m                      Message
	set, origin            int64
	place, sum, bare, full sql.RawBytes
	date                   int64
	zone                   int
	of                     Extent
	into                   []any

	location *time.Location // that of the last zone
	offset   int
}

func newMessageRow(of Extent) *messageRow {
	r := &messageRow{of: of, location: time.UTC}
	m := &r.m
	r.into = []any{&r.set, &m.UID, &m.Size, &r.date, &r.zone}
	if of != Stored {
		r.into = append(r.into, &m.ModSeq)
	}
	if of != Listed {
		r.into = append(r.into, &r.place, &r.sum)
	}
	if of == Everything {
		r.into = append(r.into, &r.origin, &m.Origin.UID, &m.Proven, &r.bare, &r.full, &m.Key.HasID, &m.Added, &m.Gone, &m.Suspect)
	}
	return r
}

func (r *messageRow) scan(rows *rows) (Message, error) {
	if err := rows.Scan(r.into...); err != nil {
		return Message{}, err
	}
	m := r.m
	short := r.of != Listed && copy(m.Sum[:], r.sum) != len(m.Sum)
	if r.of == Everything {
		short = copy(m.Key.Bare[:], r.bare) != len(m.Key.Bare) || copy(m.Key.Full[:], r.full) != len(m.Key.Full) || short
	}
	if short {
		return Message{}, damaged("a value of message %d is too short", m.UID)
	}
	m.Place = string(r.place)
	if r.zone != r.offset {
		r.offset, r.location = r.zone, time.UTC
		if r.zone != 0 {
			r.location = time.FixedZone("", r.zone)
		}
	}
	m.Date = time.Unix(r.date, 0).In(r.location)
	return m, nil
}

func (d *DB) complete(ctx context.Context, m *Message, originID int64) error {
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
	rows, err := d.query(ctx, "SELECT uid, place FROM messages WHERE folder = ? AND uid > ? ORDER BY uid LIMIT ?", folder, after, limit)
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
