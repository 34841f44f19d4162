package imapstore

import (
	"cmp"
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
	octets  int64 // that its folders expect
}

// board returns the lane with the least to do, or a new one, for a folder that expects so many octets.
func (s *lanes) board(ctx context.Context, octets int64) (*lane, error) {
	if l := s.least(octets); l != nil {
		return l, nil
	}
	conn, err := s.pool.acquire(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opening--
	if err != nil {
		if l := s.pick(octets); l != nil && ctx.Err() == nil {
			s.enough = true
			return l, nil
		}
		return nil, err
	}
	l := &lane{Lane: conn.NewLane(), conn: conn, folders: 1, octets: octets}
	s.open = append(s.open, l)
	return l, nil
}

// least returns nil when a new lane is to be opened.
func (s *lanes) least(octets int64) *lane {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.enough && len(s.open)+s.opening < cap(s.pool.slots) {
		s.opening++
		return nil
	}
	l := s.pick(octets)
	if l == nil {
		s.opening++
	}
	return l
}

func (s *lanes) pick(octets int64) (best *lane) {
	for _, l := range s.open {
		if l.Healthy() && (best == nil || cmp.Or(cmp.Compare(l.octets, best.octets), cmp.Compare(l.folders, best.folders)) < 0) {
			best = l
		}
	}
	if best != nil {
		best.folders++
		best.octets += octets
	}
	return best
}

// leave ends a lane that its last folder leaves.
func (s *lanes) leave(l *lane, octets int64) {
	s.mu.Lock()
	l.folders--
	l.octets -= octets
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
