package mbox

import (
	"bufio"
	"bytes"
	"io"

	"mailferry/archive/mbox/internal/quote"
)

// source reads a file and knows where it is.
type source struct {
	buf *bufio.Reader
	at  int64
}

func newSource(r io.Reader, at int64) *source {
	return &source{buf: bufio.NewReaderSize(r, 64<<10), at: at}
}

// peek returns up to n octets; fewer only at the end of the file.
func (s *source) peek(n int) ([]byte, error) {
	p, err := s.buf.Peek(n)
	if err == io.EOF {
		err = nil
	}
	return p, err
}

// window returns what can be had without another read: nothing only at the end of the file.
func (s *source) window() ([]byte, error) {
	if _, err := s.peek(1); err != nil {
		return nil, err
	}
	return s.buf.Peek(s.buf.Buffered())
}

// drop consumes what peek or window returned.
func (s *source) drop(n int) {
	d, _ := s.buf.Discard(n) // it is in the buffer
	s.at += int64(d)
}

// text yields a message as it was before it was quoted, up to the next From_ line or
// the end of the file.
type text struct {
	src   *source
	crlf  bool // LF stands for CRLF
	trim  bool // the empty line at the end is not in the message
	start bool // at the beginning of a line
	lf    bool // the LF of a CRLF is to come
	end   bool
	marks int64 // ">" to deliver before the line goes on
}

func (t *text) Read(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		switch {
		case t.lf:
			p[n], t.lf = '\n', false
			n++
		case t.marks > 0:
			p[n] = '>'
			n++
			t.marks--
		case t.end:
			return n, io.EOF
		case t.start:
			err = t.startLine()
		default:
			var m int
			m, err = t.line(p[n:])
			n += m
		}
	}
	return n, err
}

func (t *text) startLine() error {
	t.start = false
	if t.trim {
		head, err := t.src.peek(1 + len(fromWord))
		if err != nil {
			return err
		}
		if string(head) == "\n" || string(head) == "\n"+fromWord {
			t.src.drop(1)
			t.end = true
			return nil
		}
	}
	marks, from, err := quote.Marks(t.src.buf)
	t.src.at += marks
	if from && marks == 0 {
		t.end = true
	} else if from {
		marks--
	}
	t.marks = marks
	return err
}

// line delivers a part of a line behind its quoting.
func (t *text) line(p []byte) (int, error) {
	chunk, err := t.src.window()
	if err != nil || len(chunk) == 0 {
		t.end = true
		return 0, err
	}
	chunk = chunk[:min(len(chunk), len(p))]
	i := bytes.IndexByte(chunk, '\n')
	if i < 0 {
		t.src.drop(copy(p, chunk))
		return len(chunk), nil
	}
	copy(p, chunk[:i])
	p[i] = '\n'
	if t.crlf {
		p[i], t.lf = '\r', true
	}
	t.start = true
	t.src.drop(i + 1)
	return i + 1, nil
}

// body yields the octets of a message of ours.
type body struct {
	text  text
	moved *moved // nil: the header is as it was written
	left  int64
}

func newBody(src *source, b *block) *body {
	return &body{text: text{src: src, crlf: b.meta.EOL != EOLExact, start: true}, moved: b.moved, left: b.meta.Size}
}

// Read returns io.ErrUnexpectedEOF where the file has less of the message than
// its block says.
func (b *body) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	n, err := b.read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	if err == io.EOF && b.left > 0 {
		err = io.ErrUnexpectedEOF
	} else if err == io.EOF {
		err = nil
	}
	return n, err
}

func (b *body) read(p []byte) (int, error) {
	if b.moved != nil {
		if n, err := b.moved.Read(p, &b.text); n > 0 || err != nil {
			return n, err
		}
	}
	return b.text.Read(p)
}

// finish reads what stands behind the octets: the LF that was added if the last
// of them was none, the empty line, and then a From_ line or nothing.
func (b *body) finish() error {
	if _, err := io.Copy(io.Discard, b); err == io.ErrUnexpectedEOF {
		return b.short()
	} else if err != nil {
		return err
	}
	if b.text.lf || b.text.marks > 0 {
		return ErrDamaged
	}
	ends := "\n\n"
	if b.text.start {
		ends = "\n"
	}
	head, err := b.text.src.peek(len(ends) + len(fromWord))
	switch rest, ok := bytes.CutPrefix(head, []byte(ends)); {
	case err != nil:
		return err
	case ok && (len(rest) == 0 || string(rest) == fromWord):
		b.text.src.drop(len(ends))
		return nil
	case ok:
		b.text.src.drop(len(ends))
		return errSurplus
	case len(head) < len(ends):
		return b.short()
	}
	return ErrDamaged
}

// short tells a message that the end of the file has cut from one that another
// From_ line has.
func (b *body) short() error {
	next, err := b.text.src.peek(len(fromWord))
	switch {
	case err != nil:
		return err
	case string(next) == fromWord:
		return ErrDamaged
	}
	return ErrTorn
}
