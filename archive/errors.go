package archive

import (
	"context"
	"errors"
	"io/fs"
	"strconv"
	"syscall"

	"mailferry/archive/catalogue"
	"mailferry/transfer/mail"
)

// What makes an archive refuse, for errors.Is.
var (
	ErrNotArchive  = errors.New("it is no archive of mailferry")
	ErrExists      = errors.New("there is an archive already")
	ErrOtherSource = errors.New("the archive holds another account")
	ErrNewer       = catalogue.ErrNewer
)

var (
	errReadOnly = errors.New("the archive is open for reading only")
	errClosed   = errors.New("the handle is closed")
)

// fail is err as a *mail.Error of a scope. An error that is one already stays.
func fail(op string, folder mail.Path, scope mail.Scope, err error) error {
	var known *mail.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	e := &mail.Error{Op: op, Folder: folder, Scope: scope, Retry: mail.RetryNever, Kind: kindOf(err), Err: shown{err}}
	switch {
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		e.Scope = mail.ScopeStore
	case e.Kind == mail.KindSpace:
		e.Hint = "make room on the disk that holds the archive, then run again"
	case errors.Is(err, syscall.EROFS):
		e.Hint = "the disk is mounted read-only"
	case errors.Is(err, fs.ErrPermission):
		e.Hint = "the archive belongs to somebody else, or its directories lack permissions"
	case e.Kind == mail.KindLocked:
		e.Retry = mail.RetrySoon
	}
	return e
}

func kindOf(err error) mail.Kind {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return mail.KindSpace
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return mail.KindRefused
	}
	return catalogue.KindOf(err)
}

// shown is a cause whose text is safe to show.
type shown struct{ err error }

func (s shown) Error() string { return mail.Visible(s.err.Error()) }
func (s shown) Unwrap() error { return s.err }

// refuse is the error of a directory that cannot be used as an archive.
func refuse(op, dir string, err error, kind mail.Kind, hint string) error {
	return &mail.Error{Op: op, Scope: mail.ScopeStore, Retry: mail.RetryNever, Kind: kind, Hint: hint,
		Err: shown{&located{dir, err}}}
}

type located struct {
	dir string
	err error
}

func (l *located) Error() string { return strconv.Quote(l.dir) + ": " + l.err.Error() }
func (l *located) Unwrap() error { return l.err }

func notFound(op string, path mail.Path) error {
	return &mail.Error{Op: op, Folder: path, Scope: mail.ScopeFolder, Retry: mail.RetryNever,
		Kind: mail.KindNotFound, Err: errors.New("no such folder")}
}

// uncertain is err for a message whose fate it leaves open.
func uncertain(err error) error {
	e := *mail.ErrorOf(err)
	e.Uncertain = true
	return &e
}
