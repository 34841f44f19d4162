package mailtest

import (
	"context"
	"fmt"
	"io"

	"mailferry/transfer/mail"
)

type faultyReader struct {
	source *faultySource
	path   mail.Path
	inner  mail.Reader
	dead   error
	closed bool
}

func (r *faultyReader) plan() *Plan { return r.source.plan }

func (r *faultyReader) name(op string) string { return r.source.name(op, r.path) }

func (r *faultyReader) Status() mail.Status { return r.inner.Status() }

// usable notices the use of a handle that can only be closed.
func (r *faultyReader) usable(op string) error {
	switch {
	case r.closed:
		return r.plan().broken("%s after Close", r.name(op))
	case r.dead != nil && r.plan().over() == nil:
		return r.plan().broken("%s after the handle's error: %v", r.name(op), r.dead)
	}
	return nil
}

// settle notes what an error means for the handle.
func (r *faultyReader) settle(err error) error {
	if err != nil && wide(err) && r.dead == nil {
		r.dead = err
	}
	return err
}

func wide(err error) bool { return mail.ErrorOf(err).Scope != mail.ScopeMessage }

func (r *faultyReader) call(op string, call func() error) error {
	if err := r.usable(op); err != nil {
		return err
	}
	v := r.plan().begin(r.name(op))
	if v.prevents() {
		return r.settle(v.err)
	}
	if v.loses() {
		r.settle(v.err) // now, so that answers on the way are lost too
	}
	err := call()
	if r.dead != nil {
		err = r.dead
	}
	return r.settle(r.plan().outcome(v, err))
}

func (r *faultyReader) List(ctx context.Context, opts mail.ListOptions, fn func(mail.Info) error) error {
	return r.call("list", func() error {
		return r.inner.List(ctx, opts, func(info mail.Info) error {
			return r.callback("listed", info.UID, func() error { return fn(info) })
		})
	})
}

// callback runs the caller's code as a step. A wide error is the handle's.
func (r *faultyReader) callback(op string, uid mail.UID, fn func() error) error {
	v := r.plan().begin(fmt.Sprintf("%s %d", r.name(op), uid))
	if v.prevents() {
		return r.settle(v.err)
	}
	if err := fn(); err != nil {
		return err
	}
	if v.loses() {
		return r.settle(v.err)
	}
	return nil
}

func (r *faultyReader) Fetch(ctx context.Context, uids mail.UIDSet, fn func(mail.Info, io.Reader) error) error {
	return r.call("fetch", func() error {
		return r.inner.Fetch(ctx, uids, func(info mail.Info, body io.Reader) error {
			return r.callback("fetched", info.UID, func() error {
				b := &faultyBody{r: r, uid: info.UID, inner: body}
				err := fn(info, b)
				if b.cut != nil && wide(b.cut) {
					return r.settle(b.cut)
				}
				return err
			})
		})
	})
}

type faultyBody struct {
	r     *faultyReader
	uid   mail.UID
	inner io.Reader
	cut   error // why the body ends here
}

func (b *faultyBody) Read(p []byte) (n int, err error) {
	if b.cut != nil {
		return 0, io.ErrUnexpectedEOF
	}
	v := b.r.plan().begin(fmt.Sprintf("%s %d", b.r.name("read"), b.uid))
	if b.cut = v.err; v.prevents() {
		return 0, io.ErrUnexpectedEOF
	}
	n, err = b.inner.Read(p)
	if v.loses() {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (r *faultyReader) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	v := verdict{}
	if r.dead == nil {
		v = r.plan().begin(r.name("close"))
	}
	if v.prevents() {
		r.settle(v.err) // before the answers that closing brings
	}
	err := r.inner.Close()
	if r.plan().over() != nil || v.prevents() {
		return v.err
	}
	return r.plan().outcome(v, err)
}

type faultyWriter struct {
	faultyReader
	inner mail.Writer
}

func (w *faultyWriter) Append(ctx context.Context, msg *mail.Message, done func(mail.UID, error)) error {
	err := w.usable("append")
	v := verdict{}
	if err == nil {
		v = w.plan().begin(w.name("append"))
	} else {
		v.err = err
	}
	if v.prevents() {
		msg.Body.Release()
		if err := v.err; wide(err) {
			w.settle(err)
			done(0, uncertain(err))
			return err
		}
		done(0, v.err)
		return nil
	}
	if v.loses() && wide(v.err) {
		return w.lose(ctx, msg, done, v)
	}
	err = w.inner.Append(ctx, msg, w.answer(done, v.err))
	if w.dead != nil {
		err = w.dead
	}
	return w.settle(w.plan().outcome(verdict{}, err))
}

// lose carries the append out, with all that is queued, and loses the answers.
func (w *faultyWriter) lose(ctx context.Context, msg *mail.Message, done func(mail.UID, error), v verdict) error {
	w.settle(v.err)
	if w.inner.Append(ctx, msg, w.answer(done, nil)) == nil {
		w.inner.Flush(ctx)
	}
	return w.plan().outcome(verdict{}, v.err)
}

// answer is done as a step. lost is why this one message's answer does not come.
func (w *faultyWriter) answer(done func(mail.UID, error), lost error) func(mail.UID, error) {
	return func(uid mail.UID, err error) {
		if w.dead == nil {
			if v := w.plan().begin(w.name("answer")); v.err != nil {
				w.settle(v.err)
				lost = v.err
			}
		}
		if w.dead != nil {
			lost = w.dead
		}
		if lost != nil {
			uid, err = 0, uncertain(lost)
		}
		done(uid, err)
	}
}

func (w *faultyWriter) Flush(ctx context.Context) error {
	return w.call("flush", func() error { return w.inner.Flush(ctx) })
}

// Push is a step where the store keeps messages back.
func (w *faultyWriter) Push(ctx context.Context) error {
	p, ok := w.inner.(mail.Pusher)
	if !ok {
		return nil
	}
	return w.call("push", func() error { return p.Push(ctx) })
}

func (w *faultyWriter) SetFlags(ctx context.Context, changes []mail.FlagChange) error {
	return w.call("set flags", func() error { return w.inner.SetFlags(ctx, changes) })
}

func (w *faultyWriter) Refresh(ctx context.Context) (st mail.Status, err error) {
	err = w.call("refresh", func() (err error) {
		st, err = w.inner.Refresh(ctx)
		return err
	})
	if err != nil {
		return mail.Status{}, err
	}
	return st, nil
}

type faultyExpunger struct {
	*faultyWriter
	expunger mail.Expunger
}

func (x *faultyExpunger) Expunge(ctx context.Context, uids mail.UIDSet) error {
	return x.call("expunge", func() error { return x.expunger.Expunge(ctx, uids) })
}
