package foreign

import (
	"bufio"
	"bytes"
	"io"

	"mailferry/archive/mbox/internal/quote"
)

// decoder yields text with CRLF line ends and without quoting. A CR that stands in front
// of an LF already stays the only one; every other CR is text.
type decoder struct {
	r      *bufio.Reader
	start  bool // at the beginning of a line whose quoting is to be undone
	simple bool
	quoted bool
	marks  int64
	last   byte
	lf     bool // the LF of a CRLF is to come
	end    bool
}

func newDecoder(r io.Reader, q Quoting) *decoder {
	quoted := q != Never
	return &decoder{r: bufio.NewReaderSize(r, 64<<10), quoted: quoted, simple: q == Simple, start: quoted}
}

func (d *decoder) Read(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		switch {
		case d.lf:
			p[n], d.lf = '\n', false
			n++
		case d.marks > 0:
			p[n], d.last = '>', '>'
			n++
			d.marks--
		case d.end:
			return n, io.EOF
		case d.start:
			err = d.startLine()
		default:
			var m int
			m, err = d.line(p[n:])
			n += m
		}
	}
	return n, err
}

func (d *decoder) startLine() error {
	d.start = false
	marks, from, err := quote.Marks(d.r)
	if from && (marks == 1 || marks > 1 && !d.simple) {
		marks--
	}
	d.marks = marks
	return err
}

// line delivers a part of a line, at most up to its end.
func (d *decoder) line(p []byte) (int, error) {
	if _, err := d.r.Peek(1); err == io.EOF {
		d.end = true
		return 0, nil
	} else if err != nil {
		return 0, err
	}
	chunk, err := d.r.Peek(min(d.r.Buffered(), len(p)))
	if err != nil {
		return 0, err
	}
	i := bytes.IndexByte(chunk, '\n')
	if i < 0 {
		d.last = chunk[len(chunk)-1]
		return d.take(copy(p, chunk))
	}
	before := d.last
	if i > 0 {
		before = chunk[i-1]
	}
	copy(p, chunk[:i+1])
	if before != '\r' {
		p[i], d.lf = '\r', true
	}
	d.last, d.start = '\n', d.quoted
	return d.take(i + 1)
}

func (d *decoder) take(n int) (int, error) { return d.r.Discard(n) }
