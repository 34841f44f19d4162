package imapstore

import (
	"context"
	"errors"
	"io"
	"slices"

	"mailferry/transfer/imapstore/wire"
	"mailferry/transfer/mail"
)

// writer is a session on a folder opened by SELECT.
type writer struct {
	reader
	limit    int64 // greatest message the folder takes; 0: unknown
	appended bool  // since the session last heard of new messages
}

// expungingWriter is a writer on a server with UIDPLUS.
type expungingWriter struct{ *writer }

var _ mail.Expunger = expungingWriter{}

// OpenWriter implements mail.Store.
func (s *Store) OpenWriter(ctx context.Context, path mail.Path) (mail.Writer, error) {
	r, err := s.open(ctx, path, (*reader).sel)
	if err != nil {
		return nil, err
	}
	w := &writer{reader: *r}
	if w.limit, err = w.conn.AppendLimit(ctx, w.raw); err != nil {
		w.Close()
		return nil, at(err, path)
	}
	if w.conn.Caps().Has("UIDPLUS") {
		return expungingWriter{w}, nil
	}
	return w, nil
}

// Append implements mail.Writer.
func (w *writer) Append(ctx context.Context, msg *mail.Message, done func(mail.UID, error)) error {
	located := func(uid mail.UID, err error) { done(uid, at(err, w.path)) }
	conn, err := w.session("append")
	if err != nil {
		msg.Body.Release()
		located(0, err)
		return err
	}
	w.appended = true
	return at(conn.AppendOne(ctx, w.raw, w.limit, msg, located), w.path)
}

// Flush implements mail.Writer.
func (w *writer) Flush(ctx context.Context) error {
	conn, err := w.session("append")
	if err != nil {
		return err
	}
	return at(conn.Flush(ctx), w.path)
}

// sync lets the session see what was appended: a server need not show it before
// it is asked (RFC 9051 section 7), and Courier does not.
func (w *writer) sync(ctx context.Context) error {
	if err := w.Flush(ctx); err != nil || !w.appended {
		return err
	}
	if err := w.conn.Noop(ctx); err != nil {
		return at(err, w.path)
	}
	w.appended = false
	return nil
}

// List implements mail.Reader.
func (w *writer) List(ctx context.Context, opts mail.ListOptions, fn func(mail.Info) error) error {
	if err := w.sync(ctx); err != nil {
		return err
	}
	return w.reader.List(ctx, opts, fn)
}

// Fetch implements mail.Reader.
func (w *writer) Fetch(ctx context.Context, uids mail.UIDSet, fn func(mail.Info, io.Reader) error) error {
	if err := w.sync(ctx); err != nil {
		return err
	}
	return w.reader.Fetch(ctx, uids, fn)
}

// SetFlags implements mail.Writer. Flags that cannot be written in a command are
// passed over; no server can have announced them.
func (w *writer) SetFlags(ctx context.Context, changes []mail.FlagChange) error {
	if err := w.sync(ctx); err != nil {
		return err
	}
	steps := stepsOf(changes)
	if len(steps) == 0 {
		return nil
	}
	if err := w.conn.StoreAll(ctx, steps); err != nil {
		return flagError(err, w.path)
	}
	return nil
}

// stepsOf leaves out flags that cannot be written in a command.
func stepsOf(changes []mail.FlagChange) (steps []wire.FlagStep) {
	for _, group := range groupChanges(changes) {
		if len(group.add) > 0 {
			steps = append(steps, wire.FlagStep{UIDs: group.uids, Add: true, Flags: group.add})
		}
		if len(group.remove) > 0 {
			steps = append(steps, wire.FlagStep{UIDs: group.uids, Flags: group.remove})
		}
	}
	return steps
}

// flagError narrows a refusal: the folder is as good as before.
func flagError(err error, path mail.Path) error {
	err = at(err, path)
	var e *mail.Error
	if errors.As(err, &e) && e.Kind == mail.KindRefused && e.Scope == mail.ScopeFolder {
		e.Scope = mail.ScopeMessage
	}
	return err
}

type changeGroup struct {
	uids        mail.UIDSet
	add, remove mail.Flags
}

// groupChanges puts the messages together that change in the same way, in the
// order in which the ways occur.
func groupChanges(changes []mail.FlagChange) []*changeGroup {
	sorted := slices.Clone(changes)
	slices.SortStableFunc(sorted, func(a, b mail.FlagChange) int { return int(int64(a.UID) - int64(b.UID)) })
	var groups []*changeGroup
	byKey := make(map[string]*changeGroup)
	for _, ch := range sorted {
		add, remove := ch.Add.Filter(wire.ValidFlag), ch.Remove.Filter(wire.ValidFlag)
		key := add.String() + "\n" + remove.String()
		g := byKey[key]
		if g == nil {
			g = &changeGroup{add: add, remove: remove}
			byKey[key] = g
			groups = append(groups, g)
		}
		g.uids.Add(ch.UID)
	}
	return groups
}

// Refresh implements mail.Writer.
func (w *writer) Refresh(ctx context.Context) (mail.Status, error) {
	if err := w.Flush(ctx); err != nil {
		return mail.Status{}, err
	}
	st, err := w.conn.StatusNow(ctx, w.raw)
	if err != nil && w.conn.Usable() { // a server may refuse STATUS of the open folder
		var sel wire.Selected
		sel, err = w.conn.Select(ctx, w.raw)
		st = statusOf(sel)
	}
	if err != nil {
		return mail.Status{}, at(err, w.path)
	}
	st.Permanent, st.AnyKeyword = w.status.Permanent, w.status.AnyKeyword
	if w.status.UIDValidity == 0 {
		st.UIDValidity = 0
	}
	return st, nil
}

// Expunge implements mail.Expunger: \Deleted, then UID EXPUNGE (RFC 4315).
func (w expungingWriter) Expunge(ctx context.Context, uids mail.UIDSet) error {
	if err := w.sync(ctx); err != nil || uids.Empty() {
		return err
	}
	deleted := wire.FlagStep{UIDs: uids, Add: true, Flags: mail.NewFlags(mail.Deleted)}
	if err := w.conn.StoreAll(ctx, []wire.FlagStep{deleted}); err != nil {
		return at(err, w.path)
	}
	return at(w.conn.Expunge(ctx, uids), w.path)
}
