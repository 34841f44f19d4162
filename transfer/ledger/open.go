package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"mailferry/transfer/mail"
)

// Open opens the ledger at path for the two accounts, or makes one: a file of mode 0600
// with its directories of mode 0700. The caller closes it.
//
// It is a *mail.Error: of KindLocked if another process has it open, of KindDamaged
// if the file is not what the last run left, and of KindOther if it belongs to
// other accounts (ErrOtherAccounts) or to a newer version of this program (ErrFormat).
func Open(path string, id Identity) (*Ledger, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fail(opOpen, path, err)
	}
	lock, err := takeLock(path)
	if err != nil {
		return nil, err
	}
	l := &Ledger{path: path, sets: newFlagSets(), chunkSize: chunkSize, lock: lock}
	if err := l.open(id); err != nil {
		return nil, fail(opOpen, path, errors.Join(err, lock.giveUp()))
	}
	return l, nil
}

func (l *Ledger) open(id Identity) (err error) {
	isNew, err := touch(l.path)
	if err != nil {
		return err
	}
	proved := isNew
	if !isNew {
		if proved, err = unchanged(l.path, l.lock.before); err != nil {
			return err
		}
		if err := checkFiles(l.path); err != nil {
			return err
		}
	}
	if err := l.connect(id, proved); err != nil {
		return errors.Join(err, l.disconnect())
	}
	if !proved {
		if err := verify(context.Background(), l.reader); err != nil {
			return errors.Join(err, l.disconnect())
		}
	}
	return l.lock.inUse()
}

// touch makes the file if it is not there.
func touch(path string) (isNew bool, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, errors.Join(f.Close(), syncDir(filepath.Dir(path)))
}

// syncDir makes new names in dir durable. Some file systems cannot and need not.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrInvalid) {
		return err
	}
	return nil
}

func (l *Ledger) connect(id Identity, proved bool) error {
	db, err := connect(l.path, 1)
	if err != nil {
		return err
	}
	version, err := admit(db, l.path, id)
	if err == nil && version == 1 {
		err = l.convert(db, proved)
	}
	if err != nil {
		return errors.Join(err, db.Close())
	}
	if l.writer, err = newWriter(db); err != nil {
		return errors.Join(err, db.Close())
	}
	if l.reader, err = connect(l.path, maxReaders, "query_only(ON)"); err != nil {
		return err
	}
	l.read, err = prepareQueries(l.reader)
	return err
}

// disconnect undoes what connect has got done.
func (l *Ledger) disconnect() error {
	var errs []error
	if l.reader != nil {
		errs = append(errs, l.reader.Close())
	}
	if l.writer != nil {
		errs = append(errs, l.writer.close())
	}
	return errors.Join(errs...)
}

// marks are what a database file says of itself.
type marks struct{ app, version, tables int }

func marksOf(db *sql.DB) (m marks, err error) {
	row := db.QueryRow("SELECT a.application_id, v.user_version, (SELECT count(*) FROM sqlite_schema)" +
		" FROM pragma_application_id a, pragma_user_version v")
	err = row.Scan(&m.app, &m.version, &m.tables)
	return m, err
}

// admit makes sure that db is a ledger for these accounts, and returns its format: this one or
// one that can be converted. A blank database becomes a ledger: a crash can have left it.
func admit(db *sql.DB, path string, id Identity) (version int, err error) {
	m, err := marksOf(db)
	switch {
	case err != nil:
		return 0, err
	case m == (marks{}):
		return formatVersion, create(db, id)
	case m.app != applicationID:
		return 0, unfit(path, "name another file with --state", ErrFormat, "this is not a ledger of mailferry")
	case m.version > formatVersion:
		return 0, unfit(path, "use the newer version; or "+deleteHint(path), ErrFormat,
			fmt.Sprintf("a newer version of mailferry wrote it (format %d, this one knows %d)", m.version, formatVersion))
	case m.version < 1:
		return 0, damaged("its format is %d, which never was", m.version)
	}
	return m.version, sameAccounts(db, path, id)
}

func sameAccounts(db *sql.DB, path string, id Identity) error {
	var source, dest []byte
	if err := db.QueryRow("SELECT source, dest FROM account").Scan(&source, &dest); err != nil {
		if errors.Is(err, sql.ErrNoRows) {
			return damaged("it does not say whose it is")
		}
		return unreadable(err)
	}
	if string(source) != id.Source || string(dest) != id.Dest {
		return unfit(path, "name another file with --state", ErrOtherAccounts, fmt.Sprintf("for %s to %s, not for %s to %s",
			mail.Visible(string(source)), mail.Visible(string(dest)), mail.Visible(id.Source), mail.Visible(id.Dest)))
	}
	return nil
}
