package imapstore

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"mailferry/transfer/imapstore/wire"
	"mailferry/transfer/mail"
)

// Bounds of folders that are read over several connections.
const (
	sliceMessages = 1000 // asked for with one command at most
	sliceLeast    = 4    // parts that are worth another connection
)

// sliceBounds are in octets.
type sliceBounds struct {
	from int64 // in a folder, and asked for at once, that are worth it
	part int64 // about so many are asked for with one command
	hold int64 // so many a connection keeps until it is their turn
}

var usualSlices = sliceBounds{from: 32 << 20, part: 2 << 20, hold: 4 << 20}

// slicing is a Fetch over several connections. The reader's own delivers what it receives as ever. Connections that
// nobody else has a use for help: each takes the next part that nobody has asked for, and keeps what it
// receives, or stops receiving, until the parts before it have been delivered. So the order is that of the
// UIDs, and as every connection takes parts in order, whoever is waited for can go on.
type slicing struct {
	r      *reader
	fn     func(mail.Info, io.Reader) error
	parts  []mail.UIDSet
	due    int // parts before it have been delivered, as far as helpers have them
	ctx    context.Context
	cancel context.CancelFunc
	work   errgroup.Group

	stopped error // fn's

	mu      sync.Mutex
	by      []*helper // who asks for each part, as far as they are taken; nil: the reader itself
	helpers []*helper
}

// helper is a connection that helps.
type helper struct {
	pieces chan *piece // closed at its end
	room   *semaphore.Weighted
	large  int64 // octets of a message that is not kept

	// Set before pieces is closed.
	left mail.UIDSet // what the server did not tell
	err  error
}

// piece is a message on its way from a helper, or the end of a part.
type piece struct {
	info  mail.Info
	body  io.Reader  // nil: the end of a part
	taken chan error // told what became of it
}

// sliced returns how many messages make a part of uids, 0 where more connections would not help.
func (r *reader) sliced(uids mail.UIDSet) int {
	s := r.store
	if r.conn.Expects() || r.status.UIDValidity == 0 { // without one, UIDs are those of a session
		return 0
	}
	messages := min(uids.Len(), int(r.status.Messages))
	n, average := s.sliceOf(r.raw)
	// Every Fetch opens the folder on the connections that help, which takes a server its time where many messages are in it.
	if messages < n*sliceLeast || int64(messages)*average < s.slices.from {
		return 0
	}
	return n
}

// sliceOf returns how many messages of a folder are worth a command of their own, 0 where the folder is not large,
// and the octets of one, about.
func (s *Store) sliceOf(raw string) (n int, average int64) {
	const typical = 50 << 10 // octets of a message
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.names == nil || s.opts.Connections < 2 || s.alone.Load() {
		return 0, 0
	}
	known := s.names.status[raw]
	if known == nil || known.Messages == 0 {
		return 0, 0
	}
	octets := known.Bytes
	if octets < 0 {
		octets = int64(known.Messages) * typical
	}
	if octets < s.slices.from {
		return 0, 0
	}
	average = max(1, octets/int64(known.Messages))
	return int(min(sliceMessages, max(1, s.slices.part/average))), average
}

// fetchSliced is Fetch in parts of n messages.
func (r *reader) fetchSliced(ctx context.Context, uids mail.UIDSet, n int, fn func(mail.Info, io.Reader) error) error {
	s := &slicing{r: r, fn: fn, parts: r.conn.Slices(uids, n)}
	s.ctx, s.cancel = context.WithCancel(ctx)
	defer s.stop()
	left, err := r.conn.FetchParts(ctx, func() mail.UIDSet {
		s.recruit()
		return s.take(nil)
	}, func() {}, func(info mail.Info, body io.Reader) error {
		if err := s.catchUp(s.partOf(info.UID)); err != nil {
			return err
		}
		return s.pass(info, body)
	})
	if err == nil {
		err = s.catchUp(len(s.parts))
	}
	if err == nil {
		err = s.end(&left)
	}
	if err == nil && !left.Empty() {
		err = r.conn.FetchBodies(ctx, left, s.pass)
	}
	if err == nil || s.stopped != nil && err == s.stopped {
		return err
	}
	if len(s.helpers) > 0 && ctx.Err() == nil && !r.conn.Usable() {
		r.store.alone.Store(true) // the server may not like several sessions in one folder
	}
	return at(err, r.path)
}

// pass delivers a message to the caller.
func (s *slicing) pass(info mail.Info, body io.Reader) error {
	s.stopped = s.fn(info, body)
	return s.stopped
}

// recruit takes connections in that are to be had for nothing.
func (s *slicing) recruit() {
	store := s.r.store
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.parts)-len(s.by) >= sliceLeast*(len(s.helpers)+1) && !store.alone.Load() && store.pool.spare() {
		s.add()
	}
}

func (s *slicing) add() {
	store := s.r.store
	h := &helper{pieces: make(chan *piece, sliceMessages), room: semaphore.NewWeighted(store.slices.hold), large: store.slices.hold / 4}
	s.helpers = append(s.helpers, h)
	s.work.Go(func() error {
		defer close(h.pieces)
		if h.err = s.help(h); h.err != nil && s.ctx.Err() == nil {
			store.alone.Store(true) // the server does not like it
		}
		return nil
	})
}

// take hands out the next part that nobody has asked for.
func (s *slicing) take(h *helper) mail.UIDSet {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := len(s.by)
	if i == len(s.parts) {
		return mail.UIDSet{}
	}
	s.by = append(s.by, h)
	return s.parts[i]
}

// help asks for parts until all are taken or somebody else has a use for the connection.
func (s *slicing) help(h *helper) error {
	store := s.r.store
	conn, none, err := store.pool.fill(s.ctx, true)
	if none {
		return nil
	}
	if err != nil {
		return err
	}
	defer store.pool.release(conn)
	if err := s.enter(conn); err != nil {
		return err
	}
	h.left, err = conn.FetchParts(s.ctx, func() mail.UIDSet {
		if store.pool.wanted.Load() > 0 {
			return mail.UIDSet{}
		}
		return s.take(h)
	}, func() { h.hand(s.ctx, &piece{}) }, func(info mail.Info, body io.Reader) error { return h.keep(s.ctx, info, body) })
	return err
}

var errOtherFolder = errors.New("another connection finds another folder of that name")

func (s *slicing) enter(conn *wire.Conn) error {
	if err := conn.Compress(s.ctx); err != nil {
		return err
	}
	sel, err := conn.Examine(s.ctx, s.r.raw)
	if err == nil && sel.UIDValidity != s.r.status.UIDValidity {
		err = errOtherFolder
	}
	return err
}

// keep holds a message until it is its turn, or, if it is large, waits for that.
func (h *helper) keep(ctx context.Context, info mail.Info, body io.Reader) error {
	p := &piece{info: info, body: body, taken: make(chan error, 1)}
	if info.Size > h.large {
		if err := h.hand(ctx, p); err != nil {
			return err
		}
		return <-p.taken
	}
	if err := h.room.Acquire(ctx, info.Size); err != nil {
		return err
	}
	held := make([]byte, info.Size)
	if _, err := io.ReadFull(body, held); err != nil {
		return err
	}
	p.body = &heldBody{held: held, room: h.room}
	return h.hand(ctx, p)
}

func (h *helper) hand(ctx context.Context, p *piece) error {
	select {
	case h.pieces <- p:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// heldBody is a body in memory, which it gives back when it has been read.
type heldBody struct {
	held []byte
	room *semaphore.Weighted
}

func (b *heldBody) Read(p []byte) (int, error) {
	if len(b.held) == 0 {
		return 0, io.EOF
	}
	n := copy(p, b.held)
	b.held = b.held[n:]
	return n, nil
}

// partOf returns the place of the part that uid is in.
func (s *slicing) partOf(uid mail.UID) int {
	i, _ := slices.BinarySearchFunc(s.parts, uid, func(part mail.UIDSet, uid mail.UID) int {
		if part.Last() < uid {
			return -1
		}
		return 1
	})
	return i
}

// catchUp delivers what helpers have asked for before a part.
func (s *slicing) catchUp(part int) error {
	for ; s.due < part; s.due++ {
		s.mu.Lock()
		h := s.by[s.due]
		s.mu.Unlock()
		if h == nil {
			continue
		}
		for ended := false; !ended; {
			p, ok := <-h.pieces
			if !ok {
				return s.failed(h)
			}
			if ended = p.body == nil; !ended {
				if err := s.deliver(h, p); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// end waits for those who have asked for something, and adds what they were not told to left.
func (s *slicing) end(left *mail.UIDSet) error {
	for _, h := range s.helpers {
		if !s.asked(h) {
			continue
		}
		for p := range h.pieces {
			if p.body == nil {
				continue
			}
			if err := s.deliver(h, p); err != nil {
				return err
			}
		}
		if h.err != nil {
			return s.failed(h)
		}
		left.Union(h.left)
	}
	return nil
}

func (s *slicing) asked(h *helper) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.by, h)
}

var errHelper = errors.New("a connection that helped has ended")

func (s *slicing) failed(h *helper) error {
	var known *mail.Error
	if errors.As(h.err, &known) {
		return h.err
	}
	return &mail.Error{Op: "fetch", Folder: s.r.path, Scope: mail.ScopeStore, Retry: mail.RetrySoon, Kind: mail.KindConnect,
		Err: errors.Join(errHelper, h.err)}
}

func (s *slicing) deliver(h *helper, p *piece) (err error) {
	returned := false
	defer func() {
		if !returned { // fn panics: the helper must not wait for ever
			err = context.Canceled
		}
		if err != nil {
			s.cancel() // the helper has come to no grief
		}
		p.done(h, err)
	}()
	err = s.pass(p.info, p.body)
	returned = true
	return err
}

// done gives back what a piece holds.
func (p *piece) done(h *helper, err error) {
	if held, ok := p.body.(*heldBody); ok {
		held.held = nil
		h.room.Release(p.info.Size)
	} else if p.body != nil {
		p.taken <- err
	}
}

// stop ends the helpers and waits for them.
func (s *slicing) stop() {
	s.cancel()
	for _, h := range s.helpers {
		for p := range h.pieces {
			p.done(h, context.Canceled)
		}
	}
	s.work.Wait()
}
