package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"mailferry/transfer/mail"
)

// What makes Open refuse a sound file, for errors.Is.
var (
	ErrOtherAccounts = errors.New("it was made for other accounts")
	ErrFormat        = errors.New("it is not in a format this version knows")
)

const opOpen = "open the ledger"

var errReadOnly = errors.New("it is open for reading only")

// damage is an error found by this package in what the file says.
type damage struct{ what string }

func (d *damage) Error() string { return d.what }

func damaged(format string, args ...any) error { return &damage{fmt.Sprintf(format, args...)} }

// shown is a cause whose text is safe to show.
type shown struct {
	text string
	err  error
}

func (s *shown) Error() string { return s.text }
func (s *shown) Unwrap() error { return s.err }

// fail classifies err, which op met in the file at path.
func fail(op, path string, err error) error {
	var known *mail.Error
	if err == nil || errors.As(err, &known) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	e := &mail.Error{Op: op, Scope: mail.ScopeStore, Retry: mail.RetryNever,
		Err: &shown{strconv.Quote(path) + ": " + mail.Visible(err.Error()), err}}
	var own *damage
	var lite *sqlite.Error
	switch {
	case errors.As(err, &own):
		e.Kind = mail.KindDamaged
	case errors.As(err, &lite):
		e.Kind = kindOf(lite.Code())
	}
	switch e.Kind {
	case mail.KindDamaged:
		e.Hint = deleteHint(path)
	case mail.KindSpace:
		e.Hint = "make room on the disk that holds the ledger, then run again"
	}
	return e
}

func kindOf(code int) mail.Kind {
	switch code & 0xff {
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

func deleteHint(path string) string {
	return fmt.Sprintf("delete %s and the files beside it that begin with its name: "+
		"the next run recognises what is already there; that costs time, never mail", path)
}

// unfit is the error of a sound file that this run cannot use.
func unfit(path, hint string, why error, detail string) error {
	return &mail.Error{Op: opOpen, Scope: mail.ScopeStore, Retry: mail.RetryNever, Kind: mail.KindOther, Hint: hint,
		Err: fmt.Errorf("%s: %w: %s", strconv.Quote(path), why, detail)}
}

// unreadable is the error of a row that was found but cannot be a row of ours.
func unreadable(err error) error {
	var lite *sqlite.Error
	if err == nil || errors.As(err, &lite) || errors.Is(err, context.Canceled) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, sql.ErrNoRows) {
		return err
	}
	return damaged("a row is damaged: %v", err)
}
