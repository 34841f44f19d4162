package quote_test

import (
	"bufio"
	"io"
	"strings"
	"testing"

	"mailferry/archive/mbox/internal/quote"
)

func TestMarks(t *testing.T) {
	many := strings.Repeat(">", 100000)
	for _, c := range []struct {
		line, rest string
		marks      int64
		from       bool
	}{
		{"", "", 0, false},
		{"From a", "From a", 0, true},
		{"From", "From", 0, false},
		{">From a", "From a", 1, true},
		{">>>", "", 3, false},
		{"> From a", " From a", 1, false},
		{" >From a", " >From a", 0, false},
		{">\n>From ", "\n>From ", 1, false},
		{many + "From ", "From ", 100000, true},
		{many + "from ", "from ", 100000, false},
	} {
		r := bufio.NewReaderSize(strings.NewReader(c.line), 16)
		marks, from, err := quote.Marks(r)
		rest, _ := io.ReadAll(r)
		if marks != c.marks || from != c.from || err != nil || string(rest) != c.rest {
			t.Errorf("%.20q: %d, %t, %v, rest %.20q", c.line, marks, from, err, rest)
		}
	}
}
