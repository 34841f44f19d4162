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

// Decoder yields the octets of the message in a file. It can be used again for
// the next; the zero value is ready.
type Decoder struct {
	r     io.Reader
	exact bool
	in    []byte // read and not given out
	buf   []byte
	last  byte
	err   error
}

// Reset makes d read from r, which yields what is in the file of that name.
func (d *Decoder) Reset(file string, r io.Reader) {
	name, ours := ParseName(Base(file))
	*d = Decoder{r: r, exact: !ours || name.Exact, buf: d.buf}
	if d.buf == nil && !d.exact {
		d.buf = make([]byte, 32<<10)
	}
}

// Read puts CR before each LF that has none, unless the file is exact.
func (d *Decoder) Read(p []byte) (n int, err error) {
	if d.exact {
		return d.r.Read(p)
	}
	if len(p) == 0 {
		return 0, nil
	}
	for n == 0 {
		if len(d.in) == 0 {
			if d.err != nil {
				return 0, d.err
			}
			var k int
			k, d.err = d.r.Read(d.buf)
			d.in = d.buf[:k]
			continue
		}
		n = d.fill(p)
	}
	return n, nil
}

func (d *Decoder) fill(p []byte) (n int) {
	for n < len(p) && len(d.in) > 0 {
		if d.in[0] == '\n' {
			if d.last != '\r' {
				d.last = '\r'
				p[n] = '\r'
				n++
				continue
			}
			p[n], d.last, d.in = '\n', '\n', d.in[1:]
			n++
			continue
		}
		line := d.in
		if i := bytes.IndexByte(line, '\n'); i >= 0 {
			line = line[:i]
		}
		k := copy(p[n:], line)
		d.last, d.in = line[k-1], d.in[k:]
		n += k
	}
	return n
}
