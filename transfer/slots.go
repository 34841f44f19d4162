package transfer

import (
	"context"
	"sync/atomic"
)

// slots bounds how many folders are worked on at once. The bound shrinks when a
// server says that it has too many connections, but never below one.
type slots struct {
	free  chan struct{}
	size  chan int // holds the bound; taking it out locks it
	given atomic.Int64
}

// newSlots makes n slots, of which so many are taken.
func newSlots(n, taken int) *slots {
	s := &slots{free: make(chan struct{}, n), size: make(chan int, 1)}
	for range n - taken {
		s.free <- struct{}{}
	}
	s.size <- n
	return s
}

func (s *slots) take(ctx context.Context) error {
	select {
	case <-s.free:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *slots) give() {
	s.given.Add(1)
	s.free <- struct{}{}
}

// trade gives the caller's slot away for good, if others are left, and waits for one
// that another folder gives back. Slots that nobody works in go first: to take one of them would be to wait for
// nobody. With a single slot left it keeps it, and traded is false unless others have given theirs back since given
// was so much: what was refused beside them has room now.
func (s *slots) trade(ctx context.Context, given int64) (traded bool, err error) {
	n := <-s.size
	for spare := true; spare && n > 1; {
		select {
		case <-s.free:
			n--
		default:
			spare = false
		}
	}
	if n == 1 {
		s.size <- n
		return s.given.Load() > given, nil
	}
	s.size <- n - 1
	return true, s.take(ctx)
}
