package mbox

import (
	"bufio"
	"bytes"
	"io"
	"strings"

	"mailferry/archive/mbox/internal/quote"
)

// encode writes the octets of r as mboxrd and returns how many r had. With lf
// their CRs are left out, each of which stands before an LF. The text ends in LF.
func encode(w io.Writer, r *bufio.Reader, lf bool) (size int64, err error) {
	e := encoder{w: w}
	start, last := true, byte('\n')
	for {
		if start {
			n, err := e.startLine(r)
			size += n
			if err != nil {
				return size, err
			}
			if n > 0 {
				last = '>'
			}
		}
		chunk, rerr := r.ReadSlice('\n')
		if len(chunk) > 0 {
			size += int64(len(chunk))
			last = chunk[len(chunk)-1]
			e.write(chunk, lf)
		}
		start = rerr == nil
		switch {
		case e.err != nil:
			return size, e.err
		case rerr == io.EOF:
			if last != '\n' {
				e.put([]byte("\n"))
			}
			return size, e.err
		case rerr != nil && rerr != bufio.ErrBufferFull:
			return size, rerr
		}
	}
}

type encoder struct {
	w   io.Writer
	err error
}

func (e *encoder) put(p []byte) {
	if e.err == nil && len(p) > 0 {
		_, e.err = e.w.Write(p)
	}
}

// write leaves out CRs with lf. A line may come in several chunks, and the CR of its end in
// another one than its LF. The chunk is changed, to write it at once.
func (e *encoder) write(chunk []byte, lf bool) {
	n := len(chunk)
	switch {
	case lf && bytes.HasSuffix(chunk, []byte("\r\n")):
		chunk[n-2] = '\n'
		n--
	case lf && chunk[n-1] == '\r':
		n--
	}
	e.put(chunk[:n])
}

// startLine quotes the line that begins at r and consumes the ">" it begins with.
func (e *encoder) startLine(r *bufio.Reader) (marks int64, err error) {
	marks, from, err := quote.Marks(r)
	if err != nil {
		return marks, err
	}
	written := marks
	if from {
		written++
	}
	e.putMarks(written)
	return marks, e.err
}

func (e *encoder) putMarks(n int64) {
	for n > 0 && e.err == nil {
		part := min(n, 1024)
		e.put([]byte(strings.Repeat(">", int(part))))
		n -= part
	}
}
