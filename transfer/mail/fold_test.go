package mail

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestCompareFold holds the short way for ASCII against the definition, also where lower case has
// another length or makes ASCII of what is none.
func TestCompareFold(t *testing.T) {
	names := rapid.StringOf(rapid.SampledFrom([]rune("aAbzZ[_`{\\$0éÉİıKkſß")))
	rapid.Check(t, func(t *rapid.T) {
		a, b := names.Draw(t, "a"), names.Draw(t, "b")
		if got, want := compareFold(a, b), strings.Compare(strings.ToLower(a), strings.ToLower(b)); got != want {
			t.Fatalf("%q and %q: %d, want %d", a, b, got, want)
		}
	})
}
