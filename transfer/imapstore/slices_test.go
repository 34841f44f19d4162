package imapstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mailferry/transfer/imapstore/imaptest"
	"mailferry/transfer/imapstore/imaptest/faultproxy"
	"mailferry/transfer/imapstore/wire"
	"mailferry/transfer/mail"
)

// library is an account with one large folder and one of a single message.
type library struct {
	proxy *faultproxy.Proxy
	opts  Options
	want  map[mail.UID]string
	uids  mail.UIDSet
}

var stacks = mail.NewPath("stacks")

func newLibrary(t *testing.T, hide []string, rules ...faultproxy.Rule) *library {
	t.Helper()
	server := imaptest.New(imaptest.Options{Hide: hide})
	account := server.AddUser("user", "secret")
	addr, err := server.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	l := &library{want: make(map[mail.UID]string)}
	rnd := rand.New(rand.NewPCG(1, 2))
	if err := account.Create(stacks, "", false); err != nil {
		t.Fatal(err)
	}
	for i := range 1500 {
		size := rnd.IntN(4000)
		if i%100 == 7 {
			size = 60_000 // more than a connection keeps
		}
		text := fmt.Sprintf("Subject: %d\r\n\r\n%s\r\n", i, strings.Repeat("x", size))
		uid, err := account.Append(stacks, nil, time.Unix(1_600_000_000, 0), []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		l.want[uid] = text
		l.uids.Add(uid)
	}
	if _, err := account.Append(mail.NewPath("INBOX"), nil, time.Unix(1_600_000_000, 0), []byte("Subject: a\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	for uid := range l.uids.All() {
		if uid%9 == 4 {
			if err := account.Expunge(stacks, uid); err != nil {
				t.Fatal(err)
			}
			delete(l.want, uid)
		}
	}
	if l.proxy, err = faultproxy.New(context.Background(), addr, rules...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.proxy.Close)
	host, port, _ := net.SplitHostPort(l.proxy.Addr())
	l.opts = Options{Host: host, User: "user", Security: wire.Plain, Connections: 4,
		Password: func(context.Context) (string, error) { return "secret", nil }}
	if l.opts.Port, err = strconv.Atoi(port); err != nil {
		t.Fatal(err)
	}
	return l
}

// open returns the store, all its connections ready, and a reader of the large folder.
func (l *library) open(t *testing.T) (*Store, mail.Reader) {
	t.Helper()
	s := New(l.opts)
	t.Cleanup(func() { s.Close() })
	s.slices = sliceBounds{from: 1, part: 20_000, hold: 40_000}
	if _, err := s.Folders(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Prepare(t.Context(), s.opts.Connections, math.MaxInt64)
	r, err := s.OpenReaderAhead(t.Context(), stacks, nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	return s, r
}

// read fetches the folder, checks what comes, and calls each for every message.
func (l *library) read(t *testing.T, r mail.Reader, each func(n int) error) (came mail.UIDSet, err error) {
	t.Helper()
	last := mail.UID(0)
	err = r.Fetch(t.Context(), l.uids, func(info mail.Info, body io.Reader) error {
		text, err := io.ReadAll(body)
		if err != nil {
			return err
		}
		if string(text) != l.want[info.UID] || info.Size != int64(len(text)) || info.InternalDate.Unix() != 1_600_000_000 {
			t.Errorf("uid %d: %.40q, %+v", info.UID, text, info)
		}
		if info.UID <= last {
			t.Errorf("uid %d comes after %d", info.UID, last)
		}
		last = info.UID
		came.Add(info.UID)
		return each(came.Len())
	})
	return came, err
}

// until waits for others, who are at work meanwhile.
func until(t *testing.T, done func() bool) {
	t.Helper()
	for start := time.Now(); !done(); runtime.Gosched() {
		if time.Since(start) > 20*time.Second {
			t.Fatal("it does not happen")
		}
	}
}

// allFree makes sure that every connection can be had.
func (l *library) allFree(t *testing.T, s *Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for range s.opts.Connections {
		r, err := s.OpenReader(ctx, stacks)
		if err != nil {
			t.Fatalf("a connection is missing: %v", err)
		}
		defer r.Close()
	}
}

func TestALargeFolderIsReadOverSeveralConnections(t *testing.T) {
	for _, hide := range [][]string{nil, {"STATUS=SIZE"}, {"LIST-STATUS"}} {
		l := newLibrary(t, hide)
		s, r := l.open(t)
		came, err := l.read(t, r, func(n int) error {
			if n == 1 { // the first one comes slowly: that keeps nobody from going on
				until(t, func() bool { return l.proxy.Count("UID FETCH") >= 8 && l.proxy.Count("EXAMINE") == 4 })
			}
			return nil
		})
		if err != nil || came.Len() != len(l.want) {
			t.Errorf("hidden %v: %d of %d messages, %v", hide, came.Len(), len(l.want), err)
		}
		r.Close()
		l.allFree(t, s)
	}
}

// TestALargeFolderIsReadAlone where other connections cannot help.
func TestALargeFolderIsReadAlone(t *testing.T) {
	t.Run("one connection", func(t *testing.T) {
		l := newLibrary(t, nil)
		l.opts.Connections = 1
		_, r := l.open(t)
		defer r.Close()
		if came, err := l.read(t, r, func(int) error { return nil }); err != nil || came.Len() != len(l.want) {
			t.Errorf("%d messages, %v", came.Len(), err)
		}
	})
	t.Run("others are refused", func(t *testing.T) {
		l := newLibrary(t, nil, faultproxy.At(faultproxy.Command("EXAMINE", 2), faultproxy.No("[SERVERBUG] only one")).Always())
		s, r := l.open(t)
		if came, err := l.read(t, r, func(n int) error {
			if n == 1 {
				until(t, s.alone.Load)
			}
			return nil
		}); err != nil || came.Len() != len(l.want) {
			t.Errorf("%d messages, %v", came.Len(), err)
		}
		r.Close()
	})
}

// TestAHelperFails: what was delivered before is right and in order, and the next try goes without help.
func TestAHelperFails(t *testing.T) {
	for _, action := range []faultproxy.Action{faultproxy.Cut(), faultproxy.Reset()} {
		for _, n := range []int{3, 5, 8} {
			l := newLibrary(t, nil, faultproxy.At(faultproxy.Response("UID FETCH", n, 3000), action))
			s, r := l.open(t)
			came, err := l.read(t, r, func(int) error { return nil })
			r.Close()
			if len(l.proxy.Unfired()) > 0 {
				t.Fatal("the fault never struck")
			}
			var e *mail.Error
			if err == nil || !errors.As(err, &e) && !errors.Is(err, io.ErrUnexpectedEOF) || came.Len() == len(l.want) {
				t.Errorf("%v at %d: %d messages, %v", action, n, came.Len(), err)
			}
			l.uids = l.uids.Minus(came)
			if r, err = s.OpenReader(t.Context(), stacks); err != nil {
				t.Fatal(err)
			}
			rest, err := l.read(t, r, func(int) error { return nil })
			if err != nil || came.Len()+rest.Len() != len(l.want) {
				t.Errorf("%v at %d: %d and then %d messages of %d, %v", action, n, came.Len(), rest.Len(), len(l.want), err)
			}
			r.Close()
			l.allFree(t, s)
		}
	}
}

// TestReadingIsStopped by the caller, wherever it is.
func TestReadingIsStopped(t *testing.T) {
	stop := errors.New("enough")
	for _, at := range []int{1, 2, 13, 40, 400, 1300} {
		l := newLibrary(t, nil)
		s, r := l.open(t)
		came, err := l.read(t, r, func(n int) error {
			if n == at {
				return stop
			}
			return nil
		})
		if !errors.Is(err, stop) || came.Len() != at {
			t.Errorf("%d messages, %v", came.Len(), err)
		}
		r.Close()
		l.allFree(t, s)
	}
}

// TestHelpersMakeRoom: whoever needs a connection of his own gets it before the folder has been read.
func TestHelpersMakeRoom(t *testing.T) {
	l := newLibrary(t, nil)
	s, r := l.open(t)
	defer r.Close()
	var opened atomic.Int32
	var others []mail.Reader
	arrived := make(chan mail.Reader, s.opts.Connections)
	_, err := l.read(t, r, func(n int) error {
		if n == 1 {
			until(t, func() bool { return l.proxy.Count("EXAMINE") == 4 })
			for range s.opts.Connections - 1 {
				go func() {
					other, err := s.OpenReader(context.Background(), mail.NewPath("INBOX"))
					if err != nil {
						t.Error(err)
					}
					opened.Add(1)
					arrived <- other
				}()
			}
		}
		if n == 1200 && opened.Load() == 0 {
			t.Error("nobody has made room")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	for range s.opts.Connections - 1 {
		others = append(others, <-arrived)
	}
	for _, other := range others {
		other.Close()
	}
}

// TestTheCallersErrorComesBackAsItIs, whatever is inside it.
func TestTheCallersErrorComesBackAsItIs(t *testing.T) {
	for _, connections := range []int{1, 4} {
		for _, at := range []int{1, 30, 700} {
			l := newLibrary(t, nil)
			l.opts.Connections = connections
			_, r := l.open(t)
			want := fmt.Errorf("wrapped: %w", &mail.Error{Op: "append", Scope: mail.ScopeFolder, Retry: mail.RetryNever, Err: errors.New("full")})
			n := 0
			err := r.Fetch(t.Context(), l.uids, func(mail.Info, io.Reader) error {
				if n++; n == at {
					return want
				}
				return nil
			})
			if err != want {
				t.Errorf("%d connections, message %d: %v", connections, at, err)
			}
			r.Close()
		}
	}
}

// TestNothingIsOnItsWayToNobody: a connection whose reading was given up is not kept with mail still to come.
func TestNothingIsOnItsWayToNobody(t *testing.T) {
	for n := 2; n < 12; n += 2 {
		l := newLibrary(t, nil, faultproxy.At(faultproxy.Command("UID FETCH", n), faultproxy.No("[UNAVAILABLE] later")))
		s, r := l.open(t)
		if _, err := l.read(t, r, func(int) error { return nil }); err == nil {
			t.Errorf("refused at %d, and no error", n)
		}
		r.Close()
		s.pool.mu.Lock()
		idle := slices.Clone(s.pool.idle)
		s.pool.mu.Unlock()
		for _, p := range idle {
			before := p.conn.Traffic().Received
			if err := p.conn.Noop(t.Context()); err != nil {
				t.Error(err)
			}
			if got := p.conn.Traffic().Received - before; got > 1000 {
				t.Errorf("refused at %d: %d octets come to a connection that is idle", n, got)
			}
		}
	}
}

// TestNobodyHelpsWhereTheServerIsFull: whoever needs a connection there does not wait for long.
func TestNobodyHelpsWhereTheServerIsFull(t *testing.T) {
	l := newLibrary(t, nil, faultproxy.At(faultproxy.Connect(3), faultproxy.Bye("Too many connections")).Always())
	_, r := l.open(t)
	defer r.Close()
	if came, err := l.read(t, r, func(int) error { return nil }); err != nil || came.Len() != len(l.want) {
		t.Errorf("%d messages, %v", came.Len(), err)
	}
	if n := l.proxy.Count("EXAMINE"); n != 1 {
		t.Errorf("%d connections have opened the folder", n)
	}
}
