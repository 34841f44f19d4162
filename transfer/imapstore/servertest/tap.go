package servertest

import (
	"bytes"
	"strconv"
	"strings"
	"sync"
)

// tap follows one connection in both directions just far enough to tell the
// client's commands from the literals between them.
type tap struct {
	log  *Log
	conn int

	mu     sync.Mutex
	client scanner
	server scanner
	goOns  int  // continuation requests seen
	opaque bool // TLS or compression has begun

	// What the client sends next depends on an answer that it waits for.
	pending   bool   // a synchronizing literal was announced
	expect    int64  // its octets, if the server goes on
	challenge bool   // the lines after AUTHENTICATE or IDLE are no commands
	seen      int    // goOns when pending or challenge was set
	command   string // what came so far of a command with literals
	tag       string // of STARTTLS or COMPRESS
}

// scanner takes a stream apart into lines and literals.
type scanner struct {
	line []byte
	skip int64 // octets of a literal still to come
}

// maxLine bounds what is kept of a line; the rest is passed over.
const maxLine = 64 << 10

// scan calls line for each complete line, which returns the size of the literal
// that follows it.
func (s *scanner) scan(p []byte, line func(string) int64) {
	for len(p) > 0 {
		if s.skip > 0 {
			n := min(s.skip, int64(len(p)))
			s.skip -= n
			p = p[n:]
			continue
		}
		i := bytes.IndexByte(p, '\n')
		piece := p
		if i >= 0 {
			piece = p[:i]
		}
		if len(s.line)+len(piece) <= maxLine {
			s.line = append(s.line, piece...)
		} else if i >= 0 {
			s.line = append(s.line[:0], tail(piece)...) // for the literal at its end
		}
		if i < 0 {
			return
		}
		p = p[i+1:]
		text := strings.TrimSuffix(string(s.line), "\r")
		s.line = s.line[:0]
		s.skip = line(text)
	}
}

func tail(p []byte) []byte { return p[max(0, len(p)-30):] }

// announced reads the literal at the end of a line: {n}, {n+} or ~{n}.
func announced(line string) (size int64, waits, ok bool) {
	i := strings.LastIndexByte(line, '{')
	if i < 0 || !strings.HasSuffix(line, "}") {
		return 0, false, false
	}
	digits, now := strings.CutSuffix(line[i+1:len(line)-1], "+")
	size, err := strconv.ParseInt(digits, 10, 63)
	return size, !now, err == nil && size >= 0
}

func (t *tap) fromServer(p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count(0, len(p))
	if t.opaque {
		return
	}
	t.server.scan(p, func(line string) int64 {
		if strings.HasPrefix(line, "+") {
			t.goOns++
			return 0
		}
		if t.tag != "" && strings.HasPrefix(line, t.tag+" OK") {
			t.opaque = true
			t.log.mu.Lock()
			t.log.opaque = true
			t.log.mu.Unlock()
		}
		size, _, _ := announced(line)
		return size
	})
}

func (t *tap) count(toServer, fromServer int) {
	t.log.mu.Lock()
	defer t.log.mu.Unlock()
	t.log.bytesOut += int64(toServer)
	t.log.bytesIn += int64(fromServer)
}

func (t *tap) fromClient(p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count(len(p), 0)
	if t.opaque {
		return
	}
	if t.pending {
		t.pending = false
		if t.goOns > t.seen {
			t.client.skip = t.expect
		} else {
			t.finish() // the server refused the literal, so the command is over
		}
	}
	t.client.scan(p, t.clientLine)
}

func (t *tap) clientLine(line string) int64 {
	if t.command == "" && t.challenge && t.goOns > t.seen {
		t.seen = t.goOns
		return 0 // an answer to the server's challenge, or DONE
	}
	t.command += line
	size, waits, ok := announced(line)
	switch {
	case !ok:
		t.finish()
		return 0
	case waits:
		t.pending, t.expect, t.seen = true, size, t.goOns
		return 0
	}
	return size
}

// finish records the command.
func (t *tap) finish() {
	line := t.command
	t.command, t.challenge = "", false
	tag, rest, _ := strings.Cut(line, " ")
	words := strings.Fields(rest)
	if len(words) == 0 {
		return
	}
	name := strings.ToUpper(words[0])
	switch {
	case name == "UID" && len(words) > 1:
		name += " " + strings.ToUpper(words[1])
	case name == "LOGIN" || name == "AUTHENTICATE":
		line = tag + " " + name
		t.challenge = name == "AUTHENTICATE"
	case name == "IDLE":
		t.challenge = true
	case name == "STARTTLS" || name == "COMPRESS":
		t.tag = tag
	}
	t.seen = t.goOns
	t.log.mu.Lock()
	t.log.commands = append(t.log.commands, Command{t.conn, name, line})
	t.log.mu.Unlock()
}
