package foreign

import (
	"bufio"
	"bytes"
	"io"
	"strings"

	"mailferry/archive/mbox/internal/quote"
)

// walker goes from one message of a file to the next.
type walker struct {
	file  *Mbox
	buf   *bufio.Reader
	at    int64 // of the next line
	last  int64 // where the last line begins
	blank bool  // the last line was empty
}

// raw is where a message stands in the file, and what was seen in it.
type raw struct {
	at, start, body, end int64 // From_ line, header, what follows the header, end
	header               []field
	spaced               bool // an empty line is in front of the From_ line
	atEnd                bool // ended by the end of the file, not by another From_ line
	sized                bool // Content-Length fits
	cut                  bool // Content-Length leads behind the end of the file
	bare, deep           bool // has a line "From ", ">>From "
	unspaced             int  // lines that are From_ lines but for the empty line in front
}

// maxHeader bounds the memory for a header; what is longer counts as body.
const maxHeader = 4 << 20

func (m *Mbox) walk(at int64) *walker {
	r := io.NewSectionReader(m.data, at, m.size-at)
	return &walker{file: m, buf: bufio.NewReaderSize(r, 64<<10), at: at, blank: true}
}

// next returns the message whose From_ line is next in the file; nil at the end.
func (w *walker) next() (*raw, error) {
	if w.at >= w.file.size {
		return nil, nil
	}
	r := &raw{at: w.at, spaced: w.blank}
	if err := w.line(); err != nil {
		return nil, err
	}
	w.blank = false
	r.start = w.at
	if err := w.readHeader(r); err != nil {
		return nil, err
	}
	var err error
	if n := contentLength(r.header); n >= 0 && n <= w.file.size-w.at {
		r.sized, err = w.file.endsAt(w.at + n)
		r.end = w.at + n
	} else {
		r.cut = n >= 0
	}
	if err == nil && r.sized {
		return r, w.readSized(r)
	}
	if err == nil {
		err = w.readBody(r)
	}
	return r, err
}

// line consumes a line.
func (w *walker) line() error {
	w.last = w.at
	for {
		part, err := w.buf.ReadSlice('\n')
		w.blank = w.at == w.last && isBlank(part)
		w.at += int64(len(part))
		if err == bufio.ErrBufferFull {
			continue
		}
		if err == io.EOF {
			if w.at < w.file.size {
				return errShrunk
			}
			err = nil
		}
		return err
	}
}

func isBlank(line []byte) bool { return string(line) == "\n" || string(line) == "\r\n" }

// readHeader reads up to the empty line that ends the header.
func (w *walker) readHeader(r *raw) error {
	r.body = w.at
	for w.at < w.file.size {
		if end, err := w.atSeparator(r); end || err != nil {
			return w.takeHeader(r, err)
		}
		if err := w.line(); err != nil {
			return err
		}
		if w.blank || w.at-r.start > maxHeader {
			break
		}
		r.body = w.at
	}
	return w.takeHeader(r, nil)
}

func (w *walker) takeHeader(r *raw, err error) error {
	if err != nil {
		return err
	}
	header := make([]byte, r.body-r.start)
	if _, err := w.file.data.ReadAt(header, r.start); err != nil && err != io.EOF {
		return err
	}
	r.header = fields(header)
	return nil
}

// readBody reads up to the next From_ line. The empty line in front of it is not in the message.
func (w *walker) readBody(r *raw) error {
	for w.at < w.file.size {
		if end, err := w.atSeparator(r); err != nil {
			return err
		} else if end {
			w.setEnd(r)
			return nil
		}
		if err := w.note(r); err != nil {
			return err
		}
		if err := w.line(); err != nil {
			return err
		}
	}
	r.atEnd = true
	w.setEnd(r)
	return nil
}

func (w *walker) setEnd(r *raw) {
	r.end = w.at
	if w.blank {
		r.end = w.last
	}
	r.body = min(r.body, r.end)
}

// readSized skips a message whose length is known, and the empty lines behind it.
func (w *walker) readSized(r *raw) error {
	for w.at < w.file.size {
		if w.at >= r.end {
			if head, err := w.peek(2); err != nil {
				return err
			} else if !isBlank(head[:min(len(head), bytes.IndexByte(head, '\n')+1)]) {
				w.blank = true
				return nil
			}
		} else if err := w.note(r); err != nil {
			return err
		}
		if err := w.line(); err != nil {
			return err
		}
	}
	r.atEnd = true
	return nil
}

// note looks for quoted lines and such that should be.
func (w *walker) note(r *raw) error {
	head, err := w.peek(2 + len(quote.From))
	r.bare = r.bare || bytes.HasPrefix(head, []byte(quote.From))
	r.deep = r.deep || string(head) == ">>"+quote.From
	return err
}

// peek returns up to n octets; fewer only at the end of the file.
func (w *walker) peek(n int) ([]byte, error) {
	head, err := w.buf.Peek(n)
	if err == io.EOF {
		err = nil
	}
	return head, err
}

// atSeparator reports whether a From_ line is next.
func (w *walker) atSeparator(r *raw) (bool, error) {
	head, err := w.peek(len(quote.From))
	if err != nil || string(head) != quote.From {
		return false, err
	}
	if head, err = w.peek(2 * maxFrom); err != nil {
		return false, err
	}
	s := look(head)
	switch {
	case w.blank:
		return s.separates(w.file.kind.Undated), nil
	case s.separatesUnspaced():
		r.unspaced++
		return w.file.kind.Unspaced, nil
	}
	return false, nil
}

// endsAt reports whether a message can end at an offset: empty lines and a From_ line follow, or nothing.
func (m *Mbox) endsAt(at int64) (bool, error) {
	if at == m.size {
		return true, nil
	}
	head := make([]byte, min(2*maxFrom, m.size-at))
	if _, err := m.data.ReadAt(head, at); err != nil && err != io.EOF {
		return false, err
	}
	text := strings.TrimLeft(string(head), "\r\n")
	return text == "" && at+int64(len(head)) == m.size || look([]byte(text)).separates(m.kind.Undated), nil
}
