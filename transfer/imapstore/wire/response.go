package wire

import (
	"bytes"
	"io"
	"strings"
)

// response is one response while it is read. Data responses consist of lines
// with literals between them; the cursor walks through both.
type response struct {
	r    *reader
	Tag  string // "*", "+" or a command's tag
	Num  int64  // the number in front of EXISTS, FETCH ...; -1: none
	Name string // upper case: FETCH, LIST, OK ...

	seg   []byte // the current line
	pos   int
	lines int   // behind literals, so far
	lit   int64 // octets of the literal that follows seg; -1: none
	err   error // the stream ended or is out of step
}

// next reads the first line of the next response that has one.
func (r *reader) next() (*response, error) {
	for {
		line, err := r.line()
		if err != nil {
			return nil, err
		}
		if len(bytes.TrimSpace(line)) > 0 {
			return r.begin(line), nil
		}
	}
}

func (r *reader) begin(line []byte) *response {
	s := &response{r: r, Num: -1, seg: line, lit: -1}
	if line[0] == '+' {
		s.Tag, s.pos = "+", 1
		s.spaces()
		return s
	}
	tag := s.atom()
	s.Tag = string(tag)
	s.spaces()
	word := s.atom()
	if n, ok := number(word); ok && s.Tag == "*" {
		s.Num = n
		s.spaces()
		word = s.atom()
	}
	s.Name = upperName(word)
	if !isStatus(s.Name) {
		s.announce()
	}
	return s
}

func (s *response) announce() {
	if before, size, ok := trailingLiteral(s.seg); ok && s.pos <= len(before) {
		s.seg, s.lit = before, size
	}
}

// upperName avoids an allocation for the names that come by the thousand.
func upperName(word []byte) string {
	switch string(word) {
	case "FETCH":
		return "FETCH"
	case "OK":
		return "OK"
	case "EXISTS":
		return "EXISTS"
	}
	return strings.ToUpper(string(word))
}

func isStatus(name string) bool {
	switch name {
	case "OK", "NO", "BAD", "BYE", "PREAUTH":
		return true
	}
	return false
}

// rest returns what is left of the current line.
func (s *response) rest() []byte { return s.seg[s.pos:] }

func (s *response) atEnd() bool { return s.pos >= len(s.seg) && s.lit < 0 }

func (s *response) spaces() {
	for s.pos < len(s.seg) && (s.seg[s.pos] == ' ' || s.seg[s.pos] == '\t') {
		s.pos++
	}
}

// peek returns the next octet of the current line, or zero at its end.
func (s *response) peek() byte {
	if s.pos < len(s.seg) {
		return s.seg[s.pos]
	}
	return 0
}

// accept steps over c if it is next, after spaces.
func (s *response) accept(c byte) bool {
	s.spaces()
	if s.peek() != c || s.pos >= len(s.seg) {
		return false
	}
	s.pos++
	return true
}

// atom reads up to a space or parenthesis, which is more than RFC 9051 allows
// an atom to hold and what servers send.
func (s *response) atom() []byte {
	start := s.pos
	for s.pos < len(s.seg) {
		switch s.seg[s.pos] {
		case ' ', '(', ')':
			return s.seg[start:s.pos]
		}
		s.pos++
	}
	return s.seg[start:]
}

// items calls each for what stands before a closing parenthesis or the end, and
// steps over what each does not take, so that no nonsense can make it stay.
func (s *response) items(each func()) {
	for s.err == nil && !s.accept(')') && !s.atEnd() {
		pos, lines := s.pos, s.lines
		each()
		switch {
		case s.err != nil || s.pos != pos || s.lines != lines:
		case s.pos < len(s.seg):
			s.pos++
		case s.lit >= 0:
			s.skipLiteral()
		}
	}
}

// skipLiteral reads past the literal that follows the current line and goes on
// with the line behind it.
func (s *response) skipLiteral() {
	if _, err := s.r.br.Discard(int(s.lit)); err != nil {
		s.fail(err)
		return
	}
	s.r.trace.literal("S", s.lit)
	s.resume()
}

// resume goes on with the line behind a literal that has been read.
func (s *response) resume() {
	s.lit = -1
	line, err := s.r.line()
	if err != nil {
		s.fail(err)
		return
	}
	s.seg, s.pos = line, 0
	s.lines++
	s.announce()
}

func (s *response) fail(err error) {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = errClosed
	}
	if s.err == nil {
		s.err = err
	}
	s.seg, s.pos, s.lit = nil, 0, -1
}

// finish skips what nobody read.
func (s *response) finish() error {
	for s.lit >= 0 && s.err == nil {
		s.skipLiteral()
	}
	return s.err
}
