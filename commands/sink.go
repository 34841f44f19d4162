package commands

import (
	"io"
	"sync"
)

// sink remembers that something could not be written: a result that nobody can read must
// not end with code 0. It may be used from several goroutines at once.
type sink struct {
	mu  sync.Mutex
	w   io.Writer
	err error // the first
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.w.Write(p)
	if err != nil && s.err == nil {
		s.err = err
	}
	return n, err
}

func (s *sink) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}
