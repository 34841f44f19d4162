package wire

import (
	"bufio"
	"compress/flate"
	"io"
	"net"
	"strconv"
	"sync/atomic"
)

// Traffic is what a connection has cost.
type Traffic struct {
	RoundTrips int   // times something was sent and an answer waited for, since the TLS handshake
	Received   int64 // octets on the wire, TLS and compression included
	Sent       int64
}

// Traffic returns what the connection has cost so far.
func (c *Conn) Traffic() Traffic {
	t := Traffic{RoundTrips: int(c.turns.count.Load())}
	if sock, ok := c.sock.(*transport); ok {
		t.Received, t.Sent = sock.received.Load(), sock.sent.Load()
	}
	return t
}

// turns counts how often a conversation changes from speaking to listening.
type turns struct {
	net.Conn
	trace *tracer
	spoke atomic.Bool
	count atomic.Int64
}

func (t *turns) Read(p []byte) (int, error) {
	if t.spoke.CompareAndSwap(true, false) {
		t.trace.note("round trip " + strconv.FormatInt(t.count.Add(1), 10))
	}
	return t.Conn.Read(p)
}

func (t *turns) Write(p []byte) (int, error) {
	t.spoke.Store(true)
	return t.Conn.Write(p)
}

// outlet collects what is written, and compresses it if the server was asked to.
// Nothing is certain to have left before Flush.
type outlet struct {
	*bufio.Writer
	deflate *flate.Writer // nil: not compressed
	held    *held
}

// held knows whether the compressor holds something back.
type held struct {
	w   io.Writer
	any bool
}

func (h *held) Write(p []byte) (int, error) {
	h.any = true
	return h.w.Write(p)
}

func newOutlet(w io.Writer) *outlet {
	return &outlet{Writer: bufio.NewWriterSize(w, bufferSize)}
}

// newDeflating is for a server that has agreed to RFC 4978.
func newDeflating(w io.Writer) *outlet {
	// The level is one that flate takes.
	deflate, _ := flate.NewWriter(w, flate.BestSpeed)
	h := &held{w: deflate}
	return &outlet{Writer: bufio.NewWriterSize(h, bufferSize), deflate: deflate, held: h}
}

// pending reports whether Flush has anything to do.
func (o *outlet) pending() bool { return o.Buffered() > 0 || o.held != nil && o.held.any }

// Flush sends everything, up to an octet's border that the other side can
// decompress up to.
func (o *outlet) Flush() error {
	if err := o.Writer.Flush(); err != nil || o.held == nil || !o.held.any {
		return err
	}
	o.held.any = false
	return o.deflate.Flush()
}
