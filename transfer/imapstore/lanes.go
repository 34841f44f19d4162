package imapstore

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"mailferry/transfer/imapstore/wire"
)

// lanes are the connections on which folders share their appending. There are as many as
// handles may be open, unless the server wants fewer. A lane lasts as long as a folder uses it.
type lanes struct {
	pool *pool

	mu     sync.Mutex
	all    []*lane
	enough bool          // the server wanted no more connections
	first  chan struct{} // closed when the next lane is ready; nil: nobody waits for it
}

type lane struct {
	*wire.Lane // once ready
	conn       *wire.Conn
	ready      chan struct{} // closed when there is a connection, or none could be had
	failed     bool
	folders    int
	octets     int64         // that its folders expect
	released   chan struct{} // closed when its connection has been given back
}

// board returns the lane with the least to do, or a new one, for a folder that expects so many octets.
func (s *lanes) board(ctx context.Context, octets int64) (*lane, error) {
	for ctx.Err() == nil {
		l, mine := s.pick(octets)
		if mine {
			again, err := s.equip(ctx, l)
			switch {
			case err == nil:
				return l, nil
			case again:
				continue
			}
			return nil, err
		}
		select {
		case <-l.ready:
			if !l.failed {
				return l, nil
			}
		case <-ctx.Done():
			s.leave(l, octets)
		}
	}
	return nil, unconnected(ctx)
}

// pick returns a lane; a new one, which the caller equips, if mine.
func (s *lanes) pick(octets int64) (l *lane, mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.enough && len(s.all) < max(s.pool.worth(cap(s.pool.slots), s.octets()+octets), min(cap(s.pool.slots), s.pool.ready())) {
		l = &lane{ready: make(chan struct{}), folders: 1, octets: octets}
		s.all = append(s.all, l)
		return l, true
	}
	for _, other := range s.all {
		if other.healthy() && (l == nil || cmp.Or(cmp.Compare(other.octets, l.octets), cmp.Compare(other.folders, l.folders)) < 0) {
			l = other
		}
	}
	if l == nil { // in addition to those that are about to end
		l = &lane{ready: make(chan struct{}), folders: 1, octets: octets}
		s.all = append(s.all, l)
		return l, true
	}
	l.folders++
	l.octets += octets
	return l, false
}

// octets are what all lanes' folders expect. mu is held.
func (s *lanes) octets() (n int64) {
	for _, l := range s.all {
		n += l.octets
	}
	return n
}

// healthy is true of a lane that has no connection yet, too. The caller holds lanes.mu.
func (l *lane) healthy() bool { return l.Lane == nil || l.Lane.Healthy() }

// equip gives a new lane its connection. again is true if there are others that do without.
func (s *lanes) equip(ctx context.Context, l *lane) (again bool, err error) {
	conn, err := s.pool.acquireUnless(ctx, s.shared)
	s.mu.Lock()
	defer s.mu.Unlock()
	defer close(l.ready)
	if err != nil {
		l.failed = true
		s.remove(l)
		if ctx.Err() == nil && slices.ContainsFunc(s.all, (*lane).works) {
			s.enough, again = true, true
		}
		return again, err
	}
	l.Lane, l.conn, l.released = conn.NewLane(), conn, make(chan struct{})
	go s.giveBack(l)
	if s.first != nil {
		close(s.first)
		s.first = nil
	}
	return false, nil
}

// shared is closed when there is a lane to share.
func (s *lanes) shared() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.IndexFunc(s.all, (*lane).works); i >= 0 {
		return s.all[i].ready
	}
	if s.first == nil {
		s.first = make(chan struct{})
	}
	return s.first
}

// works reports whether the lane can be shared at once. The caller holds lanes.mu.
func (l *lane) works() bool { return l.Lane != nil && l.healthy() }

func (s *lanes) remove(l *lane) {
	s.all = slices.DeleteFunc(s.all, func(o *lane) bool { return o == l })
	s.enough = s.enough && len(s.all) > 0
}

// leave ends a lane that its last folder leaves.
func (s *lanes) leave(l *lane, octets int64) {
	s.mu.Lock()
	l.folders--
	l.octets -= octets
	last := l.folders == 0 && !l.failed
	if last {
		s.remove(l)
	}
	s.mu.Unlock()
	if last {
		l.End()
		<-l.released
	}
}

// giveBack gives a lane's connection back when the lane has ended, which one that comes to grief does though folders are
// still on it: they notice only when they have something to say, and may be waiting for what somebody has who waits for a lane.
func (s *lanes) giveBack(l *lane) {
	<-l.Ended()
	s.mu.Lock()
	s.remove(l)
	s.mu.Unlock()
	s.pool.release(l.conn)
	close(l.released)
}
