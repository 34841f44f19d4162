package maildir

import (
	"bytes"
	"io"
)

// form finds out, octet by octet, whether a message can stand in a file with LF line ends.
type form struct {
	last2 [2]byte // the octets before the next: {second last, last}
	size  int64
	lf    int64 // line feeds
	bare  int64 // of them without CR before
	other bool  // CR CR LF: other programs would take one CR for part of the line
}

func (f *form) Write(p []byte) (int, error) {
	for from := 0; ; {
		i := bytes.IndexByte(p[from:], '\n')
		if i < 0 {
			break
		}
		i += from
		f.lf++
		switch {
		case f.before(p, i, 1) != '\r':
			f.bare++
		case f.before(p, i, 2) == '\r':
			f.other = true
		}
		from = i + 1
	}
	n := len(p)
	f.size += int64(n)
	switch {
	case n >= 2:
		f.last2 = [2]byte{p[n-2], p[n-1]}
	case n == 1:
		f.last2 = [2]byte{f.last2[1], p[0]}
	}
	return n, nil
}

// before returns the octet so many places before p[i], which may be of an earlier Write.
func (f *form) before(p []byte, i, back int) byte {
	if i-back >= 0 {
		return p[i-back]
	}
	return f.last2[2+i-back]
}

func (f *form) exact() bool { return f.bare > 0 || f.other }

// sizes are those of the file and, as Dovecot means W=, of the file with all line ends CRLF.
func (f *form) sizes() (disk, wire int64) {
	if f.exact() {
		return f.size, f.size + f.bare
	}
	return f.size - f.lf, f.size
}

// unixWriter writes CRLF as LF.
type unixWriter struct {
	w  io.Writer
	cr bool // a CR that may belong to a line end
}

func (u *unixWriter) Write(p []byte) (int, error) {
	total := len(p)
	for len(p) > 0 {
		if u.cr {
			u.cr = false
			if p[0] != '\n' {
				if _, err := u.w.Write([]byte{'\r'}); err != nil {
					return 0, err
				}
			}
		}
		i := bytes.Index(p, []byte("\r\n"))
		part := p
		switch {
		case i >= 0:
			part, p = p[:i], p[i+1:]
		case p[len(p)-1] == '\r':
			part, p, u.cr = p[:len(p)-1], nil, true
		default:
			p = nil
		}
		if _, err := u.w.Write(part); err != nil {
			return 0, err
		}
	}
	return total, nil
}

// finish writes what was held back.
func (u *unixWriter) finish() error {
	if !u.cr {
		return nil
	}
	u.cr = false
	_, err := u.w.Write([]byte{'\r'})
	return err
}

// crlfReader puts CR before each LF that has none.
type crlfReader struct {
	r    io.Reader
	in   []byte // read and not given out
	buf  []byte
	last byte
	err  error
}

func newCRLFReader(r io.Reader) *crlfReader {
	return &crlfReader{r: r, buf: make([]byte, 32<<10)}
}

func (c *crlfReader) Read(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	for n == 0 {
		if len(c.in) == 0 {
			if c.err != nil {
				return 0, c.err
			}
			var k int
			k, c.err = c.r.Read(c.buf)
			c.in = c.buf[:k]
			continue
		}
		n = c.fill(p)
	}
	return n, nil
}

func (c *crlfReader) fill(p []byte) (n int) {
	for n < len(p) && len(c.in) > 0 {
		if c.in[0] == '\n' {
			if c.last != '\r' {
				c.last = '\r'
				p[n] = '\r'
				n++
				continue
			}
			p[n], c.last, c.in = '\n', '\n', c.in[1:]
			n++
			continue
		}
		line := c.in
		if i := bytes.IndexByte(line, '\n'); i >= 0 {
			line = line[:i]
		}
		k := copy(p[n:], line)
		c.last, c.in = line[k-1], c.in[k:]
		n += k
	}
	return n
}
