package commands

import (
	"slices"
	"strings"
	"testing"
)

func TestFlagsMayStandAnywhere(t *testing.T) {
	w := newBench(t).world
	cases := []struct{ line, want string }{
		{"migrate a b", "migrate -- a b"},
		{"migrate a b -n", "migrate -n -- a b"},
		{"migrate a --folder X b --json", "migrate --folder X --json -- a b"},
		{"migrate a --folder=X b", "migrate --folder=X -- a b"},
		{"--json migrate a b", "migrate --json -- a b"},
		{"--folder X migrate a b", "migrate --folder X -- a b"},
		{"migrate a -- -n", "migrate -- a -n"},
		{"migrate - b", "migrate -- - b"},
		{"migrate a b --folder=-x", "migrate --folder=-x -- a b"},
		{"migrate a b --nonsense", "migrate --nonsense -- a b"},
		{"--version", "--version --"},
		{"nonsense a", "-- nonsense a"},
		{"", "--"},
	}
	for _, c := range cases {
		got, err := arrange(w.newApp(&halt{}), append([]string{"mailferry"}, strings.Fields(c.line)...), w.getenv)
		if want := append([]string{"mailferry"}, strings.Fields(c.want)...); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q becomes %q (%v), want %q", c.line, got, err, want)
		}
	}
}

func TestWantsJSONWithoutAWholeCommandLine(t *testing.T) {
	no := func(string) (string, bool) { return "", false }
	yes := func(name string) (string, bool) { return "1", name == "MAILFERRY_JSON" }
	if !wantsJSON([]string{"list", "--json", "--bad"}, no) || !wantsJSON(nil, yes) || wantsJSON([]string{"--", "--json"}, no) {
		t.Error("wrong guess")
	}
}

func TestSplitCommand(t *testing.T) {
	cases := []struct {
		line string
		want []string
	}{
		{"pass show mail/anna", []string{"pass", "show", "mail/anna"}},
		{`  a  'b c'  "d \"e\" \\ \n"  f\ g  `, []string{"a", "b c", `d "e" \ \n`, "f g"}},
		{`a''b "" ''`, []string{"ab", "", ""}},
		{"echo $HOME | cat; ls *", []string{"echo", "$HOME", "|", "cat;", "ls", "*"}},
		{"", nil},
		{" \t\n", nil},
	}
	for _, c := range cases {
		if got, err := splitCommand(c.line); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, %v", c.line, got, err)
		}
	}
	for _, bad := range []string{`'a`, `"a`, `a\`} {
		if got, err := splitCommand(bad); err == nil {
			t.Errorf("%q: %q and no error", bad, got)
		}
	}
}

func FuzzSplitCommand(f *testing.F) {
	f.Add(`pass show 'mail/a b' "c\"d" e\ f`)
	f.Fuzz(func(t *testing.T, line string) {
		words, err := splitCommand(line)
		if err != nil {
			return
		}
		var quoted []string
		for _, w := range words {
			quoted = append(quoted, "'"+strings.ReplaceAll(w, "'", `'\''`)+"'")
		}
		if again, err := splitCommand(strings.Join(quoted, " ")); err != nil || !slices.Equal(again, words) {
			t.Fatalf("%q: %q, quoted and split again %q, %v", line, words, again, err)
		}
	})
}
