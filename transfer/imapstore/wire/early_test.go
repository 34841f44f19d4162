package wire

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"mailferry/transfer/mail"
)

// lingering is a body that stops before its last octets until the command it belongs to has been answered.
// Like one that lies in a file, it cannot be read once it is released.
type lingering struct {
	t        *testing.T
	size     int
	lane     *Lane
	released atomic.Int32
}

func (b *lingering) Size() int64                  { return int64(b.size) }
func (b *lingering) Release()                     { b.released.Add(1) }
func (b *lingering) Open() (io.ReadCloser, error) { return io.NopCloser(&lingeringReader{b: b}), nil }

type lingeringReader struct {
	b    *lingering
	read int
}

// beforeTheEnd is more than the buffer of a connection holds back.
const beforeTheEnd = 10

func (r *lingeringReader) Read(p []byte) (int, error) {
	left := r.b.size - r.read
	if left == 0 {
		return 0, io.EOF
	}
	if left > beforeTheEnd {
		left -= beforeTheEnd
	} else {
		r.b.lane.allAnswered()
	}
	if r.b.released.Load() > 0 {
		r.b.t.Error("a body is read after its release")
		return 0, os.ErrClosed
	}
	n := min(left, len(p))
	copy(p, strings.Repeat("x", n))
	r.read += n
	return n, nil
}

// allAnswered waits until everything that was sent has been answered, or never will be.
func (l *Lane) allAnswered() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.queue) > 0 {
		l.moved.Wait()
	}
}

// told sends a message and notes what becomes of it.
func (r *rider) told(n int, b mail.Body) error {
	return r.s.AppendOne(r.t.Context(), &mail.Message{Body: b}, func(uid mail.UID, err error) {
		switch {
		case err == nil:
			r.got = append(r.got, fmt.Sprintf("%d:%d", n, uid))
		case mail.ErrorOf(err).Uncertain:
			r.got = append(r.got, fmt.Sprintf("%d:uncertain", n))
		default:
			r.got = append(r.got, fmt.Sprintf("%d:refused", n))
		}
	})
}

// TestLaneEarlyOK: messages are not taken for stored as long as not all of their command has been sent,
// whatever the server says.
func TestLaneEarlyOK(t *testing.T) {
	l, r := board(t, dial(t, offering("LITERAL+ UIDPLUS MULTIAPPEND")+selecting+
		"C: A2 APPEND\nL: 65000\nS: A2 OK [APPENDUID 9 11:13]\nwait"))
	long, rest := &lingering{t: t, size: 70000, lane: l}, []*body{newBody("two"), newBody("six")}
	for i, b := range []mail.Body{long, rest[0], rest[1]} {
		if err := r.told(i+1, b); err != nil {
			t.Fatal(err)
		}
	}
	wantError(t, r.s.Flush(t.Context()), mail.ScopeStore, mail.RetrySoon, mail.KindProtocol, errEarlyOK.Error())
	if r.want("1:uncertain", "2:uncertain", "3:uncertain"); l.Healthy() {
		t.Error("the lane takes more folders")
	}
	if long.released.Load() != 1 || rest[0].released != 1 || rest[1].released != 1 {
		t.Errorf("released %d, %d and %d times", long.released.Load(), rest[0].released, rest[1].released)
	}
}

// TestLaneEarlyNo: a body is not released while it is being read, so that a refusal which comes meanwhile
// is the message's alone.
func TestLaneEarlyNo(t *testing.T) {
	l, a := board(t, dial(t, offering("LITERAL+ UIDPLUS")+selecting+
		"C: A2 SELECT \"b\"\nS: * 0 EXISTS\nS: * OK [UIDVALIDITY 8]\nS: A2 OK\n"+
		"C: A3 APPEND \"in box\"\nL: 65000\nS: A3 NO [OVERQUOTA] full\nL: 5000\nC:\n"+
		"C: A4 APPEND \"b\"\nC: six\nS: A4 OK [APPENDUID 8 21]\nwait"))
	b := ride1(t, l, "b")
	long := &lingering{t: t, size: 70000, lane: l}
	if err := a.told(1, long); err != nil {
		t.Fatal(err)
	}
	if err := b.send(1, newBody("six")); err != nil {
		t.Fatal(err)
	}
	for _, r := range []*rider{a, b} {
		if err := r.s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	a.want("1:refused")
	b.want("1:21")
	if !l.Healthy() || long.released.Load() != 1 {
		t.Errorf("healthy: %t; released %d times", l.Healthy(), long.released.Load())
	}
}

// TestLaneEndsAmidABody: a body is not released while it is being read when the connection ends, either.
func TestLaneEndsAmidABody(t *testing.T) {
	l, r := board(t, dial(t, offering("LITERAL+ UIDPLUS")+selecting+"C: A2 APPEND\nL: 65000"))
	long := &lingering{t: t, size: 70000, lane: l}
	_ = r.told(1, long) // it may be told that early
	wantError(t, r.s.Flush(t.Context()), mail.ScopeStore, mail.RetrySoon, mail.KindConnect)
	if r.want("1:uncertain"); long.released.Load() != 1 {
		t.Errorf("released %d times", long.released.Load())
	}
}
