package servertest

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"sync"
)

// socketServer answers on a unix socket until it is stopped.
type socketServer struct {
	listener net.Listener
	running  sync.WaitGroup
	mu       sync.Mutex
	open     map[net.Conn]bool
	stopped  bool
}

// serveSocket answers every connection to path by handle.
func serveSocket(path string, handle func(net.Conn) error) (*socketServer, error) {
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o666); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	s := &socketServer{open: map[net.Conn]bool{}}
	s.serve(l, handle)
	return s, nil
}

func (s *socketServer) serve(l net.Listener, handle func(net.Conn) error) {
	s.listener = l
	s.running.Add(1)
	go func() {
		defer s.running.Done()
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if !s.track(conn) {
				conn.Close()
				return
			}
			s.running.Add(1)
			go func() {
				defer s.running.Done()
				defer s.forget(conn)
				_ = handle(conn) // the peer sees the end of the connection
			}()
		}
	}()
}

func (s *socketServer) track(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopped {
		s.open[conn] = true
	}
	return !s.stopped
}

func (s *socketServer) forget(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, conn)
	conn.Close()
}

// stop ends the listener and all connections and waits for their goroutines.
func (s *socketServer) stop() error {
	err := s.listener.Close()
	s.mu.Lock()
	s.stopped = true
	for conn := range s.open {
		conn.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
	return err
}

// serveSASL stands in for saslauthd: four counted strings come (user, password,
// service, realm) and one goes back.
func serveSASL(path string) (*socketServer, error) {
	return serveSocket(path, func(conn net.Conn) error {
		var fields [4]string
		for i := range fields {
			var n uint16
			if err := binary.Read(conn, binary.BigEndian, &n); err != nil {
				return err
			}
			text := make([]byte, n)
			if _, err := io.ReadFull(conn, text); err != nil {
				return err
			}
			fields[i] = string(text)
		}
		answer := "NO"
		if fields[1] == password {
			answer = "OK"
		}
		_, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...))
		return err
	})
}
