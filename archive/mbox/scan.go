package mbox

import (
	"errors"
	"io"
)

// Kind says what a scan has found.
type Kind int

const (
	Own     Kind = iota + 1 // a message with our block
	Foreign                 // a message that another program has added or rewritten
	Junk                    // text that belongs to no message
	// Superseded is a message of ours, damaged, that was put in again elsewhere.
	Superseded
)

var (
	// ErrTorn is the error of a message that the end of the file has cut.
	ErrTorn = errors.New("the message is cut off by the end of the mbox file")
	// ErrDamaged is the error of a message that does not have the length its block states.
	ErrDamaged = errors.New("the message does not have the length its X-Mailferry line states")

	// errSurplus: the message is there, but text follows that is no message.
	errSurplus = errors.New("text follows the message")
)

// Entry is what stands between two From_ lines. It is valid during the call that delivers it.
type Entry struct {
	At   int64 // offset of the From_ line, or where junk begins
	Kind Kind
	Meta Meta // of Own
	// Body yields the octets of the message: of Own exactly Meta.Size, or
	// io.ErrUnexpectedEOF where the file has fewer; of Foreign and Superseded what follows the From_ line
	// with CRLF line ends; of Junk the text as it stands.
	Body io.Reader

	src     *source
	own     *body
	remains state // of all but Own
	ended   bool
	err     error
}

// Place is where Body finds the message of Own.
func (e *Entry) Place() Place { return Place{At: e.At, Sum: e.Meta.Sum} }

// End skips what is left of the entry and returns the offset behind it. The error is ErrTorn or
// ErrDamaged if an Own message is not as long as it should be; that its octets are
// the right ones only its SHA-256 shows.
func (e *Entry) End() (int64, error) {
	if e.ended {
		return e.src.at, e.err
	}
	e.ended = true
	if e.own != nil {
		e.err = e.own.finish()
		if e.err == errSurplus {
			e.err = nil
		}
	} else {
		_, e.err = io.Copy(io.Discard, e.Body)
	}
	return e.src.at, e.err
}

// Scan reads a file of which r is the part from the offset at on, which has to be
// the beginning of a message or of the file. It calls fn for everything it finds, in order, and returns its
// error. It holds no more than a buffer of any message.
func Scan(r io.Reader, at int64, fn func(*Entry) error) error {
	src := newSource(r, at)
	for {
		e, err := nextEntry(src)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := fn(e); err != nil {
			return err
		}
		if _, err := e.End(); err != nil && err != ErrTorn && err != ErrDamaged {
			return err
		}
	}
}

func nextEntry(src *source) (*Entry, error) {
	if err := skipEmptyLines(src); err != nil {
		return nil, err
	}
	head, err := src.peek(maxBlock)
	if err != nil {
		return nil, err
	}
	if len(head) == 0 {
		return nil, io.EOF
	}
	e := &Entry{At: src.at, src: src, Kind: Junk, Body: &text{src: src}}
	if b, ok := readBlock(head); ok && !b.superseded {
		src.drop(b.size)
		e.Kind, e.Meta, e.own = Own, b.meta, newBody(src, b)
		e.Body = e.own
		return e, nil
	}
	e.remains = remainsOf(head)
	if isFrom(head) {
		e.Kind = Foreign
		if b, ok := readBlock(head); ok && b.superseded {
			e.Kind, e.remains = Superseded, foreign
		}
		e.Body = &text{src: src, crlf: true, trim: true, start: true}
		return e, skipLine(src)
	}
	return e, nil
}

// isFrom reports whether head begins with a From_ line, be it cut off by the end of the file.
func isFrom(head []byte) bool {
	return len(head) >= len(fromWord) && string(head[:len(fromWord)]) == fromWord
}

// skipEmptyLines skips the lines that programs put between messages for good measure.
func skipEmptyLines(src *source) error {
	for {
		head, err := src.peek(1)
		if err != nil || len(head) == 0 || head[0] != '\n' {
			return err
		}
		src.drop(1)
	}
}

func skipLine(src *source) error {
	t := text{src: src}
	var p [512]byte
	for !t.start && !t.end {
		if _, err := t.line(p[:]); err != nil {
			return err
		}
	}
	return nil
}
