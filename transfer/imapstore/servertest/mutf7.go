package servertest

import (
	"encoding/base64"
	"errors"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

var mutf7 = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,").WithPadding(base64.NoPadding)

// encodeName writes a folder name in modified UTF-7 (RFC 3501 section 5.1.3).
func encodeName(name string) string {
	var b strings.Builder
	var pending []rune
	flush := func() {
		if len(pending) > 0 {
			b.WriteString("&" + mutf7.EncodeToString(utf16BE(pending)) + "-")
			pending = pending[:0]
		}
	}
	for _, r := range name {
		switch {
		case r == '&':
			flush()
			b.WriteString("&-")
		case r >= ' ' && r <= '~':
			flush()
			b.WriteRune(r)
		default:
			pending = append(pending, r)
		}
	}
	flush()
	return b.String()
}

func utf16BE(runes []rune) []byte {
	var out []byte
	for _, u := range utf16.Encode(runes) {
		out = append(out, byte(u>>8), byte(u))
	}
	return out
}

var errName = errors.New("not modified UTF-7")

// decodeName reads modified UTF-7.
func decodeName(raw string) (string, error) {
	var b strings.Builder
	for {
		plain, rest, found := strings.Cut(raw, "&")
		b.WriteString(plain)
		if !found {
			return b.String(), nil
		}
		code, after, found := strings.Cut(rest, "-")
		if !found {
			return "", errName
		}
		raw = after
		if code == "" {
			b.WriteByte('&')
			continue
		}
		text, err := decodeShift(code)
		if err != nil {
			return "", err
		}
		b.WriteString(text)
	}
}

func decodeShift(code string) (string, error) {
	octets, err := mutf7.DecodeString(code)
	if err != nil || len(octets)%2 != 0 {
		return "", errName
	}
	units := make([]uint16, len(octets)/2)
	for i := range units {
		units[i] = uint16(octets[2*i])<<8 | uint16(octets[2*i+1])
	}
	text := string(utf16.Decode(units))
	if strings.ContainsRune(text, utf8.RuneError) {
		return "", errName
	}
	return text, nil
}
