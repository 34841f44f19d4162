package mbox

import (
	"bytes"
	"io"
	"slices"

	"mailferry/archive/mbox/internal/quote"
)

// Glance reads messages of a file each with one look at it, or none if the last one went far enough.
type Glance struct {
	in  io.ReaderAt
	at  int64 // where text stands in the file
	buf []byte
}

// NewGlance returns a Glance at a file, which may grow meanwhile.
func NewGlance(in io.ReaderAt) *Glance { return &Glance{in: in} }

const (
	glanceWindow = 64 << 10
	glanceBlock  = 2 << 10 // what a From_ line with its block takes, most of the time
	glanceMost   = 2 << 20
)

// Message reads a message of so many octets, into buf if that has the room. It may fail for a message that Body can
// read, and what it returns is right only if its SHA-256 is.
func (g *Glance) Message(p Place, size int64, buf []byte) ([]byte, bool) {
	if p.At < 0 || size > glanceMost {
		return buf, false
	}
	text := g.from(p.At, int(size)+glanceBlock)
	b, _, ok := parseLines(text[:min(len(text), maxBlock)])
	if !ok || b.meta.Sum != p.Sum || b.meta.Size != size {
		return buf, false
	}
	buf = slices.Grow(buf[:0], int(size)+1)[:size] // and not nil for a message of no octets
	return buf, unquoted(buf, text[b.size:], b.meta.EOL != EOLExact)
}

// from returns what stands in the file from at on: so many octets if there are, and maybe more.
func (g *Glance) from(at int64, octets int) []byte {
	if skip := at - g.at; skip >= 0 && skip+int64(octets) <= int64(len(g.buf)) {
		return g.buf[skip:]
	}
	octets = max(octets, glanceWindow)
	g.buf = slices.Grow(g.buf[:0], octets)[:octets]
	// Whatever is missing shows.
	n, _ := g.in.ReadAt(g.buf, at)
	g.at, g.buf = at, g.buf[:n]
	return g.buf
}

// unquoted fills out with a message whose text is given, and with more of the file behind it.
func unquoted(out, text []byte, crlf bool) bool {
	for len(out) > 0 {
		if len(text) > 0 && (text[0] == '>' || text[0] == quote.From[0]) {
			marks := quote.Lead(text)
			switch from := bytes.HasPrefix(text[marks:], []byte(quote.From)); {
			case from && marks == 0:
				return false
			case from:
				text = text[1:]
			}
		}
		i := bytes.IndexByte(text, '\n')
		if i < 0 {
			return false
		}
		n := copy(out, text[:i])
		out, text = out[n:], text[i+1:]
		if crlf && len(out) > 0 {
			out[0], out = '\r', out[1:]
		}
		if len(out) > 0 {
			out[0], out = '\n', out[1:]
		}
	}
	return true
}
