package tree

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

func encode(part string, escaped int) string {
	if part == "" {
		return "%00"
	}
	var b strings.Builder
	dot := len(part)
	if strings.HasSuffix(strings.ToLower(part), suffix) {
		dot -= len(suffix)
	}
	for i, n := 0, 0; i < len(part); n++ {
		r, width := utf8.DecodeRuneInString(part[i:])
		invalid := r == utf8.RuneError && width == 1
		if n < escaped || invalid || i == dot || mustEscape(r, i == 0) {
			for k := i; k < i+width; k++ {
				fmt.Fprintf(&b, "%%%02X", part[k])
			}
		} else {
			b.WriteString(part[i : i+width])
		}
		i += width
	}
	return b.String()
}

func mustEscape(r rune, first bool) bool {
	return r < ' ' || r >= 0x7f && r < 0xa0 || r == '%' || r == '/' || first && (r == '.' || r == '~')
}

// decode reads what encode wrote. What it cannot have written stands for itself.
func decode(text string) string {
	if text == "%00" {
		return ""
	}
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			b.WriteByte(text[i])
			continue
		}
		if i+2 >= len(text) {
			return text
		}
		high, low := strings.IndexByte(digits, text[i+1]), strings.IndexByte(digits, text[i+2])
		if high < 0 || low < 0 || high+low == 0 {
			return text
		}
		b.WriteByte(byte(high<<4 | low))
		i += 2
	}
	return b.String()
}
