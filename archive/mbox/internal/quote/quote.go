// Package quote knows which lines of an mbox are quoted.
package quote

import (
	"bufio"
	"io"
)

// From is how a From_ line begins.
const From = "From "

// Lead is how many ">" text begins with.
func Lead(text []byte) (n int) {
	for n < len(text) && text[n] == '>' {
		n++
	}
	return n
}

// Marks consumes the ">" at the beginning of a line, of which there may be any number,
// and looks whether "From " follows. The end of r is no error.
func Marks(r *bufio.Reader) (marks int64, from bool, err error) {
	for {
		head, err := r.Peek(len(From))
		if err != nil && err != io.EOF {
			return marks, false, err
		}
		n := Lead(head)
		if n == 0 {
			return marks, string(head) == From, nil
		}
		marks += int64(n)
		if _, err := r.Discard(n); err != nil {
			return marks, false, err
		}
	}
}
