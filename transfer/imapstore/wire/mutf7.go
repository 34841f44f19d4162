package wire

import (
	"encoding/base64"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

func modifiedBase64() *base64.Encoding {
	return base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,").WithPadding(base64.NoPadding)
}

// EncodeName writes UTF-8 in modified UTF-7 (RFC 3501 section 5.1.3). Octets
// that are not UTF-8 become U+FFFD.
func EncodeName(name string) string {
	var b strings.Builder
	for len(name) > 0 {
		n := 0
		for n < len(name) && printable(name[n]) {
			n++
		}
		b.WriteString(strings.ReplaceAll(name[:n], "&", "&-"))
		name = name[n:]
		n = 0
		for n < len(name) && !printable(name[n]) {
			n++
		}
		if n > 0 {
			b.WriteString("&" + encodeShift(name[:n]) + "-")
			name = name[n:]
		}
	}
	return b.String()
}

func printable(c byte) bool { return c >= 0x20 && c <= 0x7e }

func encodeShift(text string) string {
	var octets []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		octets = append(octets, byte(unit>>8), byte(unit))
	}
	return modifiedBase64().EncodeToString(octets)
}

// DecodeName reads modified UTF-7. It takes raw UTF-8 between the shifts, and
// shifts that encode what needs none, as some servers send them. ok is false,
// and name is raw, when there is no reading.
func DecodeName(raw string) (name string, ok bool) {
	var b strings.Builder
	for rest := raw; rest != ""; {
		plain, shift, found := strings.Cut(rest, "&")
		b.WriteString(plain)
		if !found {
			break
		}
		code, after, closed := strings.Cut(shift, "-")
		if !closed {
			return raw, false
		}
		text, ok := decodeShift(code)
		if !ok {
			return raw, false
		}
		b.WriteString(text)
		rest = after
	}
	name = b.String()
	if !utf8.ValidString(name) {
		return raw, false
	}
	return name, true
}

func decodeShift(code string) (string, bool) {
	if code == "" {
		return "&", true
	}
	octets, err := modifiedBase64().DecodeString(code)
	if err != nil || len(octets)%2 != 0 || len(octets) == 0 {
		return "", false
	}
	units := make([]uint16, len(octets)/2)
	for i := range units {
		units[i] = uint16(octets[2*i])<<8 | uint16(octets[2*i+1])
	}
	var b strings.Builder
	for i := 0; i < len(units); i++ {
		r := rune(units[i])
		if utf16.IsSurrogate(r) {
			if i+1 == len(units) {
				return "", false
			}
			i++
			if r = utf16.DecodeRune(r, rune(units[i])); r == utf8.RuneError {
				return "", false
			}
		}
		if r == 0 {
			return "", false
		}
		b.WriteRune(r)
	}
	return b.String(), true
}
