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
	answer   func(tag, command string) string // the whole answer, "$" for the tag; "pass": as any server

	mu       sync.Mutex
	commands []string
	conns    int
}

// hangUp at the end of an answer closes the connection.
const hangUp = "#"

// hello lets a client in without a login.
const hello = "* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+ UIDPLUS NAMESPACE] hello\r\n"

// start serves until the test ends and returns options to connect with.
func (f *fake) start(t *testing.T) Options {
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
			wg.Go(func() { f.serve(conn) })
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
	f.mu.Lock()
	f.conns++
	f.mu.Unlock()
	if _, err := io.WriteString(conn, f.greeting); err != nil {
		return
	}
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		tag, command, _ := strings.Cut(lines.Text(), " ")
		f.mu.Lock()
		f.commands = append(f.commands, command)
		f.mu.Unlock()
		answer, last := strings.CutSuffix(f.reply(tag, command), hangUp)
		if _, err := io.WriteString(conn, strings.ReplaceAll(answer, "$", tag)); err != nil || last {
			return
		}
	}
}

// reply answers what every test needs and leaves the rest to the test.
func (f *fake) reply(tag, command string) string {
	if f.answer != nil {
		if text := f.answer(tag, command); text != "pass" {
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
