package wire

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mailferry/transfer/mail"
)

const selecting = "C: A1 SELECT \"in box\"\nS: * 0 EXISTS\nS: * OK [UIDVALIDITY 9]\nS: * OK [UIDNEXT 1]\n" +
	"S: * OK [PERMANENTFLAGS (\\Seen \\*)]\nS: A1 OK [READ-WRITE] selected\n"

// rider is a folder on a lane, with what became of its messages.
type rider struct {
	*outcomes
	s *Sender
}

func board(t *testing.T, c *Conn) (*Lane, *rider) {
	t.Helper()
	l := c.NewLane()
	t.Cleanup(func() { l.c.cutOffLane(l) })
	return l, ride1(t, l, "in box")
}

// cutOffLane ends a lane whatever it is waiting for.
func (c *Conn) cutOffLane(l *Lane) {
	l.fail(&mail.Error{Op: opAppend, Scope: mail.ScopeStore, Retry: mail.RetryNever, Err: errLoggedOut})
	l.End()
}

func ride1(t *testing.T, l *Lane, raw string) *rider {
	t.Helper()
	s, _, err := l.Enter(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	return &rider{&outcomes{t: t}, s}
}

func (r *rider) send(n int, b *body) error {
	msg := &mail.Message{Body: b, Flags: mail.NewFlags(mail.Seen, "work"),
		InternalDate: time.Date(2020, 2, 1, 10, 20, 30, 0, time.FixedZone("", 3600))}
	return r.s.AppendOne(r.t.Context(), msg, r.done(n, b))
}

func (o *outcomes) done(n int, b *body) Done {
	return func(uid mail.UID, err error) {
		if b.released != 1 {
			o.t.Errorf("message %d: released %d times before done", n, b.released)
		}
		word := fmt.Sprint(uid)
		if err != nil {
			if word = "refused"; mail.ErrorOf(err).Uncertain {
				word = "uncertain"
			}
		}
		o.got = append(o.got, fmt.Sprintf("%d:%s", n, word))
	}
}

// TestLane: what a folder on a lane is told is what one on a connection of its own is told.
func TestLane(t *testing.T) {
	const multi = "LITERAL+ UIDPLUS MULTIAPPEND"
	for name, tc := range map[string]struct {
		script string
		want   []string
	}{
		"one after the other": {offering("LITERAL+ UIDPLUS") + selecting +
			"C: A2 APPEND \"in box\" (\\Seen work) \" 1-Feb-2020 10:20:30 +0100\" {3+}\nC: one\nC: A3 APPEND\nC: two\nC: A4 APPEND\nC: six\n" +
			"S: A2 OK [APPENDUID 9 11]\nS: * 3 EXISTS\nS: A3 OK [APPENDUID 9 12]\nS: A4 OK [APPENDUID 9 13]\nwait",
			[]string{"1:11", "2:12", "3:13"}},
		"all in one command": {offering(multi) + selecting +
			"C: A2 APPEND\nC: one (\\Seen work)\nC: two (\\Seen\nC: six\nS: A2 OK [APPENDUID 9 11:13]\nwait",
			[]string{"1:11", "2:12", "3:13"}},
		"one of a batch refused": {offering(multi) + selecting +
			"C: A2 APPEND\nC: one\nC: two\nC: six\nS: A2 NO [TOOBIG] too big\n" +
			"C: A3 APPEND\nC: one\nC: A4 APPEND\nC: two\nC: A5 APPEND\nC: six\n" +
			"S: A3 OK [APPENDUID 9 11]\nS: A4 NO too big\nS: A5 OK [APPENDUID 9 12]\nwait",
			[]string{"1:11", "2:refused", "3:12"}},
		"UIDs of another folder of that name": {offering("LITERAL+ UIDPLUS") + selecting +
			"C: A2\nC: one\nC: A3\nC: two\nC: A4\nC: six\nS: A2 OK [APPENDUID 10 11]\nS: A3 OK [APPENDUID 9 12]\nS: A4 OK\nwait",
			[]string{"1:0", "2:12", "3:0"}},
		"perhaps": {offering("LITERAL+ UIDPLUS") + selecting +
			"C: A2\nC: one\nC: A3\nC: two\nC: A4\nC: six\nS: A2 NO [UNAVAILABLE] later\nS: A3 OK [APPENDUID 9 1]\nS: A4 NO [OVERQUOTA] full\nwait",
			[]string{"1:uncertain", "2:1", "3:refused"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, r := board(t, dial(t, tc.script))
			for i, text := range []string{"one", "two", "six"} {
				if err := r.send(i+1, newBody(text)); err != nil {
					t.Fatal(err)
				}
			}
			if err := r.s.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			r.want(tc.want...)
		})
	}
}

func TestLaneTells(t *testing.T) {
	l := dial(t, offering("LITERAL+ UIDPLUS")+selecting+
		"C: A2 SELECT \"other\"\nS: * 4 EXISTS\nS: A2 OK [READ-ONLY]\nC: A3 SELECT \"none\"\nS: A3 NO nothing here\nwait").NewLane()
	defer l.End()
	_, sel, err := l.Enter(t.Context(), "in box")
	if err != nil || sel.UIDValidity != 9 || sel.UIDNext != 1 || sel.Exists != 0 || !sel.AnyKeyword {
		t.Errorf("%+v, %v", sel, err)
	}
	_, _, err = l.Enter(t.Context(), "other")
	wantError(t, err, mail.ScopeFolder, mail.RetryNever, mail.KindRefused, "reading only")
	_, _, err = l.Enter(t.Context(), "none")
	wantError(t, err, mail.ScopeFolder, mail.RetryNever, mail.KindNotFound)
	if !l.Healthy() {
		t.Error("the lane is given up for one folder")
	}
}

// TestLaneIsShared: the second folder's messages are sent before the first one's are answered, and
// a folder that is refused takes nothing from the other.
func TestLaneIsShared(t *testing.T) {
	c := dial(t, offering("LITERAL+ UIDPLUS MULTIAPPEND")+selecting+
		"C: A2 SELECT \"b\"\nS: * 0 EXISTS\nS: * OK [UIDVALIDITY 8]\nS: A2 OK\n"+
		"C: A3 APPEND \"in box\"\nC: one (\\Seen work)\nC: two\nC: A4 APPEND \"b\"\nC: six\n"+
		"S: A3 NO [TRYCREATE] where is it\nS: A4 OK [APPENDUID 8 21]\n"+
		"C: A5 APPEND \"b\"\nC: end\nS: A5 OK [APPENDUID 8 22]\nwait")
	l, a := board(t, c)
	b := ride1(t, l, "b")
	for i, text := range []string{"one", "two"} {
		if err := a.send(i+1, newBody(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.s.Push(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.send(1, newBody("six")); err != nil {
		t.Fatal(err)
	}
	if err := b.s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := a.s.Flush(t.Context())
	wantError(t, err, mail.ScopeFolder, mail.RetryNever, mail.KindNotFound)
	a.want("1:refused", "2:refused")
	late := newBody("six")
	if err := a.send(3, late); err == nil || late.opened != 0 {
		t.Error("a folder that is not there was written to again")
	}
	if err := b.send(2, newBody("end")); err != nil {
		t.Fatal(err)
	}
	if err := b.s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.want("1:21", "2:22")
	l.End()
	if !c.Usable() {
		t.Error("the connection is given up")
	}
}

func TestLaneFalls(t *testing.T) {
	const caps = "LITERAL+ UIDPLUS MULTIAPPEND"
	for name, tc := range map[string]struct {
		script string
		want   []string
		retry  mail.Retry
		kind   mail.Kind
	}{
		"cut off":                 {"C: A2\nC: one\nC: two\n", []string{"1:uncertain", "2:uncertain"}, mail.RetrySoon, mail.KindConnect},
		"BYE":                     {"C: A2\nC: one\nC: two\nS: * BYE maintenance", []string{"1:uncertain", "2:uncertain"}, mail.RetrySoon, mail.KindConnect},
		"cut off while resending": {"C: A2\nC: one\nC: two\nS: A2 NO hm\nC: A3\nC: one", []string{"1:uncertain", "2:uncertain"}, mail.RetrySoon, mail.KindConnect},
		"throttled":               {"C: A2\nC: one\nC: two\nS: A2 BAD Request is throttled. Suggested Backoff Time: 299961 milliseconds\nwait", []string{"1:refused", "2:refused"}, mail.RetryLater, mail.KindThrottle},
	} {
		t.Run(name, func(t *testing.T) {
			l, r := board(t, dial(t, offering(caps)+selecting+tc.script))
			for i, text := range []string{"one", "two"} {
				if err := r.send(i+1, newBody(text)); err != nil {
					t.Fatal(err)
				}
			}
			wantError(t, r.s.Flush(t.Context()), mail.ScopeStore, tc.retry, tc.kind)
			r.want(tc.want...)
			if l.Healthy() {
				t.Error("the lane takes more folders")
			}
			if err := r.send(3, newBody("six")); err == nil {
				t.Error("a further Append went through")
			}
			if n := len(r.got); n != 3 {
				t.Errorf("done ran %d times for 3 messages", n)
			}
		})
	}
}

func TestLaneShortBody(t *testing.T) {
	_, r := board(t, dial(t, offering("LITERAL+ UIDPLUS")+selecting+"wait"))
	short := newBody("abc")
	short.size = 10
	wantError(t, r.send(1, short), mail.ScopeStore, mail.RetrySoon, mail.KindOther, "3 octets of 10")
	r.want("1:uncertain")
}

func TestLaneTooLarge(t *testing.T) {
	_, r := board(t, dial(t, offering("LITERAL+ UIDPLUS APPENDLIMIT=4")+selecting+"C: A2\nC: six\nS: A2 OK [APPENDUID 9 1]\nwait"))
	large := newBody("larger")
	for i, b := range []*body{large, newBody("six")} {
		if err := r.send(i+1, b); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r.want("1:refused", "2:1"); large.opened != 0 {
		t.Error("octets of a message that is too large were sent")
	}
}

func TestLaneCancelled(t *testing.T) {
	_, r := board(t, dial(t, offering("LITERAL+ UIDPLUS")+selecting+"C: A2\nC: one\nwait"))
	if err := r.send(1, newBody("one")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if err := r.s.Flush(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Flush: %v", err)
	}
	r.want("1:uncertain")
}

// TestLaneCancelledBeforeAnythingIsSent: what waits for more to go with it waits for nothing when its caller is gone.
func TestLaneCancelledBeforeAnythingIsSent(t *testing.T) {
	_, r := board(t, dial(t, offering("LITERAL+ UIDPLUS MULTIAPPEND")+selecting+"wait"))
	if err := r.send(1, newBody("one")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	two := newBody("two")
	err := r.s.AppendOne(ctx, &mail.Message{Body: two}, r.done(2, two))
	if err = cmp.Or(err, r.s.Flush(t.Context())); !errors.Is(err, context.Canceled) {
		t.Errorf("AppendOne and Flush: %v", err)
	}
	slices.Sort(r.got)
	r.want("1:uncertain", "2:uncertain")
}

// TestLaneCancelledByOne: the folders beside one that is given up may try again.
func TestLaneCancelledByOne(t *testing.T) {
	l, a := board(t, dial(t, offering("LITERAL+ UIDPLUS")+selecting+
		"C: A2 SELECT \"b\"\nS: * 0 EXISTS\nS: * OK [UIDVALIDITY 8]\nS: A2 OK\nwait"))
	b := ride1(t, l, "b")
	if err := errors.Join(a.send(1, newBody("one")), b.send(1, newBody("six"))); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.s.Flush(ctx); !errors.Is(err, context.Canceled) || mail.ErrorOf(err).Retry != mail.RetryNever {
		t.Errorf("Flush: %v", err)
	}
	wantError(t, b.s.Flush(t.Context()), mail.ScopeStore, mail.RetrySoon, mail.KindConnect, "another folder")
	a.want("1:uncertain")
	b.want("1:uncertain")
	if err := a.send(2, newBody("two")); !errors.Is(err, context.Canceled) {
		t.Errorf("afterwards: %v", err)
	}
	if _, _, err := l.Enter(t.Context(), "c"); mail.ErrorOf(err).Retry != mail.RetrySoon {
		t.Errorf("another one: %v", err)
	}
	if _, _, err := l.Enter(ctx, "d"); !errors.Is(err, context.Canceled) {
		t.Errorf("another one that is given up: %v", err)
	}
}

// halting is a connection that says when somebody wants what has not come behind some words, and then lets
// him wait until it is closed.
type halting struct {
	net.Conn
	t      *testing.T
	words  string
	said   []byte // only the goroutine that reads
	wanted func()
	closed chan struct{}
	once   sync.Once
}

func (h *halting) Read(p []byte) (int, error) {
	if strings.HasSuffix(string(h.said), h.words) {
		h.wanted()
		select {
		case <-h.closed:
		case <-time.After(10 * time.Second):
			h.t.Error("nobody gives the connection up")
		}
	}
	n, err := h.Conn.Read(p)
	h.said = append(h.said, p[:n]...)
	return n, err
}

func (h *halting) Close() error {
	h.once.Do(func() { close(h.closed) })
	return h.Conn.Close()
}

// TestLaneCancelledAmidAResponse: a lane can be given up while a response is read that does not end.
func TestLaneCancelledAmidAResponse(t *testing.T) {
	opts := scripted(t, offering("LITERAL+ UIDPLUS")+selecting+"C: A2 APPEND\nC: one\nS: * STATUS {6}\nwait")
	ctx, cancel := context.WithCancel(t.Context())
	line := &halting{t: t, words: "STATUS {6}\r\n", wanted: cancel, closed: make(chan struct{})}
	opts.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		line.Conn = conn
		return line, err
	}
	c, err := Dial(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	_, r := board(t, c)
	if err := r.send(1, newBody("one")); err != nil {
		t.Fatal(err)
	}
	if err := r.s.Flush(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Flush: %v", err)
	}
	r.want("1:uncertain")
}

func TestLaneAbandoned(t *testing.T) {
	for _, sent := range []bool{true, false} {
		l, r := board(t, dial(t, offering("LITERAL+ UIDPLUS MULTIAPPEND")+selecting+"wait"))
		if err := r.send(1, newBody("one")); err != nil {
			t.Fatal(err)
		}
		if sent {
			if err := r.s.Push(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		r.s.Abandon()
		r.want("1:uncertain")
		if l.Healthy() == sent {
			t.Errorf("sent %t: the lane takes more folders: %t", sent, !sent)
		}
	}
}

// TestLaneAbandonedBetween: what a refused command has left over is not sent once more, which somebody
// would have to wait for.
func TestLaneAbandonedBetween(t *testing.T) {
	l, r := board(t, dial(t, offering("LITERAL+ UIDPLUS MULTIAPPEND")+selecting+"C: A2\nC: one\nC: two\nS: A2 NO hm\nwait"))
	for i, text := range []string{"one", "two"} {
		if err := r.send(i+1, newBody(text)); err != nil {
			t.Fatal(err)
		}
	}
	_ = r.s.send()
	l.push()
	l.allAnswered()
	r.s.Abandon()
	if r.want("1:uncertain", "2:uncertain"); !l.Healthy() {
		t.Error("the lane takes no more folders")
	}
}

// TestLanePush: messages go together as long as an answer is awaited in any case, and two folders
// that take turns fill a command each.
func TestLanePush(t *testing.T) {
	l, a := board(t, dial(t, offering("LITERAL+ UIDPLUS MULTIAPPEND")+selecting+
		"C: A2 SELECT \"b\"\nS: * 0 EXISTS\nS: * OK [UIDVALIDITY 8]\nS: A2 OK\n"+
		"C: A3 APPEND \"in box\"\nC: one\nC: A4 APPEND \"b\"\nC: six\n"+
		"C: A5 APPEND \"in box\"\nC: two\nC: few\nC: A6 APPEND \"b\"\nC: ten\nC: all\n"+
		"S: A3 OK [APPENDUID 9 1]\nS: A4 OK [APPENDUID 8 1]\nS: A5 OK [APPENDUID 9 2:3]\nS: A6 OK [APPENDUID 8 2:3]\nwait"))
	b := ride1(t, l, "b")
	for i, texts := range [][2]string{{"one", "six"}, {"two", "ten"}, {"few", "all"}} {
		for k, r := range []*rider{a, b} {
			if err := r.send(i+1, newBody(texts[k])); err != nil {
				t.Fatal(err)
			}
			if err := r.s.Push(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	l.mu.Lock()
	if len(l.queue) != 2 {
		t.Errorf("%d commands are on their way", len(l.queue))
	}
	l.mu.Unlock()
	_ = a.s.send() // what Flush sends, without waiting for the answers
	for _, r := range []*rider{b, a} {
		if err := r.s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.want("1:1", "2:2", "3:3")
	}
}

// TestLaneWindow: two folders together have no more on their way than one connection takes, and
// neither waits for each answer.
func TestLaneWindow(t *testing.T) {
	var script strings.Builder
	script.WriteString(offering("LITERAL+ UIDPLUS") + selecting)
	for i := 2; i <= windowMessages+1; i++ {
		fmt.Fprintf(&script, "C: A%d\nC: one\n", i)
	}
	script.WriteString("S: A2 OK\n") // only now can the next one come
	fmt.Fprintf(&script, "C: A%d\nC: one\n", windowMessages+2)
	for i := 3; i <= windowMessages+2; i++ {
		fmt.Fprintf(&script, "S: A%d OK\n", i)
	}
	script.WriteString("wait")
	_, r := board(t, dial(t, script.String()))
	for i := 1; i <= windowMessages+1; i++ {
		if err := r.send(i, newBody("one")); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(r.got) != windowMessages+1 {
		t.Errorf("%d of %d messages answered", len(r.got), windowMessages+1)
	}
}

// TestLaneAnsweredEarly: a server may refuse a command before its end has been sent.
func TestLaneAnsweredEarly(t *testing.T) {
	c := dial(t, offering("LITERAL+ UIDPLUS MULTIAPPEND")+selecting+
		"C: A2 APPEND\nL: 70000\nS: A2 NO [TOOBIG] stop\nL: 2\nwait")
	l, r := board(t, c)
	if err := r.send(1, newBody(strings.Repeat("x", 70000))); err != nil {
		t.Fatal(err)
	}
	if err := r.s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.want("1:refused")
	if !l.Healthy() || !reflect.DeepEqual(l.queue, []*ride{}) {
		t.Errorf("the lane is given up, or something is left in it: %v", l.queue)
	}
}
