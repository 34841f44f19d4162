package wire

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// transport gives up when no octet moves for as long as idle, in either direction. It stands below
// TLS, so that handshakes are bounded too. One goroutine may read while another writes.
type transport struct {
	net.Conn
	idle time.Duration

	received, sent atomic.Int64
}

// Read goes on waiting as long as the other direction moves: while a large message is sent on a
// slow line nothing is to be read.
func (t *transport) Read(p []byte) (int, error) {
	for {
		sent := t.sent.Load()
		if err := t.Conn.SetReadDeadline(time.Now().Add(t.idle)); err != nil {
			return 0, err
		}
		n, err := t.Conn.Read(p)
		if n == 0 && errors.Is(err, os.ErrDeadlineExceeded) && t.sent.Load() != sent {
			continue
		}
		t.received.Add(int64(n))
		return n, err
	}
}

// piece is how much has to be sent within the idle time: a large body in memory comes as one Write.
const piece = 256 << 10

// Write gives up when a piece cannot be sent in time.
func (t *transport) Write(p []byte) (sent int, err error) {
	for more := true; more; more = sent < len(p) && err == nil { // at least once
		if err = t.Conn.SetWriteDeadline(time.Now().Add(t.idle)); err != nil {
			return sent, err
		}
		var n int
		n, err = t.Conn.Write(p[sent:min(sent+piece, len(p))])
		t.sent.Add(int64(n))
		sent += n
	}
	return sent, err
}

// SetDeadline and its kin are for the layer above, which must not change ours.
func (t *transport) SetDeadline(time.Time) error      { return nil }
func (t *transport) SetReadDeadline(time.Time) error  { return nil }
func (t *transport) SetWriteDeadline(time.Time) error { return nil }
