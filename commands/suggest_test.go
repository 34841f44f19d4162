package commands

import (
	"strings"
	"testing"
)

func TestASuggestionIsNearOrNone(t *testing.T) {
	app := newBench(t).world.newApp(&halt{})
	migrate := flagNames(app.Command("migrate").Flags)
	cases := []struct {
		word  string
		among []string
		want  string
	}{
		{"mgirate", commandNames(app), "migrate"},
		{"migrat", commandNames(app), "migrate"},
		{"comp", commandNames(app), "compare"},
		{"lst", commandNames(app), "list"},
		{"wibble", commandNames(app), ""},
		{"version", commandNames(app), ""},
		{"", commandNames(app), ""},
		{"foldr", migrate, "folder"},
		{"dryrun", migrate, "dry-run"},
		{"dry-rnu", migrate, "dry-run"},
		{"max-sise", migrate, "max-size"},
		{"nix", migrate, ""},
		{"x", migrate, ""},
	}
	for _, c := range cases {
		if got := closest(c.word, c.among); got != c.want {
			t.Errorf("%q: %q suggested, want %q", c.word, got, c.want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "ab", 2}, {"ab", "", 2}, {"ab", "ba", 1}, {"abc", "abd", 1}, {"list", "last", 1}, {"kitten", "sitting", 3}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("%q to %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

// A variable that does nothing is told of when it looks as if it should do something, and only
// then: other programs have variables too.
func TestVariablesWithoutEffect(t *testing.T) {
	cases := []struct{ name, want string }{
		{"MAILFERRY_DRYRUN", "MAILFERRY_DRY_RUN?"},
		{"MAILFERRY_DST_PASSWORD", "MAILFERRY_DEST_PASSWORD?"},
		{"MAILFERRY_MIRROR", "--mirror is taken from the command line only"},
		{"MAILFERRY_DRY_RUN", ""},
		{"MAILFERRY_BODIES", ""},
		{"MAILFERRY_SOURCE_PASSWORD", ""},
		{"MAILFERRY_SOMETHING_OF_OURS", ""},
		{"DRYRUN", ""},
	}
	for _, c := range cases {
		b := newBench(t)
		b.world.environ = func() []string { return []string{c.name + "=secret-value"} }
		b.world.warnOfVariables(b.world.newApp(&halt{}))
		got := b.err.String()
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) || strings.Contains(got, "secret-value") {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}
