package transfer

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/time/rate"

	"mailferry/transfer/mail"
)

const defaultMemory = 32 << 20

// loader turns the stream of a fetched message into a Body that can be opened
// again: in memory while the budget lasts, in a file otherwise.
type loader struct {
	memory  *memory
	inMem   int64 // bodies above this go to a file
	dir     string
	limit   *rate.Limiter // nil: none
	digests bool          // the destination does not tell UIDs: copies are looked for
}

func newLoader(j *Job, digests bool) *loader {
	octets := j.Memory
	if octets <= 0 {
		octets = defaultMemory
	}
	l := &loader{memory: newMemory(octets), inMem: octets / 8, dir: j.SpoolDir, digests: digests}
	if j.RateLimit > 0 {
		l.limit = rate.NewLimiter(rate.Limit(j.RateLimit), int(max(j.RateLimit, 64<<10)))
	}
	return l
}

// item is a message between the ends.
type item struct {
	info  mail.Info
	looks *looks // nil unless its copy may have to be looked for
	body  mail.Body
}

// looks is what a copy is recognised by.
type looks struct {
	key    mail.Key
	digest digest
}

// load reads body to its end. With spool set it never waits for memory, which a
// message needs that arrived before its turn.
func (l *loader) load(ctx context.Context, info mail.Info, body io.Reader, spool bool) (*item, error) {
	it := &item{info: info}
	if l.limit != nil {
		body = &pacedReader{ctx, body, l.limit}
	}
	var head *digester
	if l.digests {
		head = newDigester()
		body = io.TeeReader(body, head)
	}
	var err error
	if spool || info.Size > l.inMem {
		it.body, err = l.toFile(info, body)
	} else {
		it.body, err = l.toMemory(ctx, info, body)
	}
	if err != nil {
		return nil, err
	}
	if l.digests {
		it.looks = &looks{mail.KeyOf(head.header), head.sum()}
	}
	return it, nil
}

func (l *loader) toMemory(ctx context.Context, info mail.Info, body io.Reader) (mail.Body, error) {
	b := &memoryBody{size: info.Size, memory: l.memory}
	var err error
	if b.pieces, err = l.memory.borrow(ctx, info.Size, b.sole[:0]); err != nil {
		return nil, err
	}
	if err := readExactly(b.pieces, body); err != nil {
		b.Release()
		return nil, shortBody(info, err)
	}
	return b, nil
}

func readExactly(pieces []piece, r io.Reader) error {
	for i, p := range pieces {
		_, err := io.ReadFull(r, p.octets)
		if err == io.EOF && i > 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
	}
	var more [1]byte
	if n, err := io.ReadFull(r, more[:]); n > 0 {
		return fmt.Errorf("more octets than the stated size")
	} else if err != io.EOF {
		return err
	}
	return nil
}

func shortBody(info mail.Info, err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	var known *mail.Error
	if asMailError(err, &known) {
		return err
	}
	return &mail.Error{Op: "read", UID: info.UID, Scope: mail.ScopeFolder, Retry: mail.RetrySoon, Err: err}
}

func (l *loader) toFile(info mail.Info, body io.Reader) (mail.Body, error) {
	f, err := os.CreateTemp(l.dir, "mailferry-spool-*")
	if err != nil {
		return nil, spoolError(err)
	}
	// Unlinked at once, so that a killed run leaves nothing behind.
	os.Remove(f.Name())
	n, err := io.Copy(spoolWriter{f}, body)
	if err == nil && n != info.Size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		f.Close()
		return nil, shortBody(info, err)
	}
	return &fileBody{file: f, size: n}, nil
}

// spoolWriter tells errors of the spool file apart from those of the source.
type spoolWriter struct{ f *os.File }

func (w spoolWriter) Write(p []byte) (int, error) {
	n, err := w.f.Write(p)
	if err != nil {
		err = spoolError(err)
	}
	return n, err
}

func spoolError(err error) error {
	return &mail.Error{Op: "spool", Scope: mail.ScopeStore, Retry: mail.RetryNever,
		Hint: "large messages wait in the state directory: make room there", Err: err}
}

type fileBody struct {
	file *os.File
	size int64
	once sync.Once
}

func (b *fileBody) Size() int64 { return b.size }
func (b *fileBody) Open() (io.ReadCloser, error) {
	return io.NopCloser(io.NewSectionReader(b.file, 0, b.size)), nil
}
func (b *fileBody) Release() { b.once.Do(func() { b.file.Close() }) }

// pacedReader keeps a stream within a rate.
type pacedReader struct {
	ctx   context.Context
	r     io.Reader
	limit *rate.Limiter
}

func (p *pacedReader) Read(b []byte) (int, error) {
	if most := p.limit.Burst(); len(b) > most {
		b = b[:most]
	}
	n, err := p.r.Read(b)
	if n > 0 {
		if werr := p.limit.WaitN(p.ctx, n); werr != nil {
			return n, werr
		}
	}
	return n, err
}
