package mailtest

import (
	"context"
	"errors"
	"io"

	"mailferry/transfer/mail"
)

// appender is a Writer that shares its session: it can append and set flags, and nothing else.
type appender struct {
	writer
	appended bool
}

// OpenAppender implements mail.AppendStore.
func (m *Memory) OpenAppender(ctx context.Context, path mail.Path, _ int64) (mail.Writer, error) {
	if !m.opts.traits().Appenders {
		return nil, m.broken("appender on %q opened without Traits.Appenders", path)
	}
	h, err := m.openHandle(ctx, path, &handle{writes: true, shared: true})
	if err != nil {
		return nil, err
	}
	return &appender{writer: writer{(*reader)(h)}}, nil
}

func ownSession(op string, path mail.Path) error {
	return &mail.Error{Op: op, Folder: path, Scope: mail.ScopeFolder, Retry: mail.RetrySoon, Kind: mail.KindSession,
		Err: errors.New("this takes a session of the folder's own")}
}

// without ends the handle by a call that takes a session of its own.
func (a *appender) without(ctx context.Context, op string) error {
	h := a.handle()
	if err := h.enter(ctx, op); err != nil {
		return err
	}
	err := ownSession(op, h.path)
	h.leave(err)
	return err
}

func (a *appender) Append(ctx context.Context, msg *mail.Message, done func(mail.UID, error)) error {
	a.appended = true
	return a.writer.Append(ctx, msg, done)
}

func (a *appender) List(ctx context.Context, opts mail.ListOptions, fn func(mail.Info) error) error {
	if a.appended || a.Status().Messages > 0 {
		return a.without(ctx, "list")
	}
	return nil
}

func (a *appender) Fetch(ctx context.Context, _ mail.UIDSet, _ func(mail.Info, io.Reader) error) error {
	return a.without(ctx, "fetch")
}

func (a *appender) Refresh(ctx context.Context) (mail.Status, error) {
	return mail.Status{}, a.without(ctx, "refresh")
}
