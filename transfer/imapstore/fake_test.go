package imapstore

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"mailferry/transfer/mail"
)

// fake is a server that answers each command as a function says. It keeps
// what it was told.
type fake struct {
	greeting string
	answer   func(tag, command string) string        // the whole answer, "$" for the tag; "pass": as any server
	session  func() func(tag, command string) string // makes the answer of each connection; nil: they share one
	most     int                                     // connections let in at once; 0: any number
	gone     chan struct{}                           // told of each connection that has ended; nil: not

	mu       sync.Mutex
	commands []string
	conns    int // so far
	open     int
	refused  int
}

// hangUp at the end of an answer closes the connection.
const hangUp = "#"

// hello lets a client in without a login.
const hello = "* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+ UIDPLUS NAMESPACE] hello\r\n"

// start serves until the test ends and returns options to connect with.
func (f *fake) start(t *testing.T) Options {
	t.Helper()
	return listen(t, f.serve)
}

// listen serves until the test ends, by when the clients must have gone.
func listen(t *testing.T, serve func(net.Conn)) Options {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { serve(conn) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		wg.Wait()
	})
	addr := listener.Addr().(*net.TCPAddr)
	return Options{Host: "127.0.0.1", Port: addr.Port, Security: Plain, User: "ann", IdleTimeout: 5 * time.Second,
		Password: func(context.Context) (string, error) { return "secret", nil }}
}

func (f *fake) serve(conn net.Conn) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	f.admit(conn, f.converse)
}

// admit serves a connection unless there are as many as may be.
func (f *fake) admit(conn net.Conn, serve func(net.Conn)) {
	if !f.enter() {
		_, _ = io.WriteString(conn, "* BYE Too many connections for this user\r\n")
		return
	}
	defer f.leave()
	serve(conn)
}

func (f *fake) converse(conn net.Conn) {
	if _, err := io.WriteString(conn, f.greeting); err != nil {
		return
	}
	say := f.answer
	if f.session != nil {
		say = f.session()
	}
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		tag, command, _ := strings.Cut(lines.Text(), " ")
		f.mu.Lock()
		f.commands = append(f.commands, command)
		f.mu.Unlock()
		answer, last := strings.CutSuffix(reply(say, tag, command), hangUp)
		if _, err := io.WriteString(conn, strings.ReplaceAll(answer, "$", tag)); err != nil || last {
			return
		}
	}
}

func (f *fake) enter() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.most > 0 && f.open >= f.most {
		f.refused++
		return false
	}
	f.conns++
	f.open++
	return true
}

func (f *fake) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open--
	if f.gone != nil {
		f.gone <- struct{}{}
	}
}

// met returns how many connections have been let in, and how many have not.
func (f *fake) met() (conns, refused int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.conns, f.refused
}

// reply answers what every test needs and leaves the rest to the test.
func reply(answer func(tag, command string) string, tag, command string) string {
	if answer != nil {
		if text := answer(tag, command); text != "pass" {
			return text
		}
	}
	switch {
	case command == "NAMESPACE":
		return "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n$ OK\r\n"
	case strings.HasPrefix(command, "LIST"):
		return "* LIST () \"/\" INBOX\r\n$ OK\r\n"
	}
	return "$ OK\r\n"
}

func (f *fake) said(prefix string) (found []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.commands {
		if strings.HasPrefix(c, prefix) {
			found = append(found, c)
		}
	}
	return found
}

// read opens the INBOX of a fake server for reading.
func (f *fake) read(t *testing.T) mail.Reader {
	t.Helper()
	src := NewSource(f.start(t))
	r, err := src.OpenReader(t.Context(), mail.NewPath("INBOX"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(r.Close(), src.Close()); err != nil {
			t.Error(err)
		}
	})
	return r
}
