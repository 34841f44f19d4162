package mailtest

import (
	"context"
	"time"

	"mailferry/transfer/mail"
)

func (w *writer) SetFlags(ctx context.Context, changes []mail.FlagChange) (err error) {
	h := w.handle()
	if err := h.enter(ctx, "set flags"); err != nil {
		return err
	}
	defer func() { h.leave(err) }()
	for _, c := range changes {
		for _, flag := range c.Add {
			if !h.status.Permits(flag) {
				return h.refusal("flag " + flag + " cannot be stored")
			}
		}
	}
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	for _, c := range changes {
		h.f.change(c, c.UID-h.shift, h.m.opts.AutoExpunge)
	}
	return nil
}

func (f *folder) change(c mail.FlagChange, uid mail.UID, autoExpunge bool) {
	msg := f.get(uid)
	if msg == nil {
		return
	}
	flags := msg.Flags.Minus(c.Remove).Union(c.Add)
	f.setFlags(uid, flags)
	if autoExpunge && flags.Has(mail.Deleted) {
		f.remove(uid)
	}
}

func (w *writer) Refresh(ctx context.Context) (st mail.Status, err error) {
	h := w.handle()
	if err := h.enter(ctx, "refresh"); err != nil {
		return mail.Status{}, err
	}
	defer func() { h.leave(err) }()
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	if h.f.validity != h.validity {
		return st, h.ended("refresh")
	}
	h.f.arrive()
	return h.view(h.m.status(h.f)), nil
}

func (x *expunger) Expunge(ctx context.Context, uids mail.UIDSet) (err error) {
	h := x.handle()
	if err := h.enter(ctx, "expunge"); err != nil {
		return err
	}
	defer func() { h.leave(err) }()
	for _, uid := range h.uids(uids.First()) {
		if uids.Contains(uid + h.shift) {
			h.m.mu.Lock()
			h.f.remove(uid)
			h.m.mu.Unlock()
		}
	}
	return nil
}

// toSecond is all of a date that IMAP can carry (RFC 9051, date-time). A server
// that is given none takes its clock's.
func toSecond(date time.Time) time.Time {
	if date.IsZero() {
		date = time.Now()
	}
	return date.Truncate(time.Second)
}
