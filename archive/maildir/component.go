package maildir

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// modified is the base64 of modified UTF-7 (RFC 3501 section 5.1.3).
func modified() *base64.Encoding {
	return base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,").
		WithPadding(base64.NoPadding)
}

func escape(b *strings.Builder, octets string) {
	for i := range len(octets) {
		fmt.Fprintf(b, "%%%02X", octets[i])
	}
}

// encode spells a component. The first escaped characters become escapes
// though they need not.
func encode(component string, escaped int) string {
	if component == "" {
		return "%00"
	}
	var b strings.Builder
	var wide []uint16
	flush := func() {
		if len(wide) > 0 {
			octets := make([]byte, 0, 2*len(wide))
			for _, u := range wide {
				octets = append(octets, byte(u>>8), byte(u))
			}
			b.WriteString("&" + modified().EncodeToString(octets) + "-")
			wide = wide[:0]
		}
	}
	for i, n := 0, 0; i < len(component); n++ {
		r, width := utf8.DecodeRuneInString(component[i:])
		octets := component[i : i+width]
		invalid := r == utf8.RuneError && width == 1
		switch {
		case n < escaped || invalid || mustEscape(r, i == 0):
			flush()
			escape(&b, octets)
		case r > 0x7e:
			wide = utf16.AppendRune(wide, r)
		case r == '&':
			flush()
			b.WriteString("&-")
		default:
			flush()
			b.WriteString(octets)
		}
		i += width
	}
	flush()
	return b.String()
}

func mustEscape(r rune, first bool) bool {
	return r < ' ' || r == 0x7f || strings.ContainsRune("%./", r) || first && r == '~'
}

// decode reads what encode wrote. What it cannot have written stands for itself.
func decode(text string) string {
	if text == "%00" {
		return ""
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		switch text[i] {
		case '%':
			octet, ok := unescape(text[i:])
			if !ok {
				return text
			}
			b.WriteByte(octet)
			i += 3
		case '&':
			end := strings.IndexByte(text[i:], '-')
			if end < 0 {
				return text
			}
			part, ok := wideText(text[i+1 : i+end])
			if !ok {
				return text
			}
			b.WriteString(part)
			i += end + 1
		default:
			b.WriteByte(text[i])
			i++
		}
	}
	return b.String()
}

func unescape(text string) (byte, bool) {
	if len(text) < 3 {
		return 0, false
	}
	const digits = "0123456789ABCDEF"
	high, low := strings.IndexByte(digits, text[1]), strings.IndexByte(digits, text[2])
	octet := byte(high<<4 | low)
	return octet, high >= 0 && low >= 0 && octet != 0
}

// wideText reads what stands between "&" and "-".
func wideText(text string) (string, bool) {
	if text == "" {
		return "&", true
	}
	octets, err := modified().DecodeString(text)
	if err != nil || len(octets) == 0 || len(octets)%2 != 0 {
		return "", false
	}
	var b strings.Builder
	for i := 0; i < len(octets); i += 2 {
		r := rune(octets[i])<<8 | rune(octets[i+1])
		if utf16.IsSurrogate(r) {
			if i+3 >= len(octets) {
				return "", false
			}
			r = utf16.DecodeRune(r, rune(octets[i+2])<<8|rune(octets[i+3]))
			if r == utf8.RuneError {
				return "", false
			}
			i += 2
		}
		b.WriteRune(r)
	}
	return b.String(), true
}
