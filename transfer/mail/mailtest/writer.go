package mailtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"mailferry/transfer/mail"
)

type writer struct{ *reader }

type expunger struct{ writer }

var _ mail.Expunger = (*expunger)(nil)

// queued is a message on its way in.
type queued struct {
	msg  *mail.Message
	done func(mail.UID, error)

	sent   bool     // the body was read and, unless err is set, the message stored
	stored *Message // ready for the folder, until it is there
	uid    mail.UID
	err    error
}

func (w *writer) handle() *handle { return (*handle)(w.reader) }

func (w *writer) Append(ctx context.Context, msg *mail.Message, done func(mail.UID, error)) (err error) {
	h := w.handle()
	q := &queued{msg: msg, done: done}
	if err := h.enter(ctx, "append"); err != nil {
		msg.Body.Release()
		done(0, uncertain(err))
		return err
	}
	defer func() { h.leave(err) }()
	h.queue = append(h.queue, q)
	if h.m.opts.Eager {
		h.read(q)
		h.store(q)
	}
	if len(h.queue) < h.m.opts.Window {
		return nil
	}
	return h.flush(ctx)
}

func (w *writer) Flush(ctx context.Context) (err error) {
	h := w.handle()
	if err := h.enter(ctx, "flush"); err != nil {
		return err
	}
	defer func() { h.leave(err) }()
	return h.flush(ctx)
}

// flush answers for the queue in its order, up to an error wider than a message.
func (h *handle) flush(ctx context.Context) error {
	for len(h.queue) > 0 {
		if err := cancelled(ctx, "append", h.path); err != nil {
			return err
		}
		q := h.queue[0]
		h.read(q)
		h.store(q)
		if q.err != nil && mail.ErrorOf(q.err).Scope != mail.ScopeMessage {
			return q.err
		}
		h.queue = h.queue[1:]
		h.callback(func() { q.done(h.told(q), q.err) })
	}
	return nil
}

func (h *handle) told(q *queued) mail.UID {
	if h.m.opts.NoUIDPlus || q.err != nil {
		return 0
	}
	return q.uid + h.shift
}

// giveUp ends what is queued on a handle that is closed or dead.
func (h *handle) giveUp() {
	for _, q := range h.queue {
		if h.m.opts.Late && !q.sent {
			h.read(q)
			h.postpone(q)
		}
		q.msg.Body.Release()
		cause := h.dead
		if cause == nil {
			cause = h.refusal("closed before the answer came")
		}
		h.callback(func() { q.done(0, uncertain(cause)) })
	}
	h.queue = nil
}

func (h *handle) postpone(q *queued) {
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	if q.stored != nil {
		h.f.late = append(h.f.late, q.stored)
	}
}

// read takes the message over: its octets, or the reason to refuse it.
func (h *handle) read(q *queued) {
	if q.sent {
		return
	}
	q.sent = true
	defer q.msg.Body.Release()
	if limit := h.m.opts.MaxSize; limit > 0 && q.msg.Body.Size() > limit {
		q.err = h.refusal(fmt.Sprintf("%d octets are more than %d", q.msg.Body.Size(), limit))
		return
	}
	raw, err := octets(q.msg.Body)
	if err != nil {
		q.err = h.refusal(err.Error())
		return
	}
	if h.m.opts.Refuse != nil {
		var stored bool
		if stored, err = h.m.opts.Refuse(h.path, raw); err != nil {
			q.err = h.classified(err)
			if !stored {
				return
			}
		}
	}
	h.accept(q, raw)
}

func (h *handle) accept(q *queued, raw []byte) {
	status := h.status
	for _, f := range q.msg.Flags {
		if !status.Permits(f) {
			q.err = h.refusal("flag " + f + " cannot be stored")
			return
		}
	}
	if h.m.opts.Rewrite != nil {
		raw = h.m.opts.Rewrite(slices.Clone(raw))
	}
	q.stored = &Message{Flags: q.msg.Flags, Date: toSecond(q.msg.InternalDate), Raw: raw}
}

// store puts the message into the folder. A message that is \Deleted from the
// start gets a UID and is gone, where the folder expunges by itself.
func (h *handle) store(q *queued) {
	if q.stored == nil {
		return
	}
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	q.uid = h.f.add(q.stored)
	if h.f.validity != h.validity {
		q.err = h.ended("append")
	}
	if h.m.opts.AutoExpunge && q.stored.Flags.Has(mail.Deleted) {
		h.f.remove(q.uid)
	}
	q.stored = nil
}

func octets(body mail.Body) ([]byte, error) {
	r, err := body.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	raw, err := io.ReadAll(r)
	if err == nil && int64(len(raw)) != body.Size() {
		err = fmt.Errorf("body has %d octets and not %d", len(raw), body.Size())
	}
	return raw, err
}

func (h *handle) refusal(text string) error { return h.classified(errors.New(text)) }

func (h *handle) classified(err error) error {
	var known *mail.Error
	if errors.As(err, &known) {
		return err
	}
	return &mail.Error{Op: "append", Folder: h.path, Scope: mail.ScopeMessage, Retry: mail.RetryNever,
		Kind: mail.KindRefused, Err: err}
}

// uncertain is err for a message whose fate it leaves open.
func uncertain(err error) error {
	e := *mail.ErrorOf(err)
	e.Uncertain = true
	return &e
}
