package wire

import (
	"bufio"
	"fmt"
	"strings"
	"testing"
)

// TestFlagListsAreKnownAgain: a list that came before is not read again, and none is taken for another one
// that merely begins like it.
func TestFlagListsAreKnownAgain(t *testing.T) {
	lines := []struct{ list, want string }{
		{`(\Seen work) UID 1)`, `\Seen work`},
		{`(\Seen work) UID 1)`, `\Seen work`},
		{`( \seen  WORK )`, `\Seen WORK`},
		{`()`, ``},
		{`("a)`, `a)`},
		{`("a) b" \Seen)`, `\Seen a) b`},
		{`(a (b c) d)`, `a d`},
		{`(a (b)`, `a`},
		{`(a (b) \Seen)`, `\Seen a`},
		{`NIL`, ``},
		{`(\Seen work`, `\Seen work`},
		{`(\Recent \*)`, ``},
	}
	r := &reader{br: bufio.NewReader(strings.NewReader(""))}
	for range 2 {
		for _, line := range lines {
			s := &response{r: r, seg: []byte(line.list), lit: -1}
			if got := s.flags().String(); got != line.want {
				t.Errorf("%s: %q, want %q", line.list, got, line.want)
			}
			if rest := string(s.rest()); strings.Contains(line.list, "UID") && rest != " UID 1)" {
				t.Errorf("%s: %q is left", line.list, rest)
			}
		}
	}
}

// TestFlagListsTakeLittleMemory whatever a server makes up.
func TestFlagListsTakeLittleMemory(t *testing.T) {
	r := &reader{br: bufio.NewReader(strings.NewReader(""))}
	for n := range 3 * maxSets {
		for _, list := range []string{fmt.Sprintf("(a%d)", n), "(" + strings.Repeat("x", maxSetText) + fmt.Sprint(n) + ")"} {
			s := &response{r: r, seg: []byte(list), lit: -1}
			if got := s.flags().String(); got != strings.Trim(list, "()") {
				t.Fatalf("%s: %q", list, got)
			}
		}
	}
	if len(r.sets) != maxSets {
		t.Errorf("%d lists are kept", len(r.sets))
	}
}
