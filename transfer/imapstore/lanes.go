package imapstore

import (
	"context"
	"sync"

	"mailferry/transfer/imapstore/wire"
)

// lanes are the connections on which folders share their appending. There are as many as
// handles may be open, unless the server wants fewer. A lane lasts as long as a folder uses it.
type lanes struct {
	pool *pool

	mu      sync.Mutex
	open    []*lane
	opening int
	enough  bool // the server wanted no more connections
}

type lane struct {
	*wire.Lane
	conn    *wire.Conn
	folders int
}

// board returns the lane with the least to do, or a new one.
func (s *lanes) board(ctx context.Context) (*lane, error) {
	if l := s.least(); l != nil {
		return l, nil
	}
	conn, err := s.pool.acquire(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opening--
	if err != nil {
		if l := s.pick(); l != nil && ctx.Err() == nil {
			s.enough = true
			return l, nil
		}
		return nil, err
	}
	l := &lane{Lane: conn.NewLane(), conn: conn, folders: 1}
	s.open = append(s.open, l)
	return l, nil
}

// least returns nil when a new lane is to be opened.
func (s *lanes) least() *lane {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.enough && len(s.open)+s.opening < cap(s.pool.slots) {
		s.opening++
		return nil
	}
	l := s.pick()
	if l == nil {
		s.opening++
	}
	return l
}

func (s *lanes) pick() (best *lane) {
	for _, l := range s.open {
		if l.Healthy() && (best == nil || l.folders < best.folders || l.folders == best.folders && l.Load() < best.Load()) {
			best = l
		}
	}
	if best != nil {
		best.folders++
	}
	return best
}

// leave ends a lane that its last folder leaves.
func (s *lanes) leave(l *lane) {
	s.mu.Lock()
	l.folders--
	last := l.folders == 0
	if last {
		for i, other := range s.open {
			if other == l {
				s.open = append(s.open[:i:i], s.open[i+1:]...)
				break
			}
		}
		s.enough = s.enough && len(s.open) > 0
	}
	s.mu.Unlock()
	if last {
		l.End()
		s.pool.release(l.conn)
	}
}
