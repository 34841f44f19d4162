package imaptest_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"mailferry/transfer/imapstore/imaptest"
)

// client speaks IMAP by hand, so that a test says exactly what is sent and sees
// exactly what comes.
type client struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
	tag  int
}

func start(t *testing.T, opts imaptest.Options) (*imaptest.Server, *imaptest.Account, string) {
	t.Helper()
	s := imaptest.New(opts)
	a := s.AddUser("ann", "secret")
	addr, err := s.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, a, addr
}

// dial connects and reads the greeting.
func dial(t *testing.T, addr string) *client {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c := &client{t: t, conn: conn, r: bufio.NewReader(conn)}
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	if line := c.line(); !strings.HasPrefix(line, "* OK ") {
		t.Fatalf("greeting: %q", line)
	}
	return c
}

func login(t *testing.T, addr string) *client {
	t.Helper()
	c := dial(t, addr)
	c.ok("LOGIN ann secret")
	return c
}

// line reads one line and puts literals into it as they come.
func (c *client) line() string {
	c.t.Helper()
	line, err := c.tryLine()
	if err != nil {
		c.t.Fatalf("after %q: %v", line, err)
	}
	return line
}

func (c *client) tryLine() (string, error) {
	var b strings.Builder
	for {
		part, err := c.r.ReadString('\n')
		part = strings.TrimSuffix(part, "\r\n")
		b.WriteString(part)
		if err != nil {
			return b.String(), err
		}
		open := strings.LastIndexByte(part, '{')
		if open < 0 || !strings.HasSuffix(part, "}") {
			return b.String(), nil
		}
		n, err := strconv.Atoi(part[open+1 : len(part)-1])
		if err != nil {
			return b.String(), nil
		}
		literal := make([]byte, n)
		if _, err := io.ReadFull(c.r, literal); err != nil {
			return b.String(), err
		}
		b.Write(literal)
	}
}

func (c *client) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, text); err != nil {
		c.t.Fatal(err)
	}
}

// do sends a command and returns the untagged lines and the tagged one without
// its tag.
func (c *client) do(command string) (untagged []string, answer string) {
	c.t.Helper()
	c.tag++
	tag := fmt.Sprintf("t%d", c.tag)
	c.send(tag + " " + command + "\r\n")
	for {
		line := c.line()
		if rest, ok := strings.CutPrefix(line, tag+" "); ok {
			return untagged, rest
		}
		untagged = append(untagged, line)
	}
}

func (c *client) ok(command string) []string {
	c.t.Helper()
	untagged, answer := c.do(command)
	if !strings.HasPrefix(answer, "OK") {
		c.t.Fatalf("%s: %s", command, answer)
	}
	return untagged
}

// refused fails unless the answer begins with want.
func (c *client) refused(command, want string) {
	c.t.Helper()
	if _, answer := c.do(command); !strings.HasPrefix(answer, want) {
		c.t.Errorf("%s: answer %q, want %q", command, answer, want)
	}
}

// appendCommand is an APPEND with a literal that does not wait.
func appendCommand(folder, rest, raw string) string {
	return fmt.Sprintf("APPEND %s %s{%d+}\r\n%s", folder, rest, len(raw), raw)
}

func find(lines []string, part string) string {
	for _, l := range lines {
		if strings.Contains(l, part) {
			return l
		}
	}
	return ""
}
