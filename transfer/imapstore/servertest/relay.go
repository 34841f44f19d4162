package servertest

import (
	"context"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
)

// Log is what clients sent through a Relay.
type Log struct {
	mu       sync.Mutex
	commands []Command
	opaque   bool
	bytesIn  int64
	bytesOut int64
	conns    int
}

// Command is one command of a client without its literals.
type Command struct {
	Conn int    // connections are counted from 1
	Name string // in capitals; "UID STORE" and the like in two words
	Line string // as sent, with the passwords of LOGIN and AUTHENTICATE left out
}

// Commands returns what was sent so far, in order of arrival.
func (l *Log) Commands() []Command {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.commands)
}

// Count tells how often a command of one of these names was sent.
func (l *Log) Count(names ...string) int {
	n := 0
	for _, c := range l.Commands() {
		if slices.Contains(names, c.Name) {
			n++
		}
	}
	return n
}

// Changes returns the commands that could have changed something at the server:
// everything but those known to be harmless.
func (l *Log) Changes() []Command {
	return slices.DeleteFunc(l.Commands(), func(c Command) bool { return harmless(c.Name) })
}

// harmless names the commands that change nothing but the client's own session.
func harmless(name string) bool {
	switch name {
	case "CAPABILITY", "NOOP", "LOGOUT", "LOGIN", "AUTHENTICATE", "STARTTLS", "ID", "ENABLE", "COMPRESS",
		"NAMESPACE", "LIST", "LSUB", "STATUS", "EXAMINE", "UNSELECT", "FETCH", "UID FETCH", "SEARCH",
		"UID SEARCH", "GETQUOTA", "GETQUOTAROOT", "MYRIGHTS", "IDLE":
		return true
	}
	return false
}

// Opaque reports whether a connection went over to TLS or compression, after
// which its commands cannot be seen.
func (l *Log) Opaque() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.opaque
}

// Connections counts the connections so far.
func (l *Log) Connections() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conns
}

// Octets counts what went to the server and came from it.
func (l *Log) Octets() (toServer, fromServer int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytesOut, l.bytesIn
}

// Relay passes connections on to backend and records the commands, until the
// test ends.
func Relay(t testing.TB, backend string) (addr string, log *Log) {
	t.Helper()
	addr, log, stop, err := RunRelay(backend)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("stop relay: %v", err)
		}
	})
	return addr, log
}

// RunRelay is Relay without a test. stop ends the connections and waits.
func RunRelay(backend string) (addr string, log *Log, stop func() error, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, nil, err
	}
	log = &Log{}
	s := &socketServer{open: map[net.Conn]bool{}}
	s.serve(l, func(client net.Conn) error { return log.relay(client, backend) })
	return l.Addr().String(), log, s.stop, nil
}

func (l *Log) relay(client net.Conn, backend string) error {
	var d net.Dialer
	server, err := d.DialContext(context.Background(), "tcp", backend)
	if err != nil {
		return err
	}
	defer server.Close()
	l.mu.Lock()
	l.conns++
	t := &tap{log: l, conn: l.conns}
	l.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = pump(client, server, t.fromServer) // the client sees the end
		client.Close()
	}()
	err = pump(server, client, t.fromClient)
	server.Close()
	<-done
	return err
}

// pump hands each piece to look before it passes it on.
func pump(dst io.Writer, src io.Reader, look func([]byte)) error {
	buf := make([]byte, 32<<10)
	for {
		n, err := src.Read(buf)
		if n > 0 {
			look(buf[:n])
			if _, err := dst.Write(buf[:n]); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
}
