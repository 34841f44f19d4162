package imapstore

import (
	"context"
	"slices"
	"sync"

	"mailferry/transfer/imapstore/wire"
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
	bytes int64 // about what it asks for
	conn  chan *wire.Conn
	rest  []*turn // what the connection has sent behind it
	over  bool    // nobody waits any more
}

// whole reports whether nothing but what is asked for ahead will be asked, in all likelihood.
func (t *turn) whole() bool { return t.ahead.Bodies == 1 && t.ahead.List == nil }

// arrive is pool.acquire for an opening that may be sent ahead.
func (q *queue) arrive(ctx context.Context, p *pool, t *turn) (*wire.Conn, error) {
	w := p.patience(nil)
	defer w.stop()
	q.join(t)
	for slots := p.slots; ; {
		select {
		case conn := <-t.conn:
			if conn == nil {
				return p.acquire(ctx)
			}
			return conn, nil
		case slots <- struct{}{}:
			if !q.leave(t) {
				p.free()
				slots = nil // a connection has claimed it
				continue
			}
			if conn, again, err := p.fill(ctx, true); !again {
				return conn, err
			}
			q.join(t)
		case <-w.known:
			w.begin()
		case <-w.over:
			if q.leave(t) {
				return nil, p.tooMany()
			}
			slots = nil
		case <-ctx.Done():
			if conn := q.giveUp(t); conn != nil {
				p.release(conn)
				q.strand(t.rest)
			}
			return nil, unconnected(ctx)
		}
	}
}

func (q *queue) join(t *turn) {
	t.conn = make(chan *wire.Conn, 1)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, t)
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

// claim takes the first opening that conn can send, and that is for no more than so many octets, out
// of the queue.
func (q *queue) claim(conn *wire.Conn, most int64) *turn {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, t := range q.waiting {
		if t.bytes <= most && conn.CanFollow(t.ahead) {
			q.waiting = slices.Delete(q.waiting, i, i+1)
			return t
		}
	}
	return nil
}

// strand tells openings that were claimed that their connection is not coming.
func (q *queue) strand(claimed []*turn) {
	for _, t := range claimed {
		q.hand(t, nil, nil)
	}
}

// hand passes conn, or nil, on to an opening that was claimed, with what was claimed behind it. It is false
// if nobody waits any more.
func (q *queue) hand(t *turn, conn *wire.Conn, rest []*turn) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	t.rest = rest
	if !t.over {
		t.conn <- conn
	}
	return !t.over
}
