package faultproxy_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"mailferry/transfer/imapstore/imaptest"
	"mailferry/transfer/imapstore/imaptest/faultproxy"
	"mailferry/transfer/mail"
)

var inbox = mail.NewPath("INBOX")

// world is a server, a proxy in front of it, and what is in the server's INBOX.
type world struct {
	t      *testing.T
	server *imaptest.Server
	ann    *imaptest.Account
	proxy  *faultproxy.Proxy
}

func newWorld(t *testing.T, rules ...faultproxy.Rule) *world {
	t.Helper()
	w := &world{t: t, server: imaptest.New(imaptest.Options{UIDValidity: 7})}
	w.ann = w.server.AddUser("ann", "secret")
	addr, err := w.server.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.server.Close() })
	w.proxy = faultproxy.Start(t, addr, rules...)
	return w
}

// stored lists the bodies in the INBOX when all connections are over.
func (w *world) stored() string {
	w.t.Helper()
	if err := w.proxy.Settle(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	var all []string
	for _, m := range w.ann.Messages(inbox) {
		all = append(all, string(m.Raw))
	}
	return strings.Join(all, " ")
}

type conn struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

func (w *world) dial() *conn {
	w.t.Helper()
	c, err := net.Dial("tcp", w.proxy.Addr())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return &conn{w.t, c, bufio.NewReader(c)}
}

// login leaves the connection behind the answer to LOGIN.
func (w *world) login() *conn {
	w.t.Helper()
	c := w.dial()
	c.send("l LOGIN ann secret\r\n")
	if got := c.until("l "); !strings.Contains(got, "\nl OK") {
		w.t.Fatalf("login: %q", got)
	}
	return c
}

func (c *conn) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
}

// until reads lines up to the one that begins with prefix.
func (c *conn) until(prefix string) string {
	c.t.Helper()
	var all strings.Builder
	for {
		line, err := c.r.ReadString('\n')
		all.WriteString(line)
		if err != nil {
			c.t.Fatalf("waiting for %q: %v after %q", prefix, err, all.String())
		}
		if strings.HasPrefix(line, prefix) {
			return all.String()
		}
	}
}

// rest reads to the end and closes the connection.
func (c *conn) rest() (string, error) {
	data, err := io.ReadAll(c.r)
	c.Close()
	return string(data), err
}

// end is rest for a connection that ends in order.
func (c *conn) end() string {
	c.t.Helper()
	text, err := c.rest()
	if err != nil {
		c.t.Fatalf("the connection did not end in order: %v", err)
	}
	return text
}

// silent fails if anything comes, or the connection ends, for a short while.
func (c *conn) silent() {
	c.t.Helper()
	c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if b, err := c.r.ReadByte(); !errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Errorf("the line is not silent: %q, %v", b, err)
	}
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
}

func push(tag, raw string) string {
	return fmt.Sprintf("%s APPEND INBOX {%d+}\r\n%s\r\n", tag, len(raw), raw)
}

// answers keeps the tagged lines, without their texts.
func answers(text string) string {
	var out []string
	for line := range strings.Lines(text) {
		tag, rest, _ := strings.Cut(line, " ")
		word, _, _ := strings.Cut(rest, " ")
		if tag != "*" && tag != "+" {
			out = append(out, tag+" "+word)
		}
	}
	return strings.Join(out, ", ")
}
