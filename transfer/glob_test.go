package transfer

import "testing"

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{
		{"INBOX", "INBOX", true},
		{"inbox", "INBOX", true},
		{"inbox/*", "INBOX/Work", true},
		{"INBOX", "INBOX/Work", false},
		{"Archive", "Archive/2024", false},
		{"Archive/*", "Archive/2024", true},
		{"Archive/*", "Archive/2024/May", false},
		{"Archive/**", "Archive/2024/May", true},
		{"Archive/**", "Archive", false},
		{"**/May", "Archive/2024/May", true},
		{"**", "Archive/2024/May", true},
		{"*", "Archive/2024", false},
		{"*", "", true},
		{"A?", "Aß", true},
		{"A?", "A/", false},
		{"*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaa", false},
		{"[Gmail]/*", "[Gmail]/Spam", true},
		{"a.c", "abc", false},
	} {
		if got := MatchGlob(c.pattern, c.path); got != c.want {
			t.Errorf("%q on %q: %v", c.pattern, c.path, got)
		}
	}
}
