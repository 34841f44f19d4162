package transfer

import (
	"errors"
	"io"
	"sync"
)

var (
	errReleased     = errors.New("the body was released before it was read")
	errReaderClosed = errors.New("the reader of the body is closed")
)

// memoryBody gives its memory back when it is released and all its readers are closed.
type memoryBody struct {
	size   int64
	memory *memory

	mu       sync.Mutex
	pieces   []piece
	sole     [1]piece // where pieces lie, as most bodies have but one
	readers  int
	released bool
}

func (b *memoryBody) Size() int64 { return b.size }

func (b *memoryBody) Open() (io.ReadCloser, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.released {
		return nil, errReleased
	}
	b.readers++
	return &memoryReader{body: b, pieces: b.pieces}, nil
}

func (b *memoryBody) Release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.released = true
	b.leave()
}

// leave is called with mu held.
func (b *memoryBody) leave() {
	if b.released && b.readers == 0 && b.pieces != nil {
		b.memory.giveBack(b.pieces)
		b.pieces = nil
	}
}

type memoryReader struct {
	body   *memoryBody // nil once closed
	pieces []piece     // what is left
	at     int         // in the first
}

func (r *memoryReader) Read(p []byte) (n int, err error) {
	if r.body == nil {
		return 0, errReaderClosed
	}
	for n < len(p) && len(r.pieces) > 0 {
		k := copy(p[n:], r.pieces[0].octets[r.at:])
		n += k
		r.pass(k)
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (r *memoryReader) pass(n int) {
	if r.at += n; r.at == len(r.pieces[0].octets) {
		r.pieces, r.at = r.pieces[1:], 0
	}
}

// WriteTo implements io.WriterTo: large pieces get from here to the network without a copy.
func (r *memoryReader) WriteTo(w io.Writer) (written int64, err error) {
	if r.body == nil {
		return 0, errReaderClosed
	}
	for len(r.pieces) > 0 {
		rest := r.pieces[0].octets[r.at:]
		n, err := w.Write(rest)
		written += int64(n)
		r.pass(n)
		if err == nil && n < len(rest) {
			err = io.ErrShortWrite
		}
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

func (r *memoryReader) Close() error {
	b := r.body
	if b == nil {
		return nil
	}
	r.body, r.pieces = nil, nil
	b.mu.Lock()
	defer b.mu.Unlock()
	b.readers--
	b.leave()
	return nil
}
