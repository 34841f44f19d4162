package imaptest

import (
	"net"
	"sync"
	"time"

	"mailferry/transfer/imapstore/imaptest/framing"
)

// front is the net.Conn that imapserver sees. It stands between the socket and
// imapserver for what imapserver cannot do itself: it counts commands, hides
// capabilities and what belongs to them, does STARTTLS where the octets in the
// clear can still be read, keeps literals from being read as commands, and
// writes many small responses with one system call.
type front struct {
	server *Server
	raw    net.Conn // the socket
	id     int      // number of the connection

	// What follows belongs to the goroutine that reads, which is also the one
	// that writes every tagged response.
	in       *framing.Splitter
	buf      []byte // octets read from the socket
	fresh    []byte // the part of buf not split yet
	pending  []byte // admitted for imapserver and not yet taken by it
	command  framing.Command
	open     bool // the command has no answer yet
	literals int  // of the command, announced so far
	awaiting bool // the client waits for "+" or for an answer
	swallow  bool // what is left of the command is not for imapserver
	loggedIn bool

	mu      sync.Mutex
	conn    net.Conn // the socket, or TLS above it
	secure  bool
	out     []byte
	split   *framing.Splitter
	reading bool // the reading goroutine waits for the client: nothing may stay in out
}

const bufferSize = 64 << 10

func newFront(s *Server, raw, conn net.Conn, id int) *front {
	return &front{
		server: s, raw: raw, conn: conn, id: id,
		secure: raw != conn,
		in:     framing.NewSplitter(framing.Client),
		split:  framing.NewSplitter(framing.Server),
		buf:    make([]byte, bufferSize),
	}
}

func (f *front) offers(capability string) bool {
	return !framing.Hides(f.server.opts.Hide, capability)
}

// Close sends what is still to be sent and ends the connection.
func (f *front) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.flush()
	return f.conn.Close()
}

// abort ends the connection whatever is going on.
func (f *front) abort() { f.raw.Close() }

func (f *front) LocalAddr() net.Addr  { return f.raw.LocalAddr() }
func (f *front) RemoteAddr() net.Addr { return f.raw.RemoteAddr() }

// Deadlines are not kept. imapserver's are absolute and would end a connection
// that a test stalls, or a long literal on a slow line.
func (f *front) SetDeadline(time.Time) error      { return nil }
func (f *front) SetReadDeadline(time.Time) error  { return nil }
func (f *front) SetWriteDeadline(time.Time) error { return nil }
