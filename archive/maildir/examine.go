package maildir

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"

	"mailferry/transfer/mail"
)

// maxHeader bounds the memory for a header. The fields of a key stand before that.
const maxHeader = 4 << 20

// examined is what one pass over a message tells.
type examined struct {
	form   form
	hash   hash.Hash
	header []byte
	inBody bool
}

func newExamined() *examined { return &examined{hash: sha256.New()} }

func examine(body mail.Body) (*examined, error) {
	r, err := body.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	e := newExamined()
	if _, err := io.Copy(e, r); err != nil {
		return nil, err
	}
	if e.form.size != body.Size() {
		return nil, fmt.Errorf("the message has %d octets and not %d", e.form.size, body.Size())
	}
	return e, nil
}

func (e *examined) Write(p []byte) (int, error) {
	e.hash.Write(p)
	e.form.Write(p)
	if !e.inBody {
		e.takeHeader(p)
	}
	return len(p), nil
}

// takeHeader takes little more than the header, also of a message that comes as a whole.
func (e *examined) takeHeader(p []byte) {
	const piece = 2 << 10
	for len(p) > 0 && !e.inBody {
		n := min(len(p), piece, maxHeader-len(e.header))
		e.takePiece(p[:n])
		p = p[n:]
	}
}

func (e *examined) takePiece(p []byte) {
	from := max(0, len(e.header)-2)
	e.header = append(e.header, p...)
	rest := e.header[from:]
	for {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			break
		}
		rest = rest[i+1:]
		if bytes.HasPrefix(rest, []byte("\n")) || bytes.HasPrefix(rest, []byte("\r\n")) {
			e.inBody = true
			return
		}
	}
	e.inBody = len(e.header) >= maxHeader
}

func (e *examined) sum() (sum [sha256.Size]byte) {
	e.hash.Sum(sum[:0])
	return sum
}

func (e *examined) key() mail.Key { return mail.KeyOf(e.header) }
