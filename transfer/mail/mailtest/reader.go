package mailtest

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"sync/atomic"

	"mailferry/transfer/mail"
)

type reader handle

func (r *reader) Status() mail.Status { return r.status }

func (r *reader) Close() error { return (*handle)(r).close() }

func (r *reader) List(ctx context.Context, opts mail.ListOptions, fn func(mail.Info) error) (err error) {
	h := (*handle)(r)
	if err := h.enter(ctx, "list"); err != nil {
		return err
	}
	defer func() { h.leave(err) }()
	if opts.ChangedSince > 0 && h.m.opts.NoModSeqs {
		return h.m.broken("list %q: ChangedSince without mod-sequences", h.path)
	}
	if opts.Vanished != nil {
		if opts.ChangedSince == 0 || h.m.opts.NoResync {
			return h.m.broken("list %q: Vanished without ChangedSince or Traits.Resync", h.path)
		}
		h.vanished(opts)
	}
	for _, uid := range h.uids(opts.From) {
		if opts.Only != nil && !opts.Only.Contains(uid+h.shift) {
			continue
		}
		msg, there, err := h.message(ctx, "list", uid)
		if err != nil {
			return err
		}
		if !there || msg.ModSeq <= opts.ChangedSince {
			continue
		}
		h.callback(func() { err = fn(h.info(msg, opts)) })
		if err != nil {
			return err
		}
	}
	return nil
}

// uids returns the folder's own numbers of the messages that this session knows
// as from or greater.
func (h *handle) uids(from mail.UID) []mail.UID {
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	var uids []mail.UID
	for _, msg := range h.f.messages {
		if msg.UID+h.shift >= from {
			uids = append(uids, msg.UID)
		}
	}
	return uids
}

// vanished tells what was expunged since opts.ChangedSince.
func (h *handle) vanished(opts mail.ListOptions) {
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	for uid, modSeq := range h.f.expunged {
		if modSeq > opts.ChangedSince {
			opts.Vanished.Add(uid + h.shift)
		}
	}
}

func (h *handle) message(ctx context.Context, op string, uid mail.UID) (msg Message, there bool, err error) {
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	if err := cancelled(ctx, op, h.path); err != nil {
		return msg, false, err
	}
	if h.f.validity != h.validity {
		return msg, false, h.ended(op)
	}
	if found := h.f.get(uid); found != nil {
		return *found, true, nil
	}
	return msg, false, nil
}

func (h *handle) info(msg Message, opts mail.ListOptions) mail.Info {
	info := mail.Info{UID: msg.UID + h.shift}
	if !h.m.opts.NoModSeqs {
		info.ModSeq = msg.ModSeq
	}
	if opts.Flags {
		info.Flags = msg.Flags
	}
	if opts.Size {
		info.Size = h.m.statedSize(msg.Raw)
	}
	if opts.Date {
		info.InternalDate = msg.Date
	}
	if opts.Key {
		info.Key = mail.KeyOf(msg.Raw)
	}
	if h.m.opts.Contents {
		info.Content = digest(msg.Raw)
	}
	return info
}

func (m *Memory) statedSize(raw []byte) int64 {
	if m.opts.StatedSize != nil {
		return m.opts.StatedSize(raw)
	}
	return int64(len(raw))
}

func (r *reader) Fetch(ctx context.Context, set mail.UIDSet, fn func(mail.Info, io.Reader) error) (err error) {
	h := (*handle)(r)
	if err := h.enter(ctx, "fetch"); err != nil {
		return err
	}
	defer func() { h.leave(err) }()
	for _, uid := range h.fetchOrder(set) {
		msg, there, err := h.message(ctx, "fetch", uid)
		if err != nil {
			return err
		}
		if !there {
			continue
		}
		if err := h.deliver(msg, fn); err != nil {
			return err
		}
	}
	return nil
}

func (h *handle) fetchOrder(set mail.UIDSet) []mail.UID {
	var uids []mail.UID
	for _, uid := range h.uids(set.First()) {
		if set.Contains(uid + h.shift) {
			uids = append(uids, uid)
		}
	}
	if h.m.opts.Scramble {
		rand.New(rand.NewPCG(1, uint64(len(uids)))).Shuffle(len(uids), func(i, j int) {
			uids[i], uids[j] = uids[j], uids[i]
		})
	}
	return uids
}

func (h *handle) deliver(msg Message, fn func(mail.Info, io.Reader) error) (err error) {
	info := mail.Info{UID: msg.UID + h.shift, Flags: msg.Flags, InternalDate: msg.Date, Size: int64(len(msg.Raw))}
	body := &lentBody{h: h, r: bytes.NewReader(msg.Raw)}
	h.callback(func() { err = fn(info, body) })
	body.over.Store(true)
	return err
}

// lentBody notices being read after the callback it was lent to.
type lentBody struct {
	h    *handle
	r    io.Reader
	over atomic.Bool
}

func (b *lentBody) Read(p []byte) (int, error) {
	if b.over.Load() {
		return 0, b.h.m.broken("fetch %q: body read after its callback returned", b.h.path)
	}
	return b.r.Read(p)
}
