package imapstore

import (
	"context"
	"errors"
	"io"

	"mailferry/transfer/imapstore/wire"
	"mailferry/transfer/mail"
)

// appender is a Writer on a lane.
type appender struct {
	store    *Store
	lane     *lane // nil after Close
	sender   *wire.Sender
	path     mail.Path
	status   mail.Status
	octets   int64 // expected
	appended bool
}

var (
	_ mail.AppendStore = (*Store)(nil)
	_ mail.Pusher      = (*appender)(nil)
)

// OpenAppender implements mail.AppendStore.
func (s *Store) OpenAppender(ctx context.Context, path mail.Path, octets int64) (mail.Writer, error) {
	raw, err := s.laneName(ctx, path)
	if err != nil {
		return nil, at(err, path)
	}
	l, err := s.lanes.board(ctx, octets)
	if err != nil {
		return nil, at(err, path)
	}
	a := &appender{store: s, lane: l, path: path, octets: octets}
	if st, ok := s.expected(path); ok {
		a.sender, a.status = l.Board(raw, st.UIDValidity), st
		return a, nil
	}
	if err := a.enter(ctx, raw); err != nil {
		a.Close()
		return nil, at(err, path)
	}
	return a, nil
}

// enter opens the folder to find out its state.
func (a *appender) enter(ctx context.Context, raw string) (err error) {
	var sel wire.Selected
	if a.sender, sel, err = a.lane.Enter(ctx, raw); err != nil {
		return err
	}
	if a.status = statusOf(sel); a.status.UIDValidity == 0 || a.status.UIDNext == 0 {
		return a.ownSession("open for appending")
	}
	return nil
}

// laneName returns the raw name of a folder that is known from the last listing.
func (s *Store) laneName(ctx context.Context, path mail.Path) (raw string, err error) {
	s.mu.Lock()
	known := s.names
	s.mu.Unlock()
	if known != nil {
		return known.raw(path), nil
	}
	err = s.spelled(ctx, func(_ *wire.Conn, listed *names) error {
		raw = listed.raw(path)
		return nil
	})
	return raw, err
}

func (a *appender) Status() mail.Status { return a.status }

// Append implements mail.Writer.
func (a *appender) Append(ctx context.Context, msg *mail.Message, done func(mail.UID, error)) error {
	located := func(uid mail.UID, err error) { done(uid, at(err, a.path)) }
	if a.lane == nil {
		msg.Body.Release()
		err := a.closed("append")
		located(0, err)
		return err
	}
	a.appended = true
	return at(a.sender.AppendOne(ctx, msg, located), a.path)
}

// Push implements mail.Pusher.
func (a *appender) Push(ctx context.Context) error {
	if a.lane == nil {
		return a.closed("append")
	}
	return at(a.sender.Push(ctx), a.path)
}

// Flush implements mail.Writer.
func (a *appender) Flush(ctx context.Context) error {
	if a.lane == nil {
		return a.closed("append")
	}
	return at(a.sender.Flush(ctx), a.path)
}

// List implements mail.Reader, as long as there is nothing to list.
func (a *appender) List(context.Context, mail.ListOptions, func(mail.Info) error) error {
	switch {
	case a.lane == nil:
		return a.closed("list messages")
	case a.appended || a.status.Messages > 0:
		return a.ownSession("list messages")
	}
	return nil
}

// Fetch implements mail.Reader.
func (a *appender) Fetch(context.Context, mail.UIDSet, func(mail.Info, io.Reader) error) error {
	return a.ownSession("fetch")
}

// SetFlags implements mail.Writer.
func (a *appender) SetFlags(ctx context.Context, changes []mail.FlagChange) error {
	if a.lane == nil {
		return a.closed("set flags")
	}
	steps := stepsOf(changes)
	if len(steps) == 0 {
		return nil
	}
	if err := a.sender.SetFlags(ctx, steps); err != nil {
		return flagError(err, a.path)
	}
	return nil
}

// Refresh implements mail.Writer.
func (a *appender) Refresh(context.Context) (mail.Status, error) {
	return mail.Status{}, a.ownSession("status")
}

// Close implements mail.Reader.
func (a *appender) Close() error {
	if l := a.lane; l != nil {
		a.lane = nil
		if a.sender != nil {
			a.sender.Abandon()
		}
		a.store.lanes.leave(l, a.octets)
	}
	return nil
}

func (a *appender) ownSession(op string) error {
	return &mail.Error{Op: op, Folder: a.path, Scope: mail.ScopeFolder, Retry: mail.RetrySoon, Kind: mail.KindSession,
		Err: errors.New("this takes a session of the folder's own")}
}

func (a *appender) closed(op string) error {
	return &mail.Error{Op: op, Folder: a.path, Scope: mail.ScopeFolder, Retry: mail.RetryNever, Err: errHandleClosed}
}
