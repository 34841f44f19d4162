package mail

import "unicode/utf8"

func isControl(r rune) bool {
	// U+2028, U+2029 and the bidirectional controls change how a line is shown.
	return r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 ||
		r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

func decodeRune(s string) (rune, int) { return utf8.DecodeRuneInString(s) }

func hexDigits(c byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[c>>4], digits[c&15]})
}
