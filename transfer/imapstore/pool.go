package imapstore

import (
	"context"
	"errors"
	"sync"
	"time"

	"mailferry/transfer/imapstore/wire"
	"mailferry/transfer/mail"
)

// pool hands out logged-in connections. Until the first login has succeeded it
// opens one at a time, and after a refused one none at all: several attempts at
// once lock accounts.
type pool struct {
	opts   Options
	slots  chan struct{} // one for each connection handed out
	first  chan struct{} // held by the one that dials before anyone has logged in
	logged chan struct{} // closed when somebody has

	mu      sync.Mutex
	idle    []parked
	dialed  int
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
	return &pool{opts: opts, slots: make(chan struct{}, opts.Connections), first: make(chan struct{}, 1), logged: make(chan struct{})}
}

// acquire returns a connection that release must get back.
func (p *pool) acquire(ctx context.Context) (*wire.Conn, error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, &mail.Error{Op: "connect", Scope: mail.ScopeStore, Retry: mail.RetryNever, Err: ctx.Err()}
	}
	return p.fill(ctx)
}

// spare takes a slot if one is free.
func (p *pool) spare() bool {
	select {
	case p.slots <- struct{}{}:
		return true
	default:
		return false
	}
}

// fill finds a connection for a slot that has been taken.
func (p *pool) fill(ctx context.Context) (*wire.Conn, error) {
	conn, err := p.take(ctx)
	if err != nil {
		<-p.slots
	}
	return conn, err
}

func (p *pool) take(ctx context.Context) (*wire.Conn, error) {
	for {
		last, ok, err := p.pop()
		if err != nil {
			return nil, err
		}
		if !ok {
			return p.dial(ctx)
		}
		if time.Since(last.since) < stale || last.conn.Noop(ctx) == nil && last.conn.Usable() {
			return last.conn, nil
		}
		last.conn.Close()
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
		return nil, &mail.Error{Op: "connect", Scope: mail.ScopeStore, Retry: mail.RetryNever, Err: ctx.Err()}
	}
	defer func() { <-p.first }()
	if err := p.finalRefusal(); err != nil {
		return nil, err
	}
	if p.hasLogged() {
		return p.another(ctx)
	}
	conn, err := wire.Dial(ctx, p.opts.wire(p.count()))
	if err != nil {
		return nil, p.firstFailed(err)
	}
	p.mu.Lock()
	p.known = conn.Known()
	p.mu.Unlock()
	close(p.logged)
	return conn, nil
}

// another opens a connection beside those there are, at once with others.
func (p *pool) another(ctx context.Context) (*wire.Conn, error) {
	opts := p.opts.wire(p.count())
	p.mu.Lock()
	opts.Known = p.known
	p.mu.Unlock()
	return wire.Dial(ctx, opts)
}

// prepare logs in until there are so many connections, all at once, when somebody has logged in. One that
// fails is left to whoever needs it: the server may not want more.
func (p *pool) prepare(ctx context.Context, most int) {
	select {
	case <-p.logged:
	case <-ctx.Done():
		return
	}
	p.mu.Lock()
	lacking := min(most, cap(p.slots)) - len(p.idle) - len(p.slots)
	if p.closed {
		lacking = 0
	}
	p.mu.Unlock()
	var wg sync.WaitGroup
	for range lacking {
		wg.Go(func() {
			select {
			case p.slots <- struct{}{}:
			case <-ctx.Done():
				return
			}
			conn, err := p.another(ctx)
			if err != nil {
				<-p.slots
				return
			}
			p.release(conn)
		})
	}
	wg.Wait()
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
	if keep {
		p.idle = append(p.idle, parked{conn, time.Now()})
	}
	p.mu.Unlock()
	if !keep {
		conn.Close()
	}
	<-p.slots
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
		wg.Go(func() { parked.conn.Close() })
	}
	wg.Wait()
}
