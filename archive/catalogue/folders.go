package catalogue

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"mailferry/transfer/mail"
)

const folderColumns = "id, path, dir, validity, next, modseq, stamp, role, subscribed, messages, unseen, bytes, added, gone, suspect"

type scanner interface{ Scan(...any) error }

func scanFolder(row scanner) (f Folder, err error) {
	var path, dir []byte
	var role string
	err = row.Scan(&f.ID, &path, &dir, &f.Validity, &f.Next, &f.ModSeq, &f.Stamp, &role, &f.Subscribed,
		&f.Messages, &f.Unseen, &f.Bytes, &f.Added, &f.Gone, &f.Suspect)
	f.Path, f.Dir, f.Role = mail.PathFromKey(string(path)), string(dir), mail.Role(role)
	return f, err
}

// Folders returns the folders of a view in the order of their paths.
func (d *DB) Folders(ctx context.Context, v View) ([]Folder, error) {
	where, args := "gone = 0", []any(nil)
	switch {
	case v.Run > 0 && v.Gone:
		where, args = `added <= ?1 OR EXISTS (SELECT 1 FROM folder_history h
			WHERE h.folder = folders.id AND h.added <= ?1)`, []any{v.Run}
	case v.Run > 0:
		where, args = `added <= ?1 AND (gone = 0 OR gone > ?1) OR EXISTS (SELECT 1 FROM folder_history h
			WHERE h.folder = folders.id AND h.added <= ?1 AND h.gone > ?1)`, []any{v.Run}
	case v.Gone:
		where = "1"
	}
	rows, err := d.query(ctx, "SELECT "+folderColumns+" FROM folders WHERE "+where+" ORDER BY path", args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Folder
	for rows.Next() {
		f, err := scanFolder(rows)
		if err != nil {
			return nil, unreadable(err)
		}
		list = append(list, f)
	}
	return list, rows.Err()
}

// Folder returns a folder, gone or not; ok is false if there is none.
func (d *DB) Folder(ctx context.Context, path mail.Path) (f Folder, ok bool, err error) {
	f, err = scanFolder(d.queryRow(ctx, "SELECT "+folderColumns+" FROM folders WHERE path = ?", []byte(path.Key())))
	if errors.Is(err, sql.ErrNoRows) {
		return f, false, nil
	}
	return f, err == nil, err
}

// AddFolders records folders of which Path, Dir, Role and Subscribed are set, all or none of them, and fills in the rest.
// One that was gone is there again from this run on; of one that is there, only the role counts if none is known.
func (d *DB) AddFolders(ctx context.Context, run int64, folders ...*Folder) error {
	return d.write(ctx, func(tx *transaction) error {
		for _, f := range folders {
			if err := addFolder(tx, run, f); err != nil {
				return err
			}
		}
		return nil
	})
}

func addFolder(tx *transaction, run int64, f *Folder) error {
	old, err := scanFolder(tx.QueryRow("SELECT "+folderColumns+" FROM folders WHERE path = ?", []byte(f.Path.Key())))
	if err == nil {
		return reviveFolder(tx, run, old, f)
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if f.Validity, err = nextValidity(tx); err != nil {
		return err
	}
	f.Next, f.ModSeq, f.Added = 1, 1, run
	return tx.QueryRow(`INSERT INTO folders (path, dir, validity, next, modseq, stamp, role, subscribed,
			messages, unseen, bytes, added, gone, suspect) VALUES (?, ?, ?, 1, 1, 0, ?, ?, 0, 0, 0, ?, 0, 0) RETURNING id`,
		[]byte(f.Path.Key()), []byte(f.Dir), f.Validity, string(f.Role), f.Subscribed, run).Scan(&f.ID)
}

func reviveFolder(tx *transaction, run int64, old Folder, f *Folder) error {
	role := f.Role
	*f = old
	if old.Gone == 0 {
		return learnRole(tx, f, role)
	}
	f.Added, f.Gone, f.Suspect, f.Role = run, 0, 0, role
	_, err := tx.Exec("INSERT OR REPLACE INTO folder_history VALUES (?, ?, ?)", old.ID, old.Added, old.Gone)
	if err == nil {
		_, err = tx.Exec("UPDATE folders SET added = ?, gone = 0, suspect = 0, role = ? WHERE id = ?", run, string(role), old.ID)
	}
	return err
}

// learnRole records the role of a folder that has none: a catalogue made again from the files knows no roles.
func learnRole(tx *transaction, f *Folder, role mail.Role) error {
	if f.Role != "" || role == "" {
		return nil
	}
	f.Role = role
	_, err := tx.Exec("UPDATE folders SET role = ? WHERE id = ?", string(role), f.ID)
	return err
}

// nextValidity returns a UIDVALIDITY that no folder has had: UIDs once told must
// never mean other messages (RFC 9051 section 2.3.1.1).
func nextValidity(tx *transaction) (uint32, error) {
	var last int64
	if err := tx.QueryRow("SELECT validity FROM archive").Scan(&last); err != nil {
		return 0, unreadable(err)
	}
	next := max(last+1, time.Now().Unix()&0xffffffff)
	_, err := tx.Exec("UPDATE archive SET validity = ?", next)
	return uint32(next), err
}

// Renumber gives every folder another UIDVALIDITY: the catalogue may be older
// than the UIDs that were told.
func (d *DB) Renumber(ctx context.Context) error {
	return d.write(ctx, func(tx *transaction) error {
		first, err := nextValidity(tx)
		if err != nil {
			return err
		}
		if _, err := tx.Exec("UPDATE folders SET validity = ? + id", first); err != nil {
			return err
		}
		_, err = tx.Exec("UPDATE archive SET validity = ? + (SELECT max(id) FROM folders)", first)
		return err
	})
}

// SetSubscribed records subscriptions, all or none of them.
func (d *DB) SetSubscribed(ctx context.Context, subscribed bool, folders ...int64) error {
	return d.write(ctx, func(tx *transaction) error {
		for _, id := range folders {
			if _, err := tx.Exec("UPDATE folders SET subscribed = ? WHERE id = ?", subscribed, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// MarkFolderGone records that the source does not have a folder any more.
func (d *DB) MarkFolderGone(ctx context.Context, run, folder int64, suspect bool) error {
	d.tally.marks()
	return d.write(ctx, func(tx *transaction) error {
		if suspect {
			_, err := tx.Exec("UPDATE folders SET suspect = ? WHERE id = ? AND suspect = 0 AND gone = 0", run, folder)
			return err
		}
		if _, err := tx.Exec("UPDATE messages SET gone = ?, suspect = 0 WHERE folder = ? AND gone = 0", run, folder); err != nil {
			return err
		}
		_, err := tx.Exec(`UPDATE folders SET gone = ?, suspect = 0, messages = 0, unseen = 0, bytes = 0, modseq = modseq + 1
			WHERE id = ? AND gone = 0`, run, folder)
		return err
	})
}

// Totals counts the messages of a folder in a view.
func (d *DB) Totals(ctx context.Context, folder int64, v View) (messages, unseen, bytes int64, err error) {
	where, args := v.where(folder)
	rows, err := d.query(ctx, "SELECT "+v.flags()+", count(*), sum(size) FROM messages m WHERE "+where+" GROUP BY 1", args...)
	if err != nil {
		return 0, 0, 0, err
	}
	type group struct{ set, count, size int64 }
	var groups []group
	for rows.Next() {
		var g group
		if err := rows.Scan(&g.set, &g.count, &g.size); err != nil {
			return 0, 0, 0, errors.Join(unreadable(err), rows.Close())
		}
		groups = append(groups, g)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return 0, 0, 0, err
	}
	for _, g := range groups {
		flags, err := d.set(ctx, g.set)
		if err != nil {
			return 0, 0, 0, err
		}
		messages, bytes = messages+g.count, bytes+g.size
		if !flags.Has(mail.Seen) {
			unseen += g.count
		}
	}
	return messages, unseen, bytes, nil
}
