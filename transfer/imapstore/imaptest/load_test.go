package imaptest_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"mailferry/transfer/imapstore/imaptest"
	"mailferry/transfer/mail"
)

// A client that asks for much and does not read must stop nobody else.
func TestUnreadResponseStopsNobody(t *testing.T) {
	_, a, addr := start(t, imaptest.Options{})
	if _, err := a.Append(inbox, nil, timeOf("2020-01-02"), bytes.Repeat([]byte("x"), 30<<20)); err != nil {
		t.Fatal(err)
	}
	slow := login(t, addr)
	slow.ok("SELECT INBOX")
	slow.send("f FETCH 1 BODY[]\r\n")
	slow.r.ReadByte() // the response has begun
	c := login(t, addr)
	c.ok("SELECT INBOX")
	c.ok(appendCommand("INBOX", "", "x"))
	c.ok("FETCH 2 BODY[]")
	c.ok("STORE 1:* +FLAGS (Work)")
	if err := a.Expunge(inbox, 1); err != nil {
		t.Fatal(err)
	}
	c.ok("NOOP")
}

func TestManySessionsAtOnce(t *testing.T) {
	const sessions, messages = 8, 50
	_, a, addr := start(t, imaptest.Options{})
	clients := make([]*client, sessions)
	for i := range clients {
		clients[i] = login(t, addr)
	}
	var wait sync.WaitGroup
	for i, c := range clients {
		wait.Add(1)
		go func() {
			defer wait.Done()
			c.do("SELECT INBOX")
			for n := range messages {
				c.do(appendCommand("INBOX", "(Work) ", fmt.Sprintf("%d %d", i, n)))
				c.do("UID STORE 1:* +FLAGS (Seen)")
				c.do("FETCH 1:* (FLAGS BODY.PEEK[])")
				a.Messages(inbox)
			}
		}()
	}
	wait.Wait()
	seen := map[string]bool{}
	for i, m := range a.Messages(inbox) {
		if m.UID != mail.UID(i+1) || seen[string(m.Raw)] {
			t.Errorf("message %d: uid %d, %q", i, m.UID, m.Raw)
		}
		seen[string(m.Raw)] = true
	}
	if len(seen) != sessions*messages {
		t.Errorf("%d messages", len(seen))
	}
}

// TestManyMessages appends to a folder that its own and another session have
// selected, which is where the cost of telling them could grow with the square.
func TestManyMessages(t *testing.T) {
	n := 30_000
	_, a, addr := start(t, imaptest.Options{})
	c, d := login(t, addr), login(t, addr)
	c.ok("SELECT INBOX")
	d.ok("SELECT INBOX")
	c.conn.SetDeadline(time.Now().Add(2 * time.Minute))
	d.conn.SetDeadline(time.Now().Add(2 * time.Minute))

	timed := func(what string, limit time.Duration, fn func()) {
		t.Helper()
		began := time.Now()
		fn()
		took := time.Since(began)
		t.Logf("%s: %v, %.0f a second", what, took.Round(time.Millisecond), float64(n)/took.Seconds())
		if took > limit {
			t.Errorf("%s took %v", what, took)
		}
	}
	const limit = 30 * time.Second // quadratic work would take minutes
	timed("append", limit, func() {
		sent := make(chan error, 1)
		go func() {
			_, err := io.WriteString(c.conn, manyAppends(n))
			sent <- err
		}()
		for ok := 0; ok < n; {
			if line := c.line(); strings.HasPrefix(line, "a OK") {
				ok++
			}
		}
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
	})
	timed("hear of all", limit, func() {
		if got := d.ok("NOOP"); len(got) != 1 || got[0] != fmt.Sprintf("* %d EXISTS", n) {
			t.Errorf("heard %.100q", got)
		}
	})
	timed("fetch all", limit, func() {
		if got := d.ok("UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"); len(got) != n {
			t.Errorf("%d answers", len(got))
		}
	})
	timed("flag all", limit, func() { c.ok(`UID STORE 1:* +FLAGS.SILENT (\Seen)`) })
	timed("hear of all flags", limit, func() {
		if got := d.ok("NOOP"); len(got) != n {
			t.Errorf("%d answers", len(got))
		}
	})
	timed("status", time.Second, func() { c.ok("STATUS INBOX (MESSAGES UNSEEN SIZE)") })
	timed("expunge all", limit, func() {
		c.ok(`UID STORE 1:* +FLAGS.SILENT (\Deleted)`)
		c.ok("EXPUNGE")
	})
	if got := len(a.Messages(inbox)); got != 0 {
		t.Errorf("%d messages are left", got)
	}
}

func manyAppends(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("a " + appendCommand("INBOX", "", fmt.Sprintf("Subject: %d\r\n\r\n", i)) + "\r\n")
	}
	return b.String()
}

func TestCloseEndsEveryConnection(t *testing.T) {
	s, _, addr := start(t, imaptest.Options{})
	idle, begun := login(t, addr), login(t, addr)
	idle.send("i IDLE\r\n")
	idle.line()
	begun.send("a APPEND INBOX {1000+}\r\nhalf")
	dial(t, addr)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("the second time: %v", err)
	}
	for _, c := range []*client{idle, begun} {
		if line, err := c.tryLine(); err == nil {
			t.Errorf("still says %q", line)
		}
	}
	if _, err := s.Start(); err == nil {
		t.Error("started again")
	}
}

func TestDropLeavesTheServerUp(t *testing.T) {
	s, a, addr := start(t, imaptest.Options{})
	c := login(t, addr)
	c.ok(appendCommand("INBOX", "", "kept"))
	s.Drop()
	if line, err := c.tryLine(); err == nil {
		t.Errorf("still says %q", line)
	}
	login(t, addr).ok("SELECT INBOX")
	if got := len(a.Messages(inbox)); got != 1 {
		t.Errorf("%d messages", got)
	}
}

// A hook may wait for what its client does with the answers to commands before.
func TestHookThatWaitsForTheClient(t *testing.T) {
	_, a, addr := start(t, imaptest.Options{})
	release := make(chan struct{})
	first := true
	a.OnAppend(func(_ mail.Path, raw []byte) ([]byte, error) {
		if !first {
			<-release
		}
		first = false
		return raw, nil
	})
	c := login(t, addr)
	c.send("a " + appendCommand("INBOX", "", "1") + "\r\nb " + appendCommand("INBOX", "", "2") + "\r\n")
	if got := c.line(); !strings.HasPrefix(got, "a OK") {
		t.Errorf("heard %q", got)
	}
	close(release)
	if got := c.line(); !strings.HasPrefix(got, "b OK") {
		t.Errorf("heard %q", got)
	}
}
