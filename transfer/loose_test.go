package transfer

import (
	"crypto/sha256"
	"math/rand/v2"
	"testing"
)

// slowly is what looseHash computes, octet by octet.
func slowly(text string, header bool) [sha256.Size]byte {
	var out []byte
	pending := 0
	for i := range len(text) {
		c := text[i]
		switch {
		case c == '\r':
			continue
		case c == '\n':
			pending++
			continue
		case c >= 0x80 && header:
			c = 'X'
		}
		for ; pending > 0; pending-- {
			out = append(out, '\n')
		}
		out = append(out, c)
	}
	return sha256.Sum256(out)
}

// However a message is cut into pieces, its loose digest is the same.
func TestLooseDigestOfAnyPieces(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	const octets = "ab\r\n\xfc \x00"
	for range 2000 {
		text := make([]byte, rnd.IntN(60))
		for i := range text {
			text[i] = octets[rnd.IntN(len(octets))]
		}
		for _, header := range []bool{false, true} {
			l := looseHash{h: sha256.New()}
			for rest := text; len(rest) > 0; {
				n := 1 + rnd.IntN(len(rest))
				l.write(rest[:n], header)
				rest = rest[n:]
			}
			if got, want := [sha256.Size]byte(l.h.Sum(nil)), slowly(string(text), header); got != want {
				t.Fatalf("%q, header %v", text, header)
			}
		}
	}
}
