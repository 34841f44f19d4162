package wire

import (
	"bytes"
	"io"
	"math"
)

// value reads a string in any of its forms: quoted, literal, atom. isNil tells
// NIL apart from the empty string. The result is a copy.
func (s *response) value() (text []byte, isNil bool) {
	s.spaces()
	switch {
	case s.pos >= len(s.seg) && s.lit >= 0:
		return s.literal(), false
	case s.peek() == '"':
		return s.quoted(), false
	}
	atom := s.atom()
	if bytes.EqualFold(atom, []byte("NIL")) {
		return nil, true
	}
	return bytes.Clone(atom), false
}

// quoted reads a quoted string. A backslash takes the next octet literally,
// whatever it is; a missing end is the end of the line.
func (s *response) quoted() []byte {
	if end := bytes.IndexByte(s.seg[s.pos+1:], '"'); end >= 0 && bytes.IndexByte(s.seg[s.pos+1:][:end], '\\') < 0 {
		text := append([]byte{}, s.seg[s.pos+1:][:end]...)
		s.pos += end + 2
		return text
	}
	out := []byte{}
	for s.pos++; s.pos < len(s.seg); s.pos++ {
		switch c := s.seg[s.pos]; {
		case c == '"':
			s.pos++
			return out
		case c == '\\' && s.pos+1 < len(s.seg):
			s.pos++
			out = append(out, s.seg[s.pos])
		default:
			out = append(out, c)
		}
	}
	return out
}

// literal reads a literal into memory, at most maxString octets of it.
func (s *response) literal() []byte {
	size := s.lit
	text := make([]byte, min(size, maxString))
	if _, err := io.ReadFull(s.r.br, text); err != nil {
		s.fail(err)
		return nil
	}
	if _, err := s.r.br.Discard(int(size) - len(text)); err != nil {
		s.fail(err)
		return nil
	}
	s.r.trace.literal("S", size)
	s.resume()
	return text
}

// skipValue steps over a string or a parenthesised list.
func (s *response) skipValue() {
	depth := 0
	for s.err == nil {
		s.spaces()
		switch c := s.peek(); {
		case s.pos >= len(s.seg):
			if s.lit < 0 {
				return
			}
			s.skipLiteral()
		case c == '(':
			s.pos++
			depth++
			continue
		case c == ')':
			if depth == 0 {
				return
			}
			s.pos++
			depth--
		case c == '"':
			s.quoted()
		default:
			s.atom()
		}
		if depth == 0 {
			return
		}
	}
}

// words reads a parenthesised list of atoms or quoted strings; NIL and a
// missing list are empty.
func (s *response) words() []string {
	if !s.accept('(') {
		s.skipValue()
		return nil
	}
	var out []string
	s.items(func() {
		if s.peek() == '(' {
			s.skipValue()
		} else if text, _ := s.value(); len(text) > 0 {
			out = append(out, string(text))
		}
	})
	return out
}

// number reads a number; what is none, or is negative, gives zero.
func (s *response) number() uint64 {
	text, _ := s.value()
	n, ok := number(text)
	if !ok {
		return 0
	}
	return uint64(n)
}

// number32 reads a number that must fit 32 bits; what does not gives zero.
func (s *response) number32() uint32 { return clip32(s.number()) }

func clip32(n uint64) uint32 {
	if n > math.MaxUint32 {
		return 0
	}
	return uint32(n)
}
