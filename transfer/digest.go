package transfer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"hash"
	"io"

	"mailferry/transfer/mail"
)

// digest identifies the octets of a message: all of them; the message as servers
// hand it back that mend line ends and put an X for each 8-bit octet of the header;
// and what follows the header, for servers that add to headers.
type digest struct{ whole, loose, body [sha256.Size]byte }

// noBody is the body digest of a message that ends with its header.
func noBody() [sha256.Size]byte { return sha256.Sum256(nil) }

// digester computes a digest from what is written to it.
type digester struct {
	whole       hash.Hash
	loose, body looseHash
	header      []byte // kept until its end is found, for the key
	inBody      bool
}

// maxHeader bounds what is kept of a header; the fields of the key stand before.
const maxHeader = 256 << 10

func newDigester() *digester {
	return &digester{whole: sha256.New(), loose: looseHash{h: sha256.New()}, body: looseHash{h: sha256.New()}}
}

func (d *digester) Write(p []byte) (int, error) {
	d.whole.Write(p)
	if d.inBody {
		d.loose.write(p, false)
		d.body.write(p, false)
		return len(p), nil
	}
	searched := max(0, len(d.header)-4)
	d.header = append(d.header, p...)
	end := headerEnd(d.header, searched)
	if end < 0 && len(d.header) <= maxHeader {
		return len(p), nil
	}
	d.inBody = true
	if end < 0 {
		end = len(d.header)
	}
	d.loose.write(d.header[:end], true)
	d.loose.write(d.header[end:], false)
	d.body.write(d.header[end:], false)
	d.header = d.header[:end]
	return len(p), nil
}

func (d *digester) sum() digest {
	if !d.inBody {
		d.inBody = true
		d.loose.write(d.header, true)
	}
	var out digest
	d.whole.Sum(out.whole[:0])
	d.loose.h.Sum(out.loose[:0])
	d.body.h.Sum(out.body[:0])
	return out
}

// looseHash leaves out every CR and the line ends at the very end.
type looseHash struct {
	h       hash.Hash
	pending int // line feeds that count only if something follows
	buf     []byte
}

func (l *looseHash) write(p []byte, header bool) {
	l.buf = l.buf[:0]
	for len(p) > 0 {
		line, rest, ended := bytes.Cut(p, []byte{'\n'})
		p = rest
		for len(line) > 0 {
			text, more, _ := bytes.Cut(line, []byte{'\r'})
			line = more
			l.add(text, header)
		}
		if ended {
			l.pending++
		}
	}
	l.h.Write(l.buf)
}

// add takes in octets without line ends.
func (l *looseHash) add(text []byte, header bool) {
	if len(text) == 0 {
		return
	}
	for ; l.pending > 0; l.pending-- {
		l.buf = append(l.buf, '\n')
	}
	at := len(l.buf)
	l.buf = append(l.buf, text...)
	if !header {
		return
	}
	for i, c := range l.buf[at:] {
		if c >= 0x80 {
			l.buf[at+i] = 'X'
		}
	}
}

// headerEnd returns the offset behind the empty line that ends a header, or -1.
// Nothing before from is such a line.
func headerEnd(b []byte, from int) int {
	// The line that reaches into the new part may have begun before it.
	at := bytes.LastIndexByte(b[:from], '\n') + 1
	for {
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
