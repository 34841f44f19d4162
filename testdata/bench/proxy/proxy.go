// Package proxy puts distance between a client and a server: every octet arrives
// later by a fixed time, and nothing else about the line changes. On the way it
// counts octets and round trips.
package proxy

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Proxy listens on loopback and hands what comes to one server.
type Proxy struct {
	listener net.Listener
	target   string
	meter    *Meter
	delay    atomic.Int64

	mu    sync.Mutex
	conns map[net.Conn]bool
	gone  *sync.Cond // a connection ended
	all   sync.WaitGroup
}

// Listen starts a proxy in front of target (host:port) without a delay. The
// caller closes it.
func Listen(target string, meter *Meter) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{listener: l, target: target, meter: meter, conns: map[net.Conn]bool{}}
	p.gone = sync.NewCond(&p.mu)
	p.all.Go(p.accept)
	return p, nil
}

// Addr is where clients find the proxy.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// SetRoundTrip sets how long an octet and its answer are on their way in sum. It
// holds for what is read from now on.
func (p *Proxy) SetRoundTrip(d time.Duration) { p.delay.Store(int64(d / 2)) }

// Close cuts all connections and returns when nothing of the proxy runs any more.
func (p *Proxy) Close() error {
	err := p.listener.Close()
	p.mu.Lock()
	for c := range p.conns {
		err = errors.Join(err, ignoreClosed(c.Close()))
	}
	p.mu.Unlock()
	p.all.Wait()
	return err
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			client.Close()
			continue
		}
		p.serve(client, server)
	}
}

func (p *Proxy) serve(client, server net.Conn) {
	p.mu.Lock()
	p.conns[client], p.conns[server] = true, true
	p.mu.Unlock()
	trip := &trip{meter: p.meter}
	var both sync.WaitGroup
	both.Go(func() { p.carry(client, server, trip.leaveClient, trip.reachServer) })
	both.Go(func() { p.carry(server, client, trip.leaveServer, trip.reachClient) })
	p.all.Go(func() {
		both.Wait()
		client.Close()
		server.Close()
		p.mu.Lock()
		delete(p.conns, client)
		delete(p.conns, server)
		p.gone.Broadcast()
		p.mu.Unlock()
	})
}

// Quiet returns when no connection is open.
func (p *Proxy) Quiet() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.conns) > 0 {
		p.gone.Wait()
	}
}
