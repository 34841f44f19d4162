package mbox

import (
	"io"
	"math"
)

// Body returns what the block of the message at p says, and its exact octets:
// Meta.Size of them, or io.ErrUnexpectedEOF where the file has fewer. Whether they are the
// right ones only their SHA-256 shows. The error wraps ErrNotThere if
// another message or none stands at p. r may grow meanwhile.
func Body(r io.ReaderAt, p Place) (Meta, io.Reader, error) {
	if p.At < 0 {
		return Meta{}, nil, ErrNotThere
	}
	src := newSource(io.NewSectionReader(r, p.At, math.MaxInt64-p.At), p.At)
	head, err := src.peek(maxBlock)
	if err != nil {
		return Meta{}, nil, err
	}
	b, ok := readBlock(head)
	if !ok || b.superseded || b.meta.Sum != p.Sum {
		return Meta{}, nil, ErrNotThere
	}
	src.drop(b.size)
	return b.meta, newBody(src, b), nil
}
