package mail

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// The system flags of RFC 9051 section 2.3.2 that can be stored.
const (
	Seen     = `\Seen`
	Answered = `\Answered`
	Flagged  = `\Flagged`
	Deleted  = `\Deleted`
	Draft    = `\Draft`
)

// Flags is a set of system flags and keywords, sorted without regard to case
// and without duplicates in that sense. Keywords keep the case they first came
// in. \Recent belongs to sessions and not to messages and is never a member.
// Treat a Flags as immutable; the zero value is the empty set.
type Flags []string

// NewFlags makes a set of the given flags, mends the case of the system flags
// and leaves out \Recent and \*.
func NewFlags(flags ...string) Flags {
	out := make(Flags, 0, len(flags))
	for _, f := range flags {
		if f = canonicalFlag(f); f != "" {
			out = append(out, f)
		}
	}
	slices.SortStableFunc(out, compareFold) // the first spelling stays
	return slices.CompactFunc(out, strings.EqualFold)
}

func canonicalFlag(f string) string {
	if !strings.HasPrefix(f, `\`) {
		return f
	}
	for _, s := range []string{Seen, Answered, Flagged, Deleted, Draft} {
		if strings.EqualFold(f, s) {
			return s
		}
	}
	if f == `\*` || f == `\` || strings.EqualFold(f, `\Recent`) {
		return ""
	}
	return f
}

// compareFold orders by lower case. Flags of ASCII alone, as nearly all are, are compared where they lie: this is
// done several times for every message.
func compareFold(a, b string) int {
	for i := range min(len(a), len(b)) {
		x, y := a[i], b[i]
		if x >= utf8.RuneSelf || y >= utf8.RuneSelf {
			return strings.Compare(strings.ToLower(a), strings.ToLower(b))
		}
		if x, y = lower(x), lower(y); x != y {
			return cmp.Compare(x, y)
		}
	}
	if len(a) == len(b) {
		return 0
	}
	return strings.Compare(strings.ToLower(a), strings.ToLower(b))
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// IsSystem reports whether a flag is a system flag and not a keyword.
func IsSystem(flag string) bool { return strings.HasPrefix(flag, `\`) }

// Has reports whether flag is a member, without regard to case.
func (f Flags) Has(flag string) bool {
	_, ok := slices.BinarySearchFunc(f, flag, compareFold)
	return ok
}

// Union returns the flags that are in f or in g.
func (f Flags) Union(g Flags) Flags {
	if len(g) == 0 {
		return f
	}
	if len(f) == 0 {
		return g
	}
	return NewFlags(append(slices.Clone(f), g...)...)
}

// Minus returns the flags of f that are not in g.
func (f Flags) Minus(g Flags) Flags {
	return f.Filter(func(flag string) bool { return !g.Has(flag) })
}

// Filter returns the flags for which keep is true: f itself, if all are kept.
func (f Flags) Filter(keep func(string) bool) Flags {
	for i, flag := range f {
		if !keep(flag) {
			return f.filterFrom(i, keep)
		}
	}
	return f
}

// filterFrom is Filter where the first that goes is known.
func (f Flags) filterFrom(first int, keep func(string) bool) Flags {
	var out Flags
	out = append(out, f[:first]...)
	for _, flag := range f[first+1:] {
		if keep(flag) {
			out = append(out, flag)
		}
	}
	return out
}

// Equal reports whether both sets hold the same flags, without regard to case.
func (f Flags) Equal(g Flags) bool { return slices.EqualFunc(f, g, strings.EqualFold) }

// String joins the flags by spaces, which no flag contains.
func (f Flags) String() string { return strings.Join(f, " ") }

// ParseFlags reads what String wrote.
func ParseFlags(text string) Flags { return NewFlags(strings.Fields(text)...) }

// FlagChange says what becomes of one message's flags; flags in neither set
// stay as they are.
type FlagChange struct {
	UID         UID
	Add, Remove Flags
}
