package imapstore

import (
	"context"
	"time"

	"mailferry/transfer/imapstore/wire"
	"mailferry/transfer/mail"
)

// limitWait is how long an opening waits for a connection that the server does not let in. Who waits may hold
// a session at the other end, which somebody who has this end's connections is waiting for.
const limitWait = 2 * time.Second

// bound is how many connections the server lets in, where that is fewer than the account's options say.
// Slots that are kept back hold every opening to it.
type bound struct {
	known   chan struct{} // closed when there is one
	most    int           // connections there were when another was refused; 0: not known
	refusal error
	kept    int // slots nobody gets
	resting int // slots nobody gets for a while
}

// unfilled gives back a slot for which no connection could be had. wait is true if the server let in no more
// than there are: one of these will be released.
func (p *pool) unfilled(err error) (wait bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if mail.ErrorOf(err).Kind != mail.KindLimit || p.live == 0 {
		p.yield()
		return false
	}
	b := &p.bound
	b.refusal = err
	if b.most == 0 {
		b.most = p.live
		close(b.known)
	}
	if b.kept < cap(p.slots)-b.most || p.live >= b.most {
		p.yield()
		p.keepFree()
		return true
	}
	// The server has not noticed yet that one has gone, it seems.
	b.resting++
	time.AfterFunc(p.limitWait, p.rested)
	return true
}

func (p *pool) rested() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bound.resting--
	p.yield()
}

// bounded reports whether the server lets in fewer connections than the options allow.
func (p *pool) bounded() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.bound.most > 0 && p.bound.most < cap(p.slots)
}

// keepFree keeps back what slots are free, as far as they are too many. mu is held.
func (p *pool) keepFree() {
	for p.bound.kept < cap(p.slots)-p.bound.most {
		select {
		case p.slots <- struct{}{}:
			p.bound.kept++
		default:
			return // whoever has them gives them back
		}
	}
}

// free gives a slot back.
func (p *pool) free() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.yield()
}

// yield is free. mu is held.
func (p *pool) yield() {
	if p.bound.most > 0 && p.bound.kept < cap(p.slots)-p.bound.most {
		p.bound.kept++
		return
	}
	<-p.slots
}

// arrived counts a connection that was let in: perhaps one more than there were when another was refused.
func (p *pool) arrived() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.live++
	b := &p.bound
	if b.most == 0 || p.live <= b.most {
		return
	}
	if b.most = p.live; b.kept > max(0, cap(p.slots)-b.most) {
		b.kept--
		<-p.slots
	}
}

// end closes a connection.
func (p *pool) end(conn *wire.Conn) {
	conn.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.live--
}

// tooMany is what the server said when it let no more in.
func (p *pool) tooMany() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	refused := *mail.ErrorOf(p.bound.refusal)
	return &refused
}

// patience is that of somebody who waits for a slot: without end as long as it is only the account's own
// options that keep him waiting.
type patience struct {
	pool    *pool
	instead func() <-chan struct{} // closed when he can do without; nil: he cannot

	known   <-chan struct{} // nil once patience is running out
	over    <-chan time.Time
	without <-chan struct{}
	timer   *time.Timer
}

func (p *pool) patience(instead func() <-chan struct{}) *patience {
	p.wanted.Add(1)
	return &patience{pool: p, instead: instead, known: p.bound.known}
}

func (w *patience) begin() {
	w.known, w.timer = nil, time.NewTimer(w.pool.limitWait)
	w.over = w.timer.C
	if w.instead != nil {
		w.without = w.instead()
	}
}

func (w *patience) stop() {
	w.pool.wanted.Add(-1)
	if w.timer != nil {
		w.timer.Stop()
	}
}

// slot takes a slot. One that is free is taken even by somebody who can do without.
func (w *patience) slot(ctx context.Context) error {
	for {
		select {
		case w.pool.slots <- struct{}{}:
			return nil
		default:
		}
		select {
		case w.pool.slots <- struct{}{}:
			return nil
		case <-w.known:
			w.begin()
		case <-w.over:
			return w.pool.tooMany()
		case <-w.without:
			return w.pool.tooMany()
		case <-ctx.Done():
			return unconnected(ctx)
		}
	}
}

func unconnected(ctx context.Context) error {
	return &mail.Error{Op: "connect", Scope: mail.ScopeStore, Retry: mail.RetryNever, Err: ctx.Err()}
}
