package commands

import (
	"errors"
	"strings"
	"testing"
)

func TestReadHidden(t *testing.T) {
	for typed, want := range map[string]string{
		"secret\r":             "secret",
		"secret\nmore":         "secret",
		"\r":                   "",
		"wrong\x15right\r":     "right",
		"sü\x7f\x08\x7fpass\r": "pass",
		"a\x03b\r":             "ab",
	} {
		interrupts := 0
		got, err := readHidden(strings.NewReader(typed), func() { interrupts++ })
		if err != nil || got != want || interrupts != strings.Count(typed, "\x03") {
			t.Errorf("%q: %q, %v, %d interrupts", typed, got, err, interrupts)
		}
	}
	for _, typed := range []string{"\x04", "half\x04\r", "", "half"} {
		if got, err := readHidden(strings.NewReader(typed), nil); !errors.Is(err, errNothingTyped) {
			t.Errorf("%q: %q, %v", typed, got, err)
		}
	}
}
