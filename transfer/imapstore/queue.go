package imapstore

import (
	"context"
	"slices"
	"sync"

	"mailferry/transfer/imapstore/wire"
	"mailferry/transfer/mail"
)

// queue holds the openings for which no connection is free. A connection that has little left to
// receive sends the first of them behind it: the line does not fall silent between two folders.
type queue struct {
	mu      sync.Mutex
	waiting []*turn
}

// turn is an opening in the queue. Once a connection has claimed it, that connection, or nil if it
// came to grief, is what it waits for.
type turn struct {
	ahead *wire.Ahead
	conn  chan *wire.Conn
	over  bool // nobody waits any more
}

// arrive is pool.acquire for an opening that may be sent ahead.
func (q *queue) arrive(ctx context.Context, p *pool, ahead *wire.Ahead) (*wire.Conn, error) {
	t := q.join(ahead)
	for slots := p.slots; ; {
		select {
		case conn := <-t.conn:
			if conn == nil {
				return p.acquire(ctx)
			}
			return conn, nil
		case slots <- struct{}{}:
			if q.leave(t) {
				return p.fill(ctx)
			}
			<-p.slots
			slots = nil // a connection has claimed it
		case <-ctx.Done():
			if conn := q.giveUp(t); conn != nil {
				p.release(conn)
			}
			return nil, &mail.Error{Op: "connect", Scope: mail.ScopeStore, Retry: mail.RetryNever, Err: ctx.Err()}
		}
	}
}

func (q *queue) join(ahead *wire.Ahead) *turn {
	t := &turn{ahead: ahead, conn: make(chan *wire.Conn, 1)}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, t)
	return t
}

// leave is false if a connection has claimed t.
func (q *queue) leave(t *turn) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := len(q.waiting)
	q.waiting = slices.DeleteFunc(q.waiting, func(other *turn) bool { return other == t })
	return len(q.waiting) < n
}

// giveUp returns the connection that has been handed over in vain, if one has.
func (q *queue) giveUp(t *turn) *wire.Conn {
	q.leave(t)
	q.mu.Lock()
	defer q.mu.Unlock()
	t.over = true
	select {
	case conn := <-t.conn:
		return conn
	default:
		return nil
	}
}

// claim takes the first opening that conn can send, out of the queue.
func (q *queue) claim(conn *wire.Conn) *turn {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, t := range q.waiting {
		if conn.CanFollow(t.ahead) {
			q.waiting = slices.Delete(q.waiting, i, i+1)
			return t
		}
	}
	return nil
}

// hand passes conn, or nil, on to an opening that was claimed. It is false if nobody waits any more.
func (q *queue) hand(t *turn, conn *wire.Conn) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !t.over {
		t.conn <- conn
	}
	return !t.over
}
