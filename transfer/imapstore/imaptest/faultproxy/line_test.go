package faultproxy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"mailferry/transfer/imapstore/imaptest"
	. "mailferry/transfer/imapstore/imaptest/faultproxy"
)

func day() time.Time { return time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC) }

func TestConnections(t *testing.T) {
	w := newWorld(t,
		At(Connect(2), Bye("[UNAVAILABLE] too many connections")),
		At(Connect(3), Cut()),
		At(Connect(4), Reset()),
		At(Connect(5), Stall()),
		At(Connect(6), Pause(1)))
	w.login()
	if got := w.dial().end(); got != "* BYE [UNAVAILABLE] too many connections\r\n" {
		t.Errorf("second: %q", got)
	}
	if got := w.dial().end(); got != "" {
		t.Errorf("third: %q", got)
	}
	// A reset may come before the client has finished connecting.
	if c, err := net.Dial("tcp", w.proxy.Addr()); err == nil {
		got, err := io.ReadAll(c)
		if c.Close(); len(got) > 0 || err == nil {
			t.Errorf("fourth: %q, %v", got, err)
		}
	} else if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("fourth: %v", err)
	}
	w.dial().silent()
	w.login()
	if got := w.server.Connections(); got != 2 {
		t.Errorf("%d connections reached the server", got)
	}
	if got := w.proxy.Connections(); got != 6 {
		t.Errorf("%d connections were counted", got)
	}
}

func TestRuleForOneConnection(t *testing.T) {
	w := newWorld(t, At(Command("NOOP", 2), No("here")).Conn(2))
	c, d := w.login(), w.login()
	for _, x := range []*conn{c, c, c, d} {
		x.send("n NOOP\r\n")
		x.until("n OK")
	}
	d.send("n NOOP\r\n")
	d.until("n NO here")
}

func TestHiddenCapabilities(t *testing.T) {
	w := newWorld(t, Hide("UIDPLUS", "LITERAL+", "AUTH"), Hide("NAMESPACE"))
	c := w.dial()
	c.send("a CAPABILITY\r\nl LOGIN ann secret\r\nb CAPABILITY\r\nz LOGOUT\r\n")
	heard := c.end()
	for _, gone := range []string{"UIDPLUS", "LITERAL+", "AUTH=", "NAMESPACE"} {
		if strings.Contains(heard, gone) {
			t.Errorf("%s is still there: %s", gone, heard)
		}
	}
	if strings.Count(heard, "IMAP4rev1") != 4 {
		t.Errorf("something else is gone: %s", heard)
	}
}

func TestDelayIsLatencyAndNotRate(t *testing.T) {
	const up, down = 20 * time.Millisecond, 30 * time.Millisecond
	w := newWorld(t, Delay(up, down))
	c := w.login()
	began := time.Now()
	c.send("n NOOP\r\n")
	c.until("n OK")
	if took := time.Since(began); took < up+down {
		t.Errorf("a round trip took %v", took)
	}
	began = time.Now()
	var all strings.Builder
	for i := range 200 {
		all.WriteString(push(fmt.Sprint("a", i), "x"))
	}
	c.send(all.String())
	c.until("a199 OK")
	if took := time.Since(began); took < up+down || took > 100*(up+down) {
		t.Errorf("200 pipelined commands took %v", took)
	}
	c.send("z LOGOUT\r\n")
	c.end()
}

func TestFaultOnADelayedLine(t *testing.T) {
	w := newWorld(t, Delay(5*time.Millisecond, 5*time.Millisecond), At(Answered("APPEND", 2), Cut()))
	c := w.login()
	c.send(push("a", "one") + push("b", "two"))
	if got := answers(c.end()); got != "a OK" {
		t.Errorf("answers %q", got)
	}
	if got := w.stored(); got != "one two" {
		t.Errorf("stored %q", got)
	}
}

// witness records what Start tells a test.
type witness struct {
	testing.TB
	failures []string
	cleanups []func()
}

func (w *witness) Helper()          {}
func (w *witness) Cleanup(f func()) { w.cleanups = append(w.cleanups, f) }
func (w *witness) Errorf(f string, args ...any) {
	w.failures = append(w.failures, fmt.Sprintf(f, args...))
}
func (w *witness) Fatalf(f string, args ...any) { w.Errorf(f, args...) }

func TestRuleThatNeverStruckFailsTheTest(t *testing.T) {
	w := &witness{}
	Start(w, "127.0.0.1:1",
		At(Command("APPEND", 3), Cut()), At(Inside("APPEND", 1, 5), Reset()), At(Forwarded("NOOP", 1), Stall()),
		At(Response("UID FETCH", 2, 10), Pause(time.Second)), At(Answered("LOGIN", 1), No("no")),
		At(ClientOctets(9), Bye("go")), At(ServerOctets(8), Cut()), At(Connect(1), Cut()), Hide("X", "Y"), Delay(1, 2))
	for _, f := range w.cleanups {
		f()
	}
	want := []string{
		"before APPEND number 3: cut", "5 octets into APPEND number 1: reset", "behind NOOP number 1: stall",
		"10 octets into the response to UID FETCH number 2: pause 1s", "at the answer to LOGIN number 1: NO no",
		"9 octets of the client: BYE go", "8 octets of the server: cut", "connection number 1: cut",
		"hide X, Y", "delay 1ns up, 2ns down",
	}
	for i, f := range want {
		want[i] = "a fault never struck: " + f
	}
	if got := strings.Join(w.failures, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("failures:\n%s", got)
	}
}

func TestRulesWithoutSense(t *testing.T) {
	for _, r := range []Rule{
		{}, At(Command("APPEND", 0), Cut()), At(Connect(0), Cut()), At(Command("APPEND", 1), Action{}),
		At(Forwarded("APPEND", 1), No("too late")), At(Connect(1), No("to what")), At(ClientOctets(-1), Cut()),
	} {
		if p, err := New(t.Context(), "127.0.0.1:1", r); err == nil {
			p.Close()
			t.Errorf("rule %q was taken", r)
		}
	}
	w := &witness{}
	if p := Start(w, "127.0.0.1:1", Rule{}); p != nil || len(w.failures) != 1 {
		t.Errorf("Start took it: %v", w.failures)
	}
}

func TestDisarmed(t *testing.T) {
	w := newWorld(t, At(Command("NOOP", 1), No("harmed")).Always())
	c := w.login()
	c.send("a NOOP\r\nb NOOP\r\n")
	c.until("b NO harmed")
	w.proxy.Disarm()
	c.send("c NOOP\r\n")
	c.until("c OK")
}

func TestServerThatIsNotThere(t *testing.T) {
	s := imaptest.New(imaptest.Options{})
	addr, err := s.Start()
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	w := &world{t: t, proxy: Start(t, addr)}
	if got, _ := w.dial().rest(); got != "" {
		t.Errorf("heard %q", got)
	}
}

func TestEndOfTheContextEndsTheProxy(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	w := newWorld(t)
	p, err := New(ctx, w.proxy.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	c := (&world{t: t, proxy: p}).dial()
	c.until("* OK")
	canceled, stop := context.WithCancel(t.Context())
	stop()
	if err := p.Settle(canceled); !errors.Is(err, context.Canceled) {
		t.Errorf("settled with a client on the line: %v", err)
	}
	cancel()
	if _, err := io.ReadAll(c.r); errors.Is(err, context.DeadlineExceeded) {
		t.Error("the connection outlived the context")
	}
	if err := p.Settle(t.Context()); err != nil {
		t.Error(err)
	}
}
