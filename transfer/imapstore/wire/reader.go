package wire

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"mailferry/transfer/mail"
)

const (
	bufferSize = 64 << 10
	maxLine    = 32 << 20 // a SEARCH reply for some million messages
	maxString  = 1 << 20  // strings other than bodies; what is longer is cut
)

var (
	errClosed    = errors.New("the server closed the connection")
	errLoggedOut = errors.New("the connection is closed")
	errTooLong   = fmt.Errorf("the server sent a line of more than %d octets", maxLine)
)

// reader cuts the stream into lines and literals.
type reader struct {
	br    *bufio.Reader
	long  []byte // holds a line that does not fit br
	trace tracer
	sets  map[string]mail.Flags // by their list, see response.flags
}

// line returns the next line without its end, CRLF or a bare LF. It is valid
// until the next read.
func (r *reader) line() ([]byte, error) {
	part, err := r.br.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		part, err = r.longLine(part)
	}
	if err != nil {
		if err == io.EOF {
			err = errClosed
		}
		return nil, err
	}
	part = bytes.TrimSuffix(part[:len(part)-1], []byte("\r"))
	r.trace.line("S", part)
	return part, nil
}

func (r *reader) longLine(part []byte) ([]byte, error) {
	r.long = append(r.long[:0], part...)
	for {
		part, err := r.br.ReadSlice('\n')
		r.long = append(r.long, part...)
		if err != bufio.ErrBufferFull {
			return r.long, err
		}
		if len(r.long) > maxLine {
			return nil, errTooLong
		}
	}
}

// trailingLiteral recognises the announcement of a literal at the end of a line
// ("{5}", and the "{5+}" and "~{5}" of RFC 7888 and RFC 3516).
func trailingLiteral(line []byte) (before []byte, size int64, ok bool) {
	if len(line) < 3 || line[len(line)-1] != '}' {
		return line, 0, false
	}
	open := bytes.LastIndexByte(line, '{')
	if open < 0 {
		return line, 0, false
	}
	size, ok = number(bytes.TrimSuffix(line[open+1:len(line)-1], []byte("+")))
	if !ok {
		return line, 0, false
	}
	return bytes.TrimSuffix(line[:open], []byte("~")), size, true
}

// number reads decimal digits and nothing else, up to 18 of them.
func number(b []byte) (n int64, ok bool) {
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}
