package tree

import (
	"strings"
	"unicode"
)

// Twins reports whether some file system takes two names for the same: one that ignores
// case, or one that composes or decomposes letters (é of one character or of two). In doubt it does;
// then one of them is spelt with escapes.
func Twins(a, b string) bool {
	if strings.EqualFold(a, b) {
		return true
	}
	// Two forms of one name differ in letters with marks only, and at least one has a mark of its own.
	return (decomposed(a) || decomposed(b)) && strings.EqualFold(bare(a), bare(b))
}

func decomposed(name string) bool { return strings.ContainsFunc(name, partOfOther) }

// partOfOther reports whether a character has, or is part of, another form that
// file systems know: marks, Hangul letters, and signs that are only other numbers for a letter.
func partOfOther(r rune) bool {
	return unicode.In(r, unicode.Mn, unicode.Mc) || r >= 0x1100 && r <= 0x11ff || r >= 0xf900 && r <= 0xfaff ||
		r >= 0x2f800 && r <= 0x2fa1f || r == 0x212a || r == 0x212b || r == 0x2126
}

// bare is a name without what composing could change: characters beyond ASCII, and
// letters that a mark follows.
func bare(name string) string {
	var out []rune
	for _, r := range name {
		switch {
		case r == 0x212a: // the Kelvin sign is a K
			out = append(out, 'K')
		case unicode.In(r, unicode.Mn, unicode.Mc):
			if n := len(out); n > 0 && out[n-1] > 0 {
				out[n-1] = -1
			}
		case r >= 0x80:
			out = append(out, -1)
		default:
			out = append(out, r)
		}
	}
	var b strings.Builder
	for _, r := range out {
		if r > 0 {
			b.WriteRune(r)
		}
	}
	return b.String()
}
