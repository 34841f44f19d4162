package commands

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// closest returns the candidate that was probably meant by word, or "": a wrong guess is worse
// than none.
func closest(word string, candidates []string) string {
	best, least := "", len(word)/3+1
	for _, c := range candidates {
		d := distance(word, c)
		if len(word) >= 3 && strings.HasPrefix(c, word) {
			d = min(d, 1)
		}
		if d < least {
			best, least = c, d
		}
	}
	return best
}

// distance counts the octets that were left out, put in, changed or swapped with
// their neighbour (optimal string alignment).
func distance(a, b string) int {
	before, last := []int(nil), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			changed := last[j-1]
			if a[i-1] != b[j-1] {
				changed++
			}
			row[j] = min(last[j]+1, row[j-1]+1, changed)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}

func commandNames(app *cli.App) []string {
	var out []string
	for _, c := range app.Commands {
		out = append(out, c.Name)
	}
	return out
}

// flagNames lists the long names of flags.
func flagNames(flags []cli.Flag) []string {
	var out []string
	for _, f := range flags {
		out = append(out, f.Names()[0])
	}
	return out
}

// commandsWith names the commands that have the flag.
func commandsWith(app *cli.App, flag string) []string {
	var out []string
	for _, c := range app.Commands {
		if slices.ContainsFunc(c.Flags, func(f cli.Flag) bool { return slices.Contains(f.Names(), flag) }) {
			out = append(out, c.Name)
		}
	}
	return out
}

// warnOfVariables tells of variables that look like a mistyped one, or like one that does not exist:
// whoever set MAILFERRY_DRYRUN must not learn from the copied mail that it meant nothing.
func (w *world) warnOfVariables(app *cli.App) {
	known := []string{"MAILFERRY_SOURCE_PASSWORD", "MAILFERRY_DEST_PASSWORD"}
	for _, c := range app.Commands {
		for _, name := range flagNames(c.Flags) {
			known = append(known, envName(name))
		}
	}
	for _, entry := range w.environ() {
		name, _, _ := strings.Cut(entry, "=")
		rest, ours := strings.CutPrefix(name, "MAILFERRY_")
		if !ours || slices.Contains(known, name) {
			continue
		}
		flag := strings.ToLower(strings.ReplaceAll(rest, "_", "-"))
		if len(commandsWith(app, flag)) > 0 {
			w.warn("%s has no effect: --%s is taken from the command line only", name, flag)
		} else if meant := closest(rest, withoutPrefix(known)); meant != "" {
			w.warn("%s has no effect; did you mean MAILFERRY_%s?", name, meant)
		}
	}
}

func withoutPrefix(variables []string) []string {
	var out []string
	for _, v := range variables {
		if rest := strings.TrimPrefix(v, "MAILFERRY_"); rest != "" {
			out = append(out, rest)
		}
	}
	return out
}
