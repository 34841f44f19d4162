package mbox_test

import (
	"bytes"
	"crypto/sha256"
	"strings"
	"testing"

	"mailferry/archive/mbox"
)

// TestAGlanceTakesNothingElseForTheMessage whatever becomes of a single octet of the file.
func TestAGlanceTakesNothingElseForTheMessage(t *testing.T) {
	const first, second = "Subject: x\r\n\r\nFrom a\r\nb\r\n", "Subject: y\r\n\r\nlast"
	data, added := write(t, first, second)
	for i := range data {
		for _, c := range []byte{0, '\n', '>', 'F', data[i] ^ 1} {
			changed := bytes.Clone(data)
			changed[i] = c
			g := mbox.NewGlance(bytes.NewReader(changed))
			for n, want := range []string{first, second} {
				got, ok := g.Message(added[n].Place, int64(len(want)), nil)
				if ok && sha256.Sum256(got) == added[n].Sum && string(got) != want {
					t.Fatalf("octet %d as %q: %q", i, c, got)
				}
			}
		}
		for n, want := range []string{first, second} {
			if got, ok := mbox.NewGlance(bytes.NewReader(data[:i])).Message(added[n].Place, int64(len(want)), nil); ok && string(got) != want {
				t.Fatalf("cut after %d octets: %q", i, got)
			}
		}
	}
}

// TestAGlanceLooksElsewhereThanBefore also backwards, beyond what it has read, and not at all.
func TestAGlanceLooksElsewhereThanBefore(t *testing.T) {
	var bodies []string
	for n := range 40 {
		bodies = append(bodies, "Subject: x\r\n\r\n"+strings.Repeat(strings.Repeat(string(rune('a'+n%26)), 60)+"\r\n", 1+n*n*7))
	}
	data, added := write(t, bodies...)
	g := mbox.NewGlance(bytes.NewReader(data))
	for _, n := range []int{0, 1, 2, 30, 31, 2, 39, 38, 0, 12, 12, 13, 39} {
		want := bodies[n]
		if got, ok := g.Message(added[n].Place, int64(len(want)), nil); !ok || string(got) != want {
			t.Errorf("message %d: %d octets, %t", n, len(got), ok)
		}
	}
	other := mbox.Place{At: added[1].Place.At, Sum: added[2].Place.Sum}
	for _, p := range []mbox.Place{other, {At: -1}, {At: 1 << 40}, {At: added[3].Place.At + 1, Sum: added[3].Place.Sum}} {
		if got, ok := g.Message(p, int64(len(bodies[2])), nil); ok {
			t.Errorf("at %d: %q", p.At, got)
		}
	}
}
