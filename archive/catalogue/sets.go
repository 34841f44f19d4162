package catalogue

import (
	"context"
	"database/sql"
	"errors"

	"mailferry/transfer/mail"
)

const emptySet = 1

// setID returns the number of a set of flags, within a change.
func (d *DB) setID(tx *transaction, flags mail.Flags) (int64, error) {
	if len(flags) == 0 {
		return emptySet, nil
	}
	text := flags.String()
	d.mu.Lock()
	id, known := d.setIDs[text]
	d.mu.Unlock()
	if known {
		return id, nil
	}
	err := tx.QueryRow("SELECT id FROM flagsets WHERE text = ?", []byte(text)).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		err = tx.QueryRow("INSERT INTO flagsets (text) VALUES (?) RETURNING id", []byte(text)).Scan(&id)
	}
	if err != nil {
		return 0, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.setIDs[text] = id
	return id, nil
}

// set returns the flags of a number.
func (d *DB) set(ctx context.Context, id int64) (mail.Flags, error) {
	if id == emptySet {
		return nil, nil
	}
	d.mu.Lock()
	flags, known := d.sets[id]
	d.mu.Unlock()
	if known {
		return flags, nil
	}
	var text []byte
	if err := d.queryRow(ctx, "SELECT text FROM flagsets WHERE id = ?", id).Scan(&text); err != nil {
		return nil, unreadable(err)
	}
	flags = mail.ParseFlags(string(text))
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sets[id] = flags
	return flags, nil
}

func originOf(m *Message) origin {
	return origin{m.Origin.Source, m.Origin.Folder.Key(), m.Hash, m.Origin.UIDValidity}
}

func (d *DB) originID(tx *transaction, o origin) (int64, error) {
	d.mu.Lock()
	id, known := d.origins[o]
	d.mu.Unlock()
	if known {
		return id, nil
	}
	args := []any{[]byte(o.source), []byte(o.folder), o.hash, o.validity}
	err := tx.QueryRow("SELECT id FROM origins WHERE source = ? AND folder = ? AND hash = ? AND validity = ?", args...).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		err = tx.QueryRow("INSERT INTO origins (source, folder, hash, validity) VALUES (?, ?, ?, ?) RETURNING id", args...).Scan(&id)
	}
	if err != nil {
		return 0, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.origins[o] = id
	return id, nil
}

func (d *DB) origin(ctx context.Context, id int64) (o origin, err error) {
	d.mu.Lock()
	o, known := d.byID[id]
	d.mu.Unlock()
	if known {
		return o, nil
	}
	var source, folder []byte
	row := d.queryRow(ctx, "SELECT source, folder, hash, validity FROM origins WHERE id = ?", id)
	if err := row.Scan(&source, &folder, &o.hash, &o.validity); err != nil {
		return o, unreadable(err)
	}
	o.source, o.folder = string(source), string(folder)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.byID[id] = o
	return o, nil
}
