package transfer

import (
	"context"
	"errors"

	"mailferry/transfer/mail"
)

func asMailError(err error, target **mail.Error) bool { return errors.As(err, target) }

// at says at which end err occurred. Cancelling and the ledger are no end's fault.
func at(end End, err error) error {
	var known *EndError
	var ledger *ledgerError
	if err == nil || errors.As(err, &known) || errors.As(err, &ledger) || errors.Is(err, context.Canceled) || errors.Is(err, ErrStopped) {
		return err
	}
	return &EndError{End: end, Err: err}
}

// ledgerError marks an error of the ledger: without it no run can go on safely.
type ledgerError struct{ err error }

func (e *ledgerError) Error() string { return "ledger: " + e.err.Error() }
func (e *ledgerError) Unwrap() error { return e.err }

func ofLedger(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return &ledgerError{err}
}

// endsRun reports whether err puts the whole run and not only one folder out of
// action.
func endsRun(err error) bool {
	var l *ledgerError
	if errors.As(err, &l) || errors.Is(err, ErrStopped) || errors.Is(err, context.Canceled) {
		return true
	}
	e := mail.ErrorOf(err)
	return e.Scope == mail.ScopeStore && e.Retry == mail.RetryNever
}

func isNotFound(err error) bool {
	var e *mail.Error
	return errors.As(err, &e) && e.Kind == mail.KindNotFound
}

// openError is an error of opening a folder, as opposed to one of a connection
// that was there: a server that cannot be reached is the same for every folder.
type openError struct{ err error }

func (e *openError) Error() string { return e.err.Error() }
func (e *openError) Unwrap() error { return e.err }

func opening(err error) error {
	if err == nil {
		return nil
	}
	return &openError{err}
}

// cannotOpen reports whether opening failed because the server cannot be reached.
func cannotOpen(err error) bool {
	var o *openError
	return errors.As(err, &o) && unreachable(err)
}

func unreachable(err error) bool {
	e := mail.ErrorOf(err)
	return e.Scope == mail.ScopeStore && e.Kind == mail.KindConnect
}
