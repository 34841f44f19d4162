package transfer

import "strings"

// MatchGlob reports whether a "/"-joined path matches pattern: "*" stands for
// any text within a level, "**" for any text across levels, "?" for one character
// within a level; everything else stands for itself. INBOX matches in any case.
func MatchGlob(pattern, path string) bool {
	if head, _, _ := strings.Cut(pattern, "/"); strings.EqualFold(head, "INBOX") {
		pattern = "INBOX" + pattern[len(head):]
	}
	return globRunes([]rune(pattern), []rune(path))
}

func globRunes(p, s []rune) bool {
	for len(p) > 0 {
		switch p[0] {
		case '*':
			across := len(p) > 1 && p[1] == '*'
			for len(p) > 0 && p[0] == '*' {
				p = p[1:]
			}
			for i := 0; ; i++ {
				if globRunes(p, s[i:]) {
					return true
				}
				if i == len(s) || s[i] == '/' && !across {
					return false
				}
			}
		case '?':
			if len(s) == 0 || s[0] == '/' {
				return false
			}
		default:
			if len(s) == 0 || s[0] != p[0] {
				return false
			}
		}
		p, s = p[1:], s[1:]
	}
	return len(s) == 0
}
