package mbox

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"

	"mailferry/transfer/mail"
)

// Measured is what one pass over a message tells.
type Measured struct {
	Size int64
	Sum  [sha256.Size]byte
	Key  mail.Key
	EOL  EOL // how the message would be written
}

// Measure reads a message to its end.
func Measure(r io.Reader) (Measured, error) {
	m := newMeasure()
	if _, err := io.Copy(m, r); err != nil {
		return Measured{}, err
	}
	return m.result(), nil
}

func measureBody(body mail.Body) (Measured, error) {
	r, err := body.Open()
	if err != nil {
		return Measured{}, err
	}
	defer r.Close()
	m, err := Measure(r)
	if err == nil && m.Size != body.Size() {
		err = fmt.Errorf("the message has %d octets and not %d", m.Size, body.Size())
	}
	return m, err
}

// maxHeader bounds the memory for a header. The fields of a key stand before that.
const maxHeader = 4 << 20

type measure struct {
	hash         hash.Hash
	header       []byte
	inBody       bool
	size         int64
	crs, lfs     int64
	pairs        int64 // of CRLF
	last, before byte  // the last two octets
}

func newMeasure() *measure { return &measure{hash: sha256.New()} }

func (m *measure) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	m.hash.Write(p)
	if !m.inBody {
		m.takeHeader(p)
	}
	m.crs += int64(bytes.Count(p, []byte("\r")))
	m.lfs += int64(bytes.Count(p, []byte("\n")))
	m.pairs += int64(bytes.Count(p, []byte("\r\n")))
	if m.last == '\r' && p[0] == '\n' {
		m.pairs++
	}
	m.size += int64(len(p))
	if len(p) > 1 {
		m.last = p[len(p)-2]
	}
	m.before, m.last = m.last, p[len(p)-1]
	return len(p), nil
}

// takeHeader takes little more than the header, also of a message that comes as a whole.
func (m *measure) takeHeader(p []byte) {
	const piece = 2 << 10
	for len(p) > 0 && !m.inBody {
		n := min(len(p), piece, maxHeader-len(m.header))
		m.takePiece(p[:n])
		p = p[n:]
	}
}

func (m *measure) takePiece(p []byte) {
	from := max(0, len(m.header)-2)
	m.header = append(m.header, p...)
	rest := m.header[from:]
	for {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			break
		}
		rest = rest[i+1:]
		if bytes.HasPrefix(rest, []byte("\n")) || bytes.HasPrefix(rest, []byte("\r\n")) {
			m.inBody = true
			return
		}
	}
	m.inBody = len(m.header) >= maxHeader
}

func (m *measure) result() Measured {
	out := Measured{Size: m.size, Key: mail.KeyOf(m.header), EOL: EOLExact}
	m.hash.Sum(out.Sum[:0])
	if m.crs == m.pairs && m.lfs == m.pairs {
		out.EOL = EOLNoFinal
		if m.size == 0 || m.last == '\n' && m.before == '\r' {
			out.EOL = EOLCRLF
		}
	}
	return out
}
