package wire

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2/imapclient"
)

// library is go-imap's client on our connection, and the net.Conn it sees. Its
// reader takes octets from the connection only while one of its own commands is
// unanswered; at all other times the connection is ours.
//
// It is shown tagged replies without their codes, and nothing untagged: its
// parser gives up at the first line it does not know, and of the commands it is
// used for only the outcome matters. Replies in full are kept here.
type library struct {
	c      *Conn
	client *imapclient.Client

	mu      sync.Mutex
	wake    *sync.Cond
	waiting int // commands written and not answered
	closed  bool

	failed error // why reading or writing did

	in      []byte // for the library to read
	out     []byte // of the line it is writing
	refused Reply  // the first that was not OK
}

// useLibrary starts the client on first use. Conn.Close ends it.
func (c *Conn) useLibrary() *library {
	if c.lib == nil {
		l := &library{c: c, in: []byte("* PREAUTH [CAPABILITY " + strings.Join(c.libraryCaps(), " ") + "] go\r\n")}
		l.wake = sync.NewCond(&l.mu)
		l.client = imapclient.New(l, nil)
		c.lib = l
		_ = l.client.WaitGreeting() // it is in l.in
	}
	return c.lib
}

// libraryCaps hides IMAP4rev2, upon whose mere mention the library would send
// names in UTF-8, and everything it would act on by itself.
func (c *Conn) libraryCaps() []string {
	caps := []string{"IMAP4rev1"}
	for _, name := range []string{"UIDPLUS", "SPECIAL-USE", "CREATE-SPECIAL-USE", "CONDSTORE"} {
		if c.caps.Has(name) {
			caps = append(caps, name)
		}
	}
	return caps
}

// do runs one command of the library.
func (c *Conn) do(ctx context.Context, op string, command func(*imapclient.Client) error) error {
	if err := c.ready(ctx, op); err != nil {
		return err
	}
	defer c.watch(ctx)()
	l := c.useLibrary()
	l.refused = Reply{}
	err := command(l.client)
	switch failed := l.failure(); {
	case failed != nil:
		return c.lost(op, failed)
	case err == nil:
		return nil
	case l.refused.Status == "":
		return c.outOfStep(op, err)
	}
	return classify(op, l.refused)
}

func (l *library) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}

func (l *library) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed == nil {
		l.failed = err
	}
}

// Read gives the library what it may see.
func (l *library) Read(p []byte) (int, error) {
	if len(l.in) == 0 {
		if err := l.await(); err != nil {
			return 0, err
		}
		if err := l.readReply(); err != nil {
			l.fail(err)
			return 0, err
		}
	}
	n := copy(p, l.in)
	l.in = l.in[n:]
	return n, nil
}

// await blocks until a command is on its way.
func (l *library) await() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.waiting == 0 && !l.closed {
		l.wake.Wait()
	}
	if l.closed {
		return net.ErrClosed
	}
	return nil
}

// readReply reads up to the next tagged reply.
func (l *library) readReply() error {
	for {
		s, err := l.c.rd.next()
		if err != nil {
			return err
		}
		if s.Tag != "*" && isStatus(s.Name) {
			rep := s.reply()
			if l.c.nobodyWaits(s.Tag) {
				continue
			}
			if !rep.OK() && l.refused.Status == "" {
				l.refused = rep
			}
			l.in = []byte(s.Tag + " " + rep.Status + " done\r\n")
			l.mu.Lock()
			l.waiting--
			l.mu.Unlock()
			return nil
		}
		if s.Tag == "*" {
			l.c.note(s)
		}
		if err := s.finish(); err != nil {
			return err
		}
	}
}

// Write sends what the library writes and counts its commands. None of them
// holds a literal: names are ASCII in modified UTF-7.
func (l *library) Write(p []byte) (int, error) {
	l.out = append(l.out, p...)
	commands := 0
	for {
		line, rest, whole := bytes.Cut(l.out, []byte("\r\n"))
		if !whole {
			break
		}
		l.c.rd.trace.line("C", line)
		l.out = rest
		commands++
	}
	n, err := l.c.bw.Write(p)
	if err == nil {
		err = l.c.bw.Flush()
	}
	if err != nil {
		l.fail(err)
	}
	l.mu.Lock()
	l.waiting += commands
	l.mu.Unlock()
	l.wake.Signal()
	return n, err
}

// Close ends the library's reader. The socket is closed by its owner.
func (l *library) Close() error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.wake.Broadcast()
	return nil
}

// The deadlines are the transport's.
func (l *library) SetDeadline(time.Time) error      { return nil }
func (l *library) SetReadDeadline(time.Time) error  { return nil }
func (l *library) SetWriteDeadline(time.Time) error { return nil }
func (l *library) LocalAddr() net.Addr              { return l.c.sock.LocalAddr() }
func (l *library) RemoteAddr() net.Addr             { return l.c.sock.RemoteAddr() }

// stop ends the client and waits for its reader.
func (l *library) stop() {
	if err := l.client.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return // how a client that is thrown away felt about it concerns nobody
	}
}
