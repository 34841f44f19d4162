package framing

import "bytes"

// Side says who sends the octets a Splitter is given.
type Side int

const (
	Client Side = iota + 1
	Server
)

// Piece is a line with its line end, or a part of a literal. Data is valid
// until the next call of the Splitter.
type Piece struct {
	Data    []byte
	Literal bool // part of a literal; the fields below are for lines

	First     bool  // the line begins a command or response
	Announced int64 // size of the literal that follows the line; -1: none follows
	NonSync   bool  // the literal is sent without waiting for "+" (RFC 7888)
}

// Last reports whether the command or response ends with this line.
func (p Piece) Last() bool { return !p.Literal && p.Announced < 0 }

// Splitter cuts one direction of a connection into pieces. Lines are kept in
// memory as a whole, literals are not.
type Splitter struct {
	side      Side
	line      []byte // the beginning of a line whose end has not come
	left      int64  // octets of the literal still to come
	continues bool   // the next line goes on after a literal
}

// NewSplitter returns a Splitter for what side sends.
func NewSplitter(side Side) *Splitter { return &Splitter{side: side} }

// Next returns the first piece of p and the number of octets it took from p.
// Without a complete piece it takes all of p and returns a Piece without Data.
func (s *Splitter) Next(p []byte) (Piece, int) {
	if len(p) == 0 {
		return Piece{}, 0
	}
	if s.left > 0 {
		n := int(min(s.left, int64(len(p))))
		s.left -= int64(n)
		return Piece{Data: p[:n], Literal: true}, n
	}
	i := bytes.IndexByte(p, '\n')
	if i < 0 {
		s.line = append(s.line, p...)
		return Piece{}, len(p)
	}
	line := p[:i+1]
	if len(s.line) > 0 {
		line = append(s.line, line...)
		s.line = s.line[:0]
	}
	return s.finish(line), i + 1
}

func (s *Splitter) finish(line []byte) Piece {
	piece := Piece{Data: line, First: !s.continues, Announced: -1}
	if n, nonSync, ok := announced(line); ok && !(piece.First && s.isText(line)) {
		piece.Announced, piece.NonSync = n, nonSync
		s.left = n
	}
	s.continues = piece.Announced >= 0
	return piece
}

// Cancel says that the literal announced last will not come: the server
// answered the command instead of asking for it.
func (s *Splitter) Cancel() { s.left, s.continues = 0, false }

// Boundary reports whether a command or response of this direction has ended
// and no other begun.
func (s *Splitter) Boundary() bool { return s.left == 0 && !s.continues && len(s.line) == 0 }

// LiteralOver reports whether the last piece ended a literal and the rest of its
// line has not begun.
func (s *Splitter) LiteralOver() bool { return s.left == 0 && s.continues && len(s.line) == 0 }

// isText reports whether a first line ends in free text, where braces mean
// nothing: a status response, or what a client sends in answer to "+".
func (s *Splitter) isText(line []byte) bool {
	if s.side == Client {
		return bytes.IndexByte(line, ' ') < 0
	}
	if line[0] == '+' {
		return true
	}
	_, _, ok := ParseStatus(line)
	return ok
}

// announced reads "{n}" or "{n+}" at the end of a line.
func announced(line []byte) (n int64, nonSync, ok bool) {
	line = bytes.TrimRight(line, "\r\n")
	if len(line) < 3 || line[len(line)-1] != '}' {
		return 0, false, false
	}
	line = line[:len(line)-1]
	if last := line[len(line)-1]; last == '+' {
		nonSync = true
		line = line[:len(line)-1]
	}
	open := bytes.LastIndexByte(line, '{')
	digits := line[open+1:]
	if open < 0 || len(digits) == 0 || len(digits) > 18 {
		return 0, false, false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, nonSync, true
}
