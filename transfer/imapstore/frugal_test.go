package imapstore

import (
	"context"
	"fmt"
	"math"
	"net"
	"runtime"
	"testing"
	"time"

	"mailferry/transfer/imapstore/wire"
	"mailferry/transfer/mail"
)

// shortLine is an account on a line on which users of a connection wait so long for another's.
func shortLine(t *testing.T, folders int, linger time.Duration) (*fake, *Store) {
	t.Helper()
	f := newShelf(folders, 10).server()
	opts := f.start(t)
	opts.Connections = 4
	s := New(opts)
	t.Cleanup(func() {
		s.left(t)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := s.Folders(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.pool.linger = linger
	return f, s
}

// queued waits until so many wait for a connection.
func (p *pool) queued(n int) {
	for {
		p.mu.Lock()
		waiting := len(p.waiters)
		p.mu.Unlock()
		if waiting == n {
			return
		}
		runtime.Gosched()
	}
}

type opening struct {
	r   mail.Reader
	err error
}

func (s *Store) openLater(ctx context.Context, i int) <-chan opening {
	out := make(chan opening, 1)
	go func() {
		r, err := s.OpenReader(ctx, mail.NewPath(shelfFolder(i)))
		out <- opening{r, err}
	}()
	return out
}

// TestShortLineSharesAConnection: on a short line folders take turns with the connection there is, first come first served.
func TestShortLineSharesAConnection(t *testing.T) {
	f, s := shortLine(t, 3, forEver)
	first, err := s.OpenReader(t.Context(), mail.NewPath(shelfFolder(0)))
	if err != nil {
		t.Fatal(err)
	}
	second := s.openLater(t.Context(), 1)
	s.pool.queued(1)
	third := s.openLater(t.Context(), 2)
	s.pool.queued(2)
	for _, next := range []<-chan opening{second, third} {
		closeAll(t, first)
		o := <-next
		if o.err != nil {
			t.Fatal(o.err)
		}
		first = o.r
	}
	closeAll(t, first)
	if conns, _ := f.met(); conns != 1 {
		t.Errorf("%d connections", conns)
	}
}

// TestShortLineWaitsNotForEver: a connection that does not come back is not waited for longer than another takes.
func TestShortLineWaitsNotForEver(t *testing.T) {
	for name, linger := range map[string]time.Duration{"patience runs out": time.Nanosecond, "a long line": 0} {
		t.Run(name, func(t *testing.T) {
			f, s := shortLine(t, 3, linger)
			var all []mail.Reader
			for i := range 3 {
				r, err := s.OpenReader(t.Context(), mail.NewPath(shelfFolder(i)))
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, r)
			}
			closeAll(t, all...)
			if conns, _ := f.met(); conns != 3 {
				t.Errorf("%d connections", conns)
			}
		})
	}
}

// TestShortLineGivenUp: who gives up waiting leaves nothing behind, and the connection goes to the next.
func TestShortLineGivenUp(t *testing.T) {
	_, s := shortLine(t, 3, forEver)
	first, err := s.OpenReader(t.Context(), mail.NewPath(shelfFolder(0)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	second := s.openLater(ctx, 1)
	s.pool.queued(1)
	third := s.openLater(t.Context(), 2)
	s.pool.queued(2)
	cancel()
	if o := <-second; o.err == nil {
		t.Error("opened though it was given up")
	}
	closeAll(t, first)
	o := <-third
	if o.err != nil {
		t.Fatal(o.err)
	}
	closeAll(t, o.r)
}

// TestHandedOverAtTheLastMoment: a connection that comes as its waiter leaves is not lost.
func TestHandedOverAtTheLastMoment(t *testing.T) {
	p := newPool(Options{Connections: 2})
	conn, w := new(wire.Conn), make(waiter, 1)
	p.waiters = append(p.waiters, w)
	if !p.handOver(conn) || p.leave(w) != conn {
		t.Error("the connection is nobody's")
	}
	p.waiters = append(p.waiters, w)
	if p.leave(w) != nil || p.handOver(conn) {
		t.Error("a waiter who has left gets a connection")
	}
}

// TestWorth: on a short line connections are for much mail or many folders, on a long one for every handle.
func TestWorth(t *testing.T) {
	for _, tc := range []struct {
		linger  time.Duration
		handles int
		octets  int64
		want    int
	}{
		{0, 1, 0, 1}, {0, 3, 0, 3}, {0, 26, 0, 4},
		{time.Second, 1, 0, 1}, {time.Second, 4, 0, 1}, {time.Second, 26, 0, 2}, {time.Second, 500, 0, 4},
		{time.Second, 4, worthOctets, 2}, {time.Second, 4, 10 * worthOctets, 4}, {time.Second, 1, 10 * worthOctets, 1},
		{time.Second, 4, math.MaxInt64, 4},
	} {
		p := newPool(Options{Connections: 4})
		p.linger = tc.linger
		if got := p.worth(tc.handles, tc.octets); got != tc.want {
			t.Errorf("%d handles and %d octets at %v: %d connections, want %d", tc.handles, tc.octets, tc.linger, got, tc.want)
		}
	}
}

// TestLanesOfAShortLine: folders with little mail share one connection, and use what connections there are.
func TestLanesOfAShortLine(t *testing.T) {
	for _, tc := range []struct {
		octets int64
		ready  int
		want   int
	}{{10, 0, 1}, {10, 3, 3}, {worthOctets, 0, 4}} {
		t.Run(fmt.Sprint(tc), func(t *testing.T) {
			in := &intake{d: newDice(1), rare: 1, boxes: make(map[string][]string)}
			for i := range 6 {
				in.boxes[shelfFolder(i)] = nil
			}
			f := &fake{}
			opts := listen(t, func(conn net.Conn) {
				defer conn.Close()
				f.admit(conn, in.serve)
			})
			opts.Connections = 4
			s := New(opts)
			defer s.Close()
			if _, err := s.Folders(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.Prepare(t.Context(), tc.ready, math.MaxInt64)
			s.pool.linger = forEver
			var all []mail.Reader
			for i := range 6 {
				w, err := s.OpenAppender(t.Context(), mail.NewPath(shelfFolder(i)), tc.octets)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, w)
			}
			if lanes := len(s.lanes.all); lanes != tc.want {
				t.Errorf("%d lanes, want %d", lanes, tc.want)
			}
			closeAll(t, all...)
		})
	}
}
