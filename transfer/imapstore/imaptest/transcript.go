package imaptest

import (
	"slices"
	"sync"

	"mailferry/transfer/imapstore/imaptest/framing"
)

// Command is a command that reached the server, whether it was obeyed or not.
type Command struct {
	Conn int    // number of the connection, from 1 on
	Name string // upper case, with its UID: "APPEND", "UID FETCH"
	Args string // the rest of its first line, at most 200 octets; nothing of LOGIN and AUTHENTICATE
}

// String is the command as one line without its tag.
func (c Command) String() string {
	if c.Args == "" {
		return c.Name
	}
	return c.Name + " " + c.Args
}

type transcript struct {
	mu       sync.Mutex
	commands []Command
	counts   map[string]int
	conns    int
}

func (t *transcript) connect() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.conns++
	return t.conns
}

func (t *transcript) add(conn int, c framing.Command) {
	args := c.Args
	if c.Name == "LOGIN" || c.Name == "AUTHENTICATE" {
		args = ""
	}
	if len(args) > 200 {
		args = args[:200]
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = make(map[string]int)
	}
	t.counts[c.Name]++
	t.commands = append(t.commands, Command{Conn: conn, Name: c.Name, Args: args})
}

// Commands lists what reached the server since it was made or ResetCommands was
// called, in the order of arrival.
func (s *Server) Commands() []Command {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return slices.Clone(s.log.commands)
}

// Count tells how often any of the named commands reached the server, without
// making a copy. "FETCH" does not count "UID FETCH".
func (s *Server) Count(names ...string) int {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	n := 0
	for _, name := range names {
		n += s.log.counts[name]
	}
	return n
}

// Connections tells how many connections were accepted so far.
func (s *Server) Connections() int {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return s.log.conns
}

// ResetCommands forgets the commands seen so far, not the connections.
func (s *Server) ResetCommands() {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.log.commands, s.log.counts = nil, nil
}
