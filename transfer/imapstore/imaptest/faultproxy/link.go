package faultproxy

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"sync"

	"mailferry/transfer/imapstore/imaptest/framing"
)

// errOver ends a direction whose connection a fault has ended.
var errOver = errors.New("the connection is over")

// exchange is a command under way. It belongs to the link's mu, but for rules
// and octets, which belong to the proxy's.
type exchange struct {
	cmd       framing.Command
	complete  bool   // all of it was received
	awaiting  bool   // its literal waits for "+"
	forwarded bool   // the server hears of it
	local     string // otherwise: the proxy's own NO

	rules  []*armed
	octets map[triggerKind]int64 // passed on, of literals and of responses
}

// link is one client's connection and the one to the server.
type link struct {
	proxy   *Proxy
	id      int
	ctx     context.Context // ends with the proxy, or when both directions are over
	client  *net.TCPConn
	backend *net.TCPConn
	up      sink // to the server
	down    sink // to the client

	mu      sync.Mutex
	fromCli *framing.Splitter
	fromSrv *framing.Splitter // of the goroutine that reads from the server
	open    []*exchange       // commands without an answer, oldest first
	over    bool              // a fault ended the connection: what comes is thrown away
	stalled bool

	sending  sync.Mutex // held while something is written to the client; before mu
	boundary bool       // no response to the client is half written
	bye      string     // to be said at the next boundary
}

// serve passes one connection on until both directions have ended.
func (p *Proxy) serve(ctx context.Context, id int, client *net.TCPConn) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer client.Close()
	defer context.AfterFunc(ctx, func() { client.Close() })()

	l := &link{proxy: p, id: id, ctx: ctx, client: client, boundary: true,
		fromCli: framing.NewSplitter(framing.Client),
		fromSrv: framing.NewSplitter(framing.Server)}
	l.down = newSink(ctx, client, p.down)
	defer l.down.close()
	if l.doAll(p.connected(id)) != nil {
		l.drain(client)
		return
	}
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", p.backend)
	if err != nil {
		return
	}
	l.backend = c.(*net.TCPConn)
	defer l.backend.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	l.up = newSink(ctx, l.backend, p.up)
	defer l.up.close()
	l.run()
}

func (l *link) run() {
	var wait sync.WaitGroup
	wait.Add(1)
	go func() {
		defer wait.Done()
		l.pump(l.client, l.fromClient)
		l.up.finish()
	}()
	l.pump(l.backend, l.fromServer)
	l.down.finish()
	wait.Wait()
}

// pump reads from one side until it ends. After a fault that ended the
// connection it throws away what comes, so that the other side reads an orderly
// end and not a reset.
func (l *link) pump(from *net.TCPConn, handle func([]byte) error) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 && handle(buf[:n]) != nil {
			l.drain(from)
			return
		}
		if err != nil {
			return
		}
	}
}

func (l *link) drain(from *net.TCPConn) { io.Copy(io.Discard, from) }

// gate is passed before anything is passed on.
func (l *link) gate() error {
	l.mu.Lock()
	stalled, over := l.stalled, l.over
	l.mu.Unlock()
	if stalled {
		<-l.ctx.Done()
	}
	if stalled || over {
		return errOver
	}
	return nil
}

// oldest is the command that untagged responses belong to.
func (l *link) oldest() *exchange {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.open) == 0 {
		return nil
	}
	return l.open[0]
}

func (l *link) byTag(tag string) *exchange {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.IndexFunc(l.open, func(e *exchange) bool { return e.cmd.Tag == tag && e.forwarded })
	if i < 0 {
		return nil
	}
	return l.open[i]
}

func (l *link) answered(e *exchange) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = slices.DeleteFunc(l.open, func(o *exchange) bool { return o == e })
}
