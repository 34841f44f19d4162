package faultproxy

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"mailferry/transfer/imapstore/imaptest/framing"
)

// Proxy passes connections on to one server.
type Proxy struct {
	backend  string
	listener net.Listener
	cancel   context.CancelFunc
	wait     sync.WaitGroup
	up, down time.Duration

	mu       sync.Mutex
	rules    []*armed
	conns    int
	open     int
	idle     chan struct{} // closed while open is 0
	commands []framing.Command
}

// armed is a rule and how far it is.
type armed struct {
	Rule
	seen  int   // occurrences of what it counts
	count int64 // octets of what it counts
	fired int
	off   bool
}

// New listens on a free port of 127.0.0.1 for clients of the server at backend
// until ctx ends or Close is called.
func New(ctx context.Context, backend string, rules ...Rule) (*Proxy, error) {
	p := &Proxy{backend: backend, idle: make(chan struct{})}
	close(p.idle)
	for _, r := range rules {
		if err := r.check(); err != nil {
			return nil, err
		}
		p.rules = append(p.rules, &armed{Rule: r})
		p.up += r.up
		p.down += r.down
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	p.listener = ln
	ctx, p.cancel = context.WithCancel(ctx)
	p.wait.Add(1)
	go func() {
		defer p.wait.Done()
		defer context.AfterFunc(ctx, func() { ln.Close() })()
		p.accept(ctx)
	}()
	return p, nil
}

// Addr is where clients connect to.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Close ends every connection and waits for all goroutines. Calling it twice is
// allowed.
func (p *Proxy) Close() {
	p.cancel()
	p.listener.Close()
	p.wait.Wait()
}

// Unfired lists the rules that have not struck so far.
func (p *Proxy) Unfired() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for _, r := range p.rules {
		if r.fired == 0 {
			out = append(out, r.String())
		}
	}
	return out
}

// Disarm lets no rule strike any more. What is hidden stays hidden, and delays
// stay.
func (p *Proxy) Disarm() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.rules {
		r.off = true
	}
}

// Commands lists the names of the commands seen so far, forwarded or not.
func (p *Proxy) Commands() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]string, len(p.commands))
	for i, c := range p.commands {
		out[i] = c.Name
	}
	return out
}

// Count tells how many commands of these names were seen, forwarded or not.
func (p *Proxy) Count(names ...string) int {
	n := 0
	for _, c := range p.Commands() {
		if slices.Contains(names, c) {
			n++
		}
	}
	return n
}

// Connections tells how many connections were accepted so far.
func (p *Proxy) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.conns
}

func (p *Proxy) accept(ctx context.Context) {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		id := p.enter()
		p.wait.Add(1)
		go func() {
			defer p.wait.Done()
			defer p.leave()
			p.serve(ctx, id, c.(*net.TCPConn))
		}()
	}
}

func (p *Proxy) enter() (id int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns++
	if p.open == 0 {
		p.idle = make(chan struct{})
	}
	p.open++
	return p.conns
}

func (p *Proxy) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open--; p.open == 0 {
		close(p.idle)
	}
}

// Settle waits until every connection is over at both ends. When the clients
// have closed theirs, the server has then executed all that it ever got, so
// that what took effect can be looked at.
func (p *Proxy) Settle(ctx context.Context) error {
	p.mu.Lock()
	idle := p.idle
	p.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
