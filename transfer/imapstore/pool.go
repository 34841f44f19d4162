package imapstore

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"mailferry/transfer/imapstore/wire"
	"mailferry/transfer/mail"
)

// pool hands out logged-in connections. Until the first login has succeeded it
// opens one at a time, and after a refused one none at all: several attempts at
// once lock accounts.
type pool struct {
	opts      Options
	slots     chan struct{} // one for each connection handed out, and those kept back
	first     chan struct{} // held by the one that dials before anyone has logged in
	logged    chan struct{} // closed when somebody has
	limitWait time.Duration
	wanted    atomic.Int32 // how many wait for a connection

	mu      sync.Mutex
	idle    []parked
	dialed  int
	live    int           // connections there are, handed out or idle
	linger  time.Duration // how long it is worth waiting for a connection that somebody else uses; 0 on a long line
	waiters []waiter      // first come first
	bound   bound
	known   *wire.Known // from the first login on
	refused error       // the first login's fate, where it is final
	closed  bool
}

type parked struct {
	conn  *wire.Conn
	since time.Time
}

var errClosed = errors.New("the account has been closed")

// stale is how long a connection may have been idle before it is asked whether
// it still works: routers and servers forget them silently.
const stale = 30 * time.Second

func newPool(opts Options) *pool {
	return &pool{opts: opts, slots: make(chan struct{}, opts.Connections), first: make(chan struct{}, 1), logged: make(chan struct{}),
		limitWait: limitWait, bound: bound{known: make(chan struct{})}}
}

// acquire returns a connection that release must get back.
func (p *pool) acquire(ctx context.Context) (*wire.Conn, error) {
	return p.acquireUnless(ctx, nil)
}

// spare takes a slot if one is free that nobody else has a use for. Where the server lets in fewer connections than
// the options allow none is: who needs one there does not wait for long.
func (p *pool) spare() bool {
	if p.wanted.Load() > 0 || p.bounded() {
		return false
	}
	select {
	case p.slots <- struct{}{}:
		return true
	default:
		return false
	}
}

// acquireUnless does not wait for a connection that the server does not let in once the caller can do without.
func (p *pool) acquireUnless(ctx context.Context, instead func() <-chan struct{}) (*wire.Conn, error) {
	w := p.patience(instead)
	defer w.stop()
	for {
		if err := w.slot(ctx); err != nil {
			return nil, err
		}
		if conn, again, err := p.fill(ctx, instead == nil); !again {
			return conn, err
		}
	}
}

// fill finds a connection for a slot that has been taken. again is true if the slot is lost and one
// of those that there are has to be waited for. With patience it may wait for one before it opens another.
func (p *pool) fill(ctx context.Context, patience bool) (conn *wire.Conn, again bool, err error) {
	if conn, err = p.take(ctx, patience); err != nil {
		again = p.unfilled(err)
	}
	return conn, again, err
}

func (p *pool) take(ctx context.Context, patience bool) (*wire.Conn, error) {
	for {
		last, ok, err := p.pop()
		if err != nil {
			return nil, err
		}
		if !ok && patience {
			if conn := p.await(ctx); conn != nil {
				return conn, nil
			}
		}
		if !ok {
			return p.dial(ctx)
		}
		if time.Since(last.since) < stale || last.conn.Noop(ctx) == nil && last.conn.Usable() {
			return last.conn, nil
		}
		p.end(last.conn)
	}
}

func (p *pool) pop() (last parked, ok bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return last, false, &mail.Error{Op: "connect", Scope: mail.ScopeStore, Retry: mail.RetryNever, Err: errClosed}
	}
	if n := len(p.idle); n > 0 {
		last, p.idle = p.idle[n-1], p.idle[:n-1]
		return last, true, nil
	}
	return last, false, nil
}

func (p *pool) dial(ctx context.Context) (*wire.Conn, error) {
	if p.hasLogged() {
		return p.another(ctx)
	}
	select {
	case p.first <- struct{}{}:
	case <-ctx.Done():
		return nil, unconnected(ctx)
	}
	defer func() { <-p.first }()
	if err := p.finalRefusal(); err != nil {
		return nil, err
	}
	if p.hasLogged() {
		return p.another(ctx)
	}
	began := time.Now()
	conn, err := wire.Dial(ctx, p.opts.wire(p.count()))
	if err != nil {
		return nil, p.firstFailed(err)
	}
	p.mu.Lock()
	p.known = conn.Known()
	p.met(time.Since(began))
	p.mu.Unlock()
	p.arrived()
	close(p.logged)
	return conn, nil
}

// another opens a connection beside those there are, at once with others.
func (p *pool) another(ctx context.Context) (*wire.Conn, error) {
	opts := p.opts.wire(p.count())
	p.mu.Lock()
	opts.Known = p.known
	p.mu.Unlock()
	conn, err := wire.Dial(ctx, opts)
	if err == nil {
		p.arrived()
	}
	return conn, err
}

// prepare logs in until there are so many connections, all at once, when somebody has logged in. One that
// fails is left to whoever needs it: the server may not want more.
func (p *pool) prepare(ctx context.Context, most int, octets int64) {
	select {
	case <-p.logged:
	case <-ctx.Done():
		return
	}
	most = p.worth(most, octets)
	p.mu.Lock()
	kept := p.bound.kept + p.bound.resting
	lacking := min(most, cap(p.slots)-kept) - len(p.idle) - (len(p.slots) - kept)
	if p.closed {
		lacking = 0
	}
	p.mu.Unlock()
	var wg sync.WaitGroup
	for range lacking {
		wg.Go(func() { p.prepareOne(ctx) })
	}
	wg.Wait()
}

func (p *pool) prepareOne(ctx context.Context) {
	select {
	case p.slots <- struct{}{}:
	default:
		return // somebody needs one already
	}
	conn, err := p.another(ctx)
	if err != nil {
		p.unfilled(err)
		return
	}
	p.release(conn)
}

// firstFailed makes a failure to connect final when no connection ever succeeded
// and no server said a word: it is a wrong address rather than a bad moment.
func (p *pool) firstFailed(err error) error {
	e := mail.ErrorOf(err)
	var said *wire.ReplyError
	if e.Kind == mail.KindConnect && e.Retry == mail.RetrySoon && !errors.As(err, &said) {
		e.Retry = mail.RetryNever
	}
	if e.Kind == mail.KindAuth && e.Retry == mail.RetryNever {
		p.mu.Lock()
		p.refused = err
		p.mu.Unlock()
	}
	return err
}

func (p *pool) hasLogged() bool {
	select {
	case <-p.logged:
		return true
	default:
		return false
	}
}

func (p *pool) finalRefusal() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refused
}

func (p *pool) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dialed++
	return p.dialed
}

// release takes a connection back, and closes it unless it is in order.
func (p *pool) release(conn *wire.Conn) {
	p.mu.Lock()
	keep := conn.Usable() && !conn.Reserved() && !p.closed
	if keep && !p.handOver(conn) {
		p.idle = append(p.idle, parked{conn, time.Now()})
	}
	p.mu.Unlock()
	if !keep {
		p.end(conn)
	}
	p.free()
}

// close logs out of every idle connection; those in use are closed when they
// are released.
func (p *pool) close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	var wg sync.WaitGroup
	for _, parked := range idle {
		wg.Go(func() { p.end(parked.conn) })
	}
	wg.Wait()
}
