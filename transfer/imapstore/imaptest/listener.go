package imaptest

import (
	"crypto/tls"
	"net"
)

// listener hands imapserver connections that go through a front.
type listener struct {
	net.Listener
	server *Server
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.server.admit(c)
}

// admit counts a connection in, until its session is closed. imapserver opens
// and closes exactly one session for each connection it accepted.
func (s *Server) admit(c net.Conn) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		c.Close()
		return nil, net.ErrClosed
	}
	raw := c
	if s.opts.Security == ImplicitTLS {
		c = tls.Server(c, s.tlsConfig())
	}
	f := newFront(s, raw, c, s.log.connect())
	s.fronts[f] = struct{}{}
	s.wait.Add(1)
	return f, nil
}

func (s *Server) dismiss(f *front) {
	f.Close()
	s.mu.Lock()
	delete(s.fronts, f)
	s.mu.Unlock()
	s.wait.Done()
}
