package transfer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"hash"
	"io"

	"mailferry/transfer/mail"
)

// digest identifies the octets of a message: all of them, and those behind the
// header, for destinations that rewrite headers.
type digest struct{ whole, body [sha256.Size]byte }

// digester computes a digest from what is written to it.
type digester struct {
	whole, body hash.Hash
	header      []byte // kept until its end is found, for the key
	inBody      bool
}

// maxHeader bounds what is kept of a header; the fields of the key stand before.
const maxHeader = 256 << 10

func newDigester() *digester {
	return &digester{whole: sha256.New(), body: sha256.New()}
}

func (d *digester) Write(p []byte) (int, error) {
	n := len(p)
	d.whole.Write(p)
	if d.inBody {
		d.body.Write(p)
		return n, nil
	}
	d.header = append(d.header, p...)
	if end := headerEnd(d.header); end >= 0 {
		d.inBody = true
		d.body.Write(d.header[end:])
		d.header = d.header[:end]
	} else if len(d.header) > maxHeader {
		d.inBody = true
	}
	return n, nil
}

func (d *digester) sum() digest {
	var out digest
	d.whole.Sum(out.whole[:0])
	d.body.Sum(out.body[:0])
	return out
}

// headerEnd returns the offset behind the empty line that ends a header, or -1.
func headerEnd(b []byte) int {
	for at := 0; ; {
		i := bytes.IndexByte(b[at:], '\n')
		if i < 0 {
			return -1
		}
		line := bytes.TrimRight(b[at:at+i], "\r")
		at += i + 1
		if len(line) == 0 {
			return at
		}
	}
}

// digests reads the given messages and returns the digest of each that came.
func digests(ctx context.Context, r mail.Reader, uids mail.UIDSet) (map[mail.UID]digest, error) {
	out := make(map[mail.UID]digest, uids.Len())
	if uids.Empty() {
		return out, nil
	}
	err := r.Fetch(ctx, uids, func(info mail.Info, body io.Reader) error {
		d := newDigester()
		if _, err := io.Copy(d, body); err != nil {
			return err
		}
		out[info.UID] = d.sum()
		return nil
	})
	return out, err
}
