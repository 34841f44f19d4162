package mailtest

import (
	"context"
	"errors"
	"sync/atomic"

	"mailferry/transfer/mail"
)

const (
	idle int32 = iota
	busy
	inCallback
	closed
)

// handle is a session on one folder. Its state shows use by two goroutines at once.
type handle struct {
	m      *Memory
	f      *folder
	path   mail.Path
	status mail.Status
	shift  mail.UID // this session's UIDs are greater by so much
	writes bool
	shared bool // an appender's
	state  atomic.Int32
	dead   error // the error after which only Close is allowed

	validity uint32 // the folder's UIDVALIDITY as of the opening

	queue []*queued
}

func (m *Memory) OpenReader(ctx context.Context, path mail.Path) (mail.Reader, error) {
	h, err := m.openHandle(ctx, path, &handle{})
	if err != nil {
		return nil, err
	}
	return (*reader)(h), nil
}

func (m *Memory) OpenWriter(ctx context.Context, path mail.Path) (mail.Writer, error) {
	h, err := m.openHandle(ctx, path, &handle{writes: true})
	if err != nil {
		return nil, err
	}
	if m.opts.NoUIDPlus {
		return &writer{(*reader)(h)}, nil
	}
	return &expunger{writer{(*reader)(h)}}, nil
}

func (m *Memory) openHandle(ctx context.Context, path mail.Path, h *handle) (*handle, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx, "open"); err != nil {
		return nil, err
	}
	if m.opts.Connections > 0 && !h.shared && m.sessions() >= m.opts.Connections {
		return nil, m.broken("handle on %q opened beyond the %d of Traits", path, m.opts.Connections)
	}
	if m.opts.Sessions > 0 && !h.shared && m.sessions() >= m.opts.Sessions {
		return nil, &mail.Error{Op: "open", Folder: path, Scope: mail.ScopeStore, Retry: mail.RetryLater,
			Kind: mail.KindLimit, Err: errors.New("too many simultaneous connections")}
	}
	if err := m.await(ctx, path, h); err != nil {
		return nil, err
	}
	f := m.folders[path]
	if f == nil || f.NoSelect || f.Missing {
		return nil, notFound("open", path)
	}
	if h.writes && f.writer != nil {
		return nil, m.broken("second Writer on %q", path)
	}
	h.m, h.f, h.path, h.validity = m, f, path, f.validity
	m.opened++
	if m.opts.NoUIDValidity && m.opts.ShiftUIDs {
		h.shift = mail.UID(m.opened * 1000)
	}
	if h.writes {
		f.writer = h
	}
	m.open[h] = true
	h.status = h.view(m.status(f))
	return h, nil
}

// OpenReaderAhead implements mail.AheadSource. Nothing is on its way in memory.
func (m *Memory) OpenReaderAhead(ctx context.Context, path mail.Path, _ *mail.ListOptions, _ mail.UID) (mail.Reader, error) {
	return m.OpenReader(ctx, path)
}

// await waits until one more handle may be open. The caller holds mu.
func (m *Memory) await(ctx context.Context, path mail.Path, h *handle) error {
	if m.opts.Waits == 0 || h.shared {
		return nil
	}
	defer context.AfterFunc(ctx, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.fewer.Broadcast()
	})()
	for m.sessions() >= m.opts.Waits && ctx.Err() == nil {
		m.fewer.Wait()
	}
	return cancelled(ctx, "open", path)
}

// sessions is how many handles there are that share none.
func (m *Memory) sessions() (n int) {
	for h := range m.open {
		if !h.shared {
			n++
		}
	}
	return n
}

// view puts a folder's status into the numbers of this session.
func (h *handle) view(st mail.Status) mail.Status {
	if st.UIDNext != 0 {
		st.UIDNext += h.shift
	}
	return st
}

// enter starts a call. Unless it returns an error, leave has to be called.
func (h *handle) enter(ctx context.Context, op string) error {
	switch {
	case h.state.CompareAndSwap(idle, busy):
	case h.state.Load() == closed:
		return h.m.broken("%s: handle on %q used after Close", op, h.path)
	case h.state.Load() == inCallback:
		return h.m.broken("%s: handle on %q used inside its own callback", op, h.path)
	default:
		return h.m.broken("%s: handle on %q used by two goroutines at once", op, h.path)
	}
	if h.dead != nil {
		err := h.m.broken("%s: handle on %q used after its error: %v", op, h.path, h.dead)
		h.leave(nil)
		return err
	}
	err := cancelled(ctx, op, h.path)
	h.m.mu.Lock()
	if err == nil {
		err = h.ended(op)
	}
	h.m.mu.Unlock()
	if err != nil {
		h.leave(err)
	}
	return err
}

// ended tells that the folder is gone, or that the session is: UIDs do not change within one
// (RFC 9051 section 2.3.1.1). The caller holds the store's mu.
func (h *handle) ended(op string) error {
	switch {
	case h.f.gone:
		return notFound(op, h.path)
	case h.f.validity != h.validity:
		return &mail.Error{Op: op, Folder: h.path, Scope: mail.ScopeStore, Retry: mail.RetrySoon, Kind: mail.KindConnect,
			Err: errors.New("the folder was numbered anew")}
	}
	return nil
}

// leave ends a call that returns err.
func (h *handle) leave(err error) {
	if err != nil && mail.ErrorOf(err).Scope != mail.ScopeMessage && h.dead == nil {
		h.dead = err
	}
	h.state.Store(idle)
}

// callback runs the caller's code.
func (h *handle) callback(fn func()) {
	h.state.Store(inCallback)
	defer h.state.Store(busy)
	fn()
}

func (h *handle) close() error {
	switch {
	case h.state.CompareAndSwap(idle, busy):
	case h.state.Load() == closed:
		return nil
	default:
		return h.m.broken("handle on %q closed while in use", h.path)
	}
	h.giveUp()
	h.m.mu.Lock()
	delete(h.m.open, h)
	if h.f.writer == h {
		h.f.writer = nil
	}
	h.m.fewer.Broadcast()
	h.m.mu.Unlock()
	h.state.Store(closed)
	return nil
}
