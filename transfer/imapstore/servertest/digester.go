package servertest

import (
	"crypto/sha256"
	"hash"
)

// digester hashes a message as it is and as servers are known to rewrite it.
type digester struct {
	size                 int64
	exact, munged, lines hash.Hash
	buf                  []byte
	last                 byte
	line                 int  // octets in the current line, without CR
	inBody               bool // the empty line has passed
}

func newDigester() *digester {
	return &digester{exact: sha256.New(), munged: sha256.New(), lines: sha256.New()}
}

// Write takes the next octets of the message. It never fails.
func (d *digester) Write(p []byte) (int, error) {
	d.size += int64(len(p))
	d.exact.Write(p)
	d.munge(p)
	d.lineByLine(p)
	return len(p), nil
}

func (d *digester) munge(p []byte) {
	if d.inBody {
		d.munged.Write(p)
		return
	}
	d.buf = append(d.buf[:0], p...)
	for i, c := range d.buf {
		switch {
		case c == '\n':
			if d.line == 0 {
				d.inBody = true
				d.munged.Write(d.buf)
				return
			}
			d.line = 0
		case c == '\r':
		default:
			d.line++
			if c >= 0x80 {
				d.buf[i] = 'X'
			}
		}
	}
	d.munged.Write(d.buf)
}

func (d *digester) lineByLine(p []byte) {
	d.buf = d.buf[:0]
	for _, c := range p {
		if c != '\r' {
			d.buf = append(d.buf, c)
			d.last = c
		}
	}
	d.lines.Write(d.buf)
}

// digest is the result; nothing may be written after it.
func (d *digester) digest() *digest {
	out := &digest{size: d.size}
	d.exact.Sum(out.exact[:0])
	d.munged.Sum(out.munged[:0])
	if d.last != '\n' {
		d.lines.Write([]byte{'\n'})
	}
	d.lines.Sum(out.lines[:0])
	return out
}
