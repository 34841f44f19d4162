package wire

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"time"

	"mailferry/transfer/mail"
)

// Item is what FETCH responses told of one message.
type Item struct {
	Seq     uint32 // its number in the folder at that moment
	UID     mail.UID
	Flags   mail.Flags
	Size    int64
	Date    time.Time // zero also when the server's date is none
	ModSeq  uint64
	Header  []byte // of BODY[HEADER...]; nil and HasHeader: NIL
	Content string // EMAILID (RFC 8474)
	Has     Has
}

// Has is a set of the parts of an Item that a server sent.
type Has uint8

const (
	HasFlags Has = 1 << iota
	HasSize
	HasDate
	HasModSeq
	HasHeader
)

// Merge adds what other has and it lacks.
func (it *Item) Merge(other *Item) {
	lacks := other.Has &^ it.Has
	if lacks&HasFlags != 0 {
		it.Flags = other.Flags
	}
	if lacks&HasSize != 0 {
		it.Size = other.Size
	}
	if lacks&HasDate != 0 {
		it.Date = other.Date
	}
	if lacks&HasModSeq != 0 {
		it.ModSeq = other.ModSeq
	}
	if lacks&HasHeader != 0 {
		it.Header = other.Header
	}
	if it.Content == "" {
		it.Content = other.Content
	}
	it.Has |= other.Has
}

// bodyFunc gets the body of a message while it is on the wire. What it leaves
// unread is skipped.
type bodyFunc func(it *Item, size int64, body io.Reader) error

// fetch reads the list of a FETCH response. UID, FLAGS and the others may stand
// on either side of the body. An item that is not known is skipped.
func (s *response) fetch(it *Item, onBody bodyFunc) error {
	it.Seq = clip32(uint64(max(s.Num, 0)))
	if !s.accept('(') {
		return nil
	}
	var err error
	s.items(func() {
		if err == nil {
			err = s.fetchItem(it, onBody)
		}
		if err != nil {
			s.seg, s.pos, s.lit = nil, 0, -1 // how much of the body was read is not known
		}
		if err == nil && s.err == nil && s.pos >= len(s.seg) && s.lit < 0 {
			s.continues()
		}
	})
	if err == nil {
		err = s.err
	}
	return err
}

// continues goes on with the next line when a server broke it before the
// closing parenthesis.
func (s *response) continues() {
	if next, err := s.r.br.Peek(1); err == nil && (next[0] == ')' || next[0] == ' ') {
		s.resume()
	}
}

func (s *response) fetchItem(it *Item, onBody bodyFunc) error {
	switch name := s.itemName(); {
	case name == "UID":
		it.UID = mail.UID(s.number32())
	case name == "FLAGS":
		it.Flags = s.flags()
		it.Has |= HasFlags
	case name == "RFC822.SIZE":
		text, _ := s.value()
		if n, ok := number(text); ok {
			it.Size = n
			it.Has |= HasSize
		}
	case name == "INTERNALDATE":
		text, _ := s.value()
		it.Date = parseDate(text)
		it.Has |= HasDate
	case name == "MODSEQ":
		if words := s.words(); len(words) > 0 {
			it.ModSeq = parseNumber(words[0])
			it.Has |= HasModSeq
		}
	case name == "EMAILID":
		it.Content = strings.Join(s.words(), "")
	case strings.HasPrefix(name, "BODY[]"), name == "RFC822":
		return s.body(it, onBody)
	case strings.HasPrefix(name, "BODY[HEADER"), name == "RFC822.HEADER":
		it.Header, _ = s.value()
		it.Has |= HasHeader
	default:
		s.skipValue()
	}
	return nil
}

// itemName reads a name such as FLAGS or BODY[HEADER.FIELDS (DATE)]<0>.
func (s *response) itemName() string {
	s.spaces()
	start := s.pos
	name := s.atom()
	if i := bytes.IndexByte(name, '['); i >= 0 && bytes.IndexByte(name, ']') < 0 {
		if end := bytes.IndexByte(s.rest(), ']'); end >= 0 {
			s.pos += end + 1
			s.atom()
			name = s.seg[start:s.pos]
		}
	}
	switch string(name) {
	case "UID":
		return "UID"
	case "FLAGS":
		return "FLAGS"
	case "INTERNALDATE":
		return "INTERNALDATE"
	case "BODY[]":
		return "BODY[]"
	}
	return strings.ToUpper(string(name))
}

// body hands on the body in whichever form it came.
func (s *response) body(it *Item, onBody bodyFunc) error {
	s.spaces()
	switch {
	case s.pos >= len(s.seg) && s.lit >= 0:
		return s.literalBody(it, onBody)
	case s.peek() == '"':
		text := s.quoted()
		return s.give(it, int64(len(text)), bytes.NewReader(text), onBody)
	}
	if text, isNil := s.value(); isNil || s.err != nil {
		return s.give(it, -1, nil, onBody)
	} else if len(text) > 0 {
		s.fail(errors.New("a body that is neither string nor literal"))
	}
	return nil
}

func (s *response) give(it *Item, size int64, body io.Reader, onBody bodyFunc) error {
	if onBody == nil {
		return nil
	}
	return onBody(it, size, body)
}

func (s *response) literalBody(it *Item, onBody bodyFunc) error {
	b := &bodyReader{s: s, left: s.lit}
	size := s.lit
	if size == 0 && !b.closes() {
		return s.err
	}
	if err := s.give(it, size, b, onBody); err != nil {
		return err
	}
	if s.err == nil && b.left > 0 {
		if _, err := io.Copy(io.Discard, b); err != nil {
			return s.err
		}
	}
	if s.err != nil {
		return s.err
	}
	s.r.trace.literal("S", size)
	s.resume()
	return s.err
}

// bodyReader reads a literal. Before it hands out the last octets it checks that
// the response goes on behind them as it must: a length that is wrong would
// otherwise cut a message, or let it swallow the next.
type bodyReader struct {
	s    *response
	left int64
}

var errLiteral = errors.New("the length the server announced for a body is not the body's length")

func (b *bodyReader) Read(p []byte) (int, error) {
	switch {
	case b.s.err != nil:
		return 0, io.ErrUnexpectedEOF
	case b.left == 0:
		return 0, io.EOF
	}
	n, err := b.s.r.br.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	if err != nil {
		b.s.fail(err)
		return n, io.ErrUnexpectedEOF
	}
	if b.left == 0 && !b.closes() {
		return 0, io.ErrUnexpectedEOF
	}
	return n, nil
}

// closes reports whether a parenthesis or another item follows.
func (b *bodyReader) closes() bool {
	br := b.s.r.br
	next, err := br.Peek(1)
	if err == nil {
		switch next[0] {
		case ')':
			return true
		case ' ':
			if next, err = br.Peek(2); err == nil && (isLetter(next[1]) || next[1] == ' ' || next[1] == ')') {
				return true
			}
		case '\r':
			if next, err = br.Peek(3); err == nil && (next[2] == ')' || next[2] == ' ') {
				return true
			}
		case '\n':
			if next, err = br.Peek(2); err == nil && (next[1] == ')' || next[1] == ' ') {
				return true
			}
		}
	}
	if err == nil {
		err = errLiteral
	}
	b.s.fail(err)
	return false
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
