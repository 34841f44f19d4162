package imapstore

import (
	"context"
	"time"

	"mailferry/transfer/imapstore/wire"
)

// On a short line it is the server's work that takes the time, and a login is much of that: another connection is worth it
// only for much mail, or when none of those there are comes back for a while. On a long line it is the waiting that takes
// the time, and connections wait at once.
const (
	shortLogin   = 30 * time.Millisecond // on a line that is not short it takes longer
	worthOctets  = 4 << 20               // of mail are worth a connection of their own
	worthHandles = 16                    // and so are so many handles that are opened
)

// waiter is somebody who would take a connection that comes back.
type waiter chan *wire.Conn

// worth returns how many connections are worth it for so many handles and so much mail.
func (p *pool) worth(handles int, octets int64) int {
	most := min(cap(p.slots), handles)
	if !p.short() {
		return most
	}
	return int(min(int64(most), 1+int64(handles)/worthHandles+octets/worthOctets))
}

func (p *pool) short() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.linger > 0
}

// met takes in how long the first login took. mu is held.
func (p *pool) met(login time.Duration) {
	if login < shortLogin {
		p.linger = 2 * login
	}
}

// await waits for a while, on a short line, for a connection that somebody else uses. It
// returns nil if none has come.
func (p *pool) await(ctx context.Context) *wire.Conn {
	p.mu.Lock()
	if n := len(p.idle); n > 0 { // it has come back just now
		last := p.idle[n-1].conn
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return last
	}
	if p.linger == 0 || p.live == 0 || p.closed {
		p.mu.Unlock()
		return nil
	}
	w, timer := make(waiter, 1), time.NewTimer(p.linger)
	p.waiters = append(p.waiters, w)
	p.mu.Unlock()
	defer timer.Stop()
	select {
	case conn := <-w:
		return conn
	case <-timer.C:
	case <-ctx.Done():
	}
	return p.leave(w)
}

// leave gives up waiting, unless a connection has come at the last moment.
func (p *pool) leave(w waiter) *wire.Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, other := range p.waiters {
		if other == w {
			p.waiters = append(p.waiters[:i:i], p.waiters[i+1:]...)
			return nil
		}
	}
	return <-w
}

// handOver gives a connection that comes back to whoever has waited longest. mu is held.
func (p *pool) handOver(conn *wire.Conn) bool {
	if len(p.waiters) == 0 {
		return false
	}
	p.waiters[0] <- conn
	p.waiters = p.waiters[1:]
	return true
}

// ready returns how many connections there are.
func (p *pool) ready() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.live
}
