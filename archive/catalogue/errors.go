package catalogue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"mailferry/transfer/mail"
)

// ErrNewer is the error of a catalogue that a newer version wrote.
var ErrNewer = errors.New("a newer version of mailferry wrote the catalogue")

var errReadOnly = errors.New("the archive is open for reading only")

// damage is an error found by this package in what the file says.
type damage struct{ what string }

func (d *damage) Error() string { return d.what }

func damaged(format string, args ...any) error { return &damage{fmt.Sprintf(format, args...)} }

// Damaged reports whether err says that the file is not a sound catalogue.
func Damaged(err error) bool {
	var own *damage
	return errors.As(err, &own) || KindOf(err) == mail.KindDamaged
}

// KindOf classifies an error of this package.
func KindOf(err error) mail.Kind {
	var own *damage
	if errors.As(err, &own) {
		return mail.KindDamaged
	}
	var lite *sqlite.Error
	if !errors.As(err, &lite) {
		return mail.KindOther
	}
	switch lite.Code() & 0xff {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_MISMATCH,
		sqlite3.SQLITE_ERROR: // a table is not there or not as it was made
		return mail.KindDamaged
	case sqlite3.SQLITE_FULL:
		return mail.KindSpace
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return mail.KindLocked
	}
	return mail.KindOther
}

func needsRollback(err error) bool {
	var lite *sqlite.Error
	if !errors.As(err, &lite) {
		return false
	}
	code := lite.Code()
	return code == sqlite3.SQLITE_READONLY_ROLLBACK || code&0xff == sqlite3.SQLITE_CANTOPEN || code&0xff == sqlite3.SQLITE_READONLY
}

// unreadable is the error of a row that cannot be one of ours.
func unreadable(err error) error {
	var lite *sqlite.Error
	if err == nil || errors.As(err, &lite) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if errors.Is(err, sql.ErrNoRows) {
		return damaged("a row is missing")
	}
	return damaged("a row is damaged: %v", err)
}
