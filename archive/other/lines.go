package other

import (
	"bytes"
	"errors"
	"io"
	"os"
)

// wireSize counts the octets of a message in a file, with CR before each LF that has none.
func wireSize(f *os.File) (int64, error) {
	var size int64
	last := byte(0)
	buf := make([]byte, 32<<10)
	for at := int64(0); ; {
		n, err := f.ReadAt(buf, at)
		at += int64(n)
		size += int64(n)
		for part := buf[:n]; ; {
			i := bytes.IndexByte(part, '\n')
			if i < 0 {
				if len(part) > 0 {
					last = part[len(part)-1]
				}
				break
			}
			if i > 0 {
				last = part[i-1]
			}
			if last != '\r' {
				size++
			}
			last, part = '\n', part[i+1:]
		}
		if errors.Is(err, io.EOF) {
			return size, nil
		}
		if err != nil {
			return 0, err
		}
	}
}

// wireReader puts CR before each LF that has none.
type wireReader struct {
	r    io.Reader
	in   []byte // read and not given out
	buf  []byte
	last byte
	err  error
}

func newWireReader(r io.Reader) *wireReader { return &wireReader{r: r, buf: make([]byte, 32<<10)} }

func (w *wireReader) Read(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	for n == 0 {
		if len(w.in) == 0 {
			if w.err != nil {
				return 0, w.err
			}
			var k int
			k, w.err = w.r.Read(w.buf)
			w.in = w.buf[:k]
			continue
		}
		n = w.fill(p)
	}
	return n, nil
}

func (w *wireReader) fill(p []byte) (n int) {
	for n < len(p) && len(w.in) > 0 {
		if w.in[0] == '\n' {
			if w.last != '\r' {
				p[n], w.last = '\r', '\r'
				n++
				continue
			}
			p[n], w.last, w.in = '\n', '\n', w.in[1:]
			n++
			continue
		}
		line := w.in
		if i := bytes.IndexByte(line, '\n'); i >= 0 {
			line = line[:i]
		}
		k := copy(p[n:], line)
		w.last, w.in = line[k-1], w.in[k:]
		n += k
	}
	return n
}
