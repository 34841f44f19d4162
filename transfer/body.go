package transfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"mailferry/transfer/mail"
)

const defaultMemory = 32 << 20

// loader turns the stream of a fetched message into a Body that can be opened
// again: in memory while the budget lasts, in a file otherwise.
type loader struct {
	budget  *semaphore.Weighted
	inMem   int64 // bodies above this go to a file
	dir     string
	limit   *rate.Limiter // nil: none
	digests bool          // the destination does not tell UIDs: copies are looked for

	mu      sync.Mutex
	waiting int           // how many wait for memory
	cry     chan struct{} // closed while somebody does
}

func newLoader(j *Job, digests bool) *loader {
	memory := j.Memory
	if memory <= 0 {
		memory = defaultMemory
	}
	l := &loader{budget: semaphore.NewWeighted(memory), inMem: memory / 8, dir: j.SpoolDir, digests: digests,
		cry: make(chan struct{})}
	if j.RateLimit > 0 {
		l.limit = rate.NewLimiter(rate.Limit(j.RateLimit), int(max(j.RateLimit, 64<<10)))
	}
	return l
}

// item is a message between the ends.
type item struct {
	info   mail.Info
	key    mail.Key
	digest digest
	body   mail.Body
}

// load reads body to its end. With spool set it never waits for memory, which a
// message needs that arrived before its turn.
func (l *loader) load(ctx context.Context, info mail.Info, body io.Reader, spool bool) (*item, error) {
	if whole, ok := body.(mail.Whole); ok && !spool && !l.digests && l.limit == nil && info.Size <= l.inMem {
		return l.take(ctx, info, whole)
	}
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
		it.key, it.digest = mail.KeyOf(head.header), head.sum()
	}
	return it, nil
}

// take is load for a message that is in memory already.
func (l *loader) take(ctx context.Context, info mail.Info, body mail.Whole) (*item, error) {
	if err := l.acquire(ctx, info.Size); err != nil {
		return nil, err
	}
	octets := body.Take()
	if n := int64(len(octets)); n != info.Size {
		l.budget.Release(info.Size)
		return nil, shortBody(info, fmt.Errorf("%d octets and not the stated %d", n, info.Size))
	}
	return &item{info: info, body: l.inMemory(octets)}, nil
}

func (l *loader) toMemory(ctx context.Context, info mail.Info, body io.Reader) (mail.Body, error) {
	if err := l.acquire(ctx, info.Size); err != nil {
		return nil, err
	}
	buf := make([]byte, info.Size)
	if err := readExactly(buf, body); err != nil {
		l.budget.Release(info.Size)
		return nil, shortBody(info, err)
	}
	return l.inMemory(buf), nil
}

// inMemory is a body for whose octets memory has been acquired.
func (l *loader) inMemory(octets []byte) mail.Body {
	size := int64(len(octets))
	b := &memoryBody{size: size, free: func() { l.budget.Release(size) }}
	b.data.Store(&octets)
	return b
}

// acquire waits for memory, and lets those know who could give some back.
func (l *loader) acquire(ctx context.Context, n int64) error {
	if l.budget.TryAcquire(n) {
		return nil
	}
	l.mu.Lock()
	if l.waiting++; l.waiting == 1 {
		close(l.cry)
	}
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.waiting--; l.waiting == 0 {
			l.cry = make(chan struct{})
		}
	}()
	return l.budget.Acquire(ctx, n)
}

// hunger reports whether somebody waits for memory, and returns what is closed when
// the next one does.
func (l *loader) hunger() (bool, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waiting > 0, l.cry
}

func readExactly(buf []byte, r io.Reader) error {
	if _, err := io.ReadFull(r, buf); err != nil {
		return err
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

var errReleased = errors.New("the body was released before it was read")

type memoryBody struct {
	data atomic.Pointer[[]byte] // nil once released
	size int64
	free func()
}

func (b *memoryBody) Size() int64 { return b.size }
func (b *memoryBody) Open() (io.ReadCloser, error) {
	data := b.data.Load()
	if data == nil {
		return nil, errReleased
	}
	return io.NopCloser(bytes.NewReader(*data)), nil
}
func (b *memoryBody) Release() {
	if b.data.Swap(nil) != nil {
		b.free()
	}
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
