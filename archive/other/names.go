package other

import (
	"encoding/base64"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// decodeName reads a name in modified UTF-7 (RFC 3501 section 5.1.3). One that is not spelt so, such
// as a name in UTF-8, stands for itself.
func decodeName(name string) string {
	if !strings.Contains(name, "&") || strings.ContainsFunc(name, func(r rune) bool { return r > 0x7e }) {
		return name
	}
	var b strings.Builder
	for rest := name; rest != ""; {
		plain, shifted, ok := strings.Cut(rest, "&")
		b.WriteString(plain)
		if !ok {
			break
		}
		code, after, ok := strings.Cut(shifted, "-")
		if !ok {
			return name
		}
		text, ok := decodeShifted(code)
		if !ok {
			return name
		}
		b.WriteString(text)
		rest = after
	}
	return b.String()
}

// decodeShifted reads what stands between "&" and "-".
func decodeShifted(code string) (string, bool) {
	if code == "" {
		return "&", true
	}
	octets, err := base64.RawStdEncoding.DecodeString(strings.ReplaceAll(code, ",", "/"))
	if err != nil || len(octets)%2 != 0 {
		return "", false
	}
	var units []uint16
	for i := 0; i < len(octets); i += 2 {
		units = append(units, uint16(octets[i])<<8|uint16(octets[i+1]))
	}
	runes := utf16.Decode(units)
	for _, r := range runes {
		if r == utf8.RuneError || r < ' ' {
			return "", false
		}
	}
	return string(runes), len(runes) > 0
}
