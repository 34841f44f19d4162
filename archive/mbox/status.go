package mbox

import (
	"slices"
	"strings"

	"mailferry/transfer/mail"
)

const (
	keywordsMin   = 48 // room for the keywords of a message that has none
	keywordsSpare = 24 // room beside those it has
	keywordsMax   = 8 << 10
)

// keywordsRoom is the width of X-Keywords of a new message with these flags.
func keywordsRoom(flags mail.Flags) int {
	n := 0
	for _, f := range keywordsOf(flags) {
		n += len(f) + 1
	}
	return min(max(keywordsMin, n+keywordsSpare), keywordsMax)
}

// formatStatus is appendStatus to nothing.
func formatStatus(flags mail.Flags, widths [3]int) (text []byte, fits bool) {
	return appendStatus(nil, flags, widths)
}

// appendStatus writes the three status lines with values of exactly these widths.
// It reports whether the flags fit; those that do not are left out.
func appendStatus(text []byte, flags mail.Flags, widths [3]int) (_ []byte, fits bool) {
	status := "O "
	if slices.Contains(flags, mail.Seen) {
		status = "RO"
	}
	values := [3]string{status, xStatus(flags), ""}
	fits = true
	for i := range 2 {
		if value := values[i]; len(value) > widths[i] {
			// "O" only says that a program has listed the message before.
			fits = fits && strings.Trim(value[widths[i]:], "O ") == ""
			values[i] = value[:widths[i]]
		}
	}
	for _, k := range keywordsOf(flags) {
		if values[2] != "" {
			k = " " + k
		}
		if len(values[2])+len(k) > widths[2] {
			fits = false
			continue
		}
		values[2] += k
	}
	for i, name := range [3]string{statusName, xStatusName, keywordsName} {
		text = append(append(text, name...), values[i]...)
		for range widths[i] - len(values[i]) {
			text = append(text, ' ')
		}
		text = append(text, '\n')
	}
	return text, fits
}

// letter is one of X-Status, as Dovecot and mutt know them.
type letter struct {
	letter byte
	flag   string
}

func letters() []letter {
	return []letter{{'A', mail.Answered}, {'F', mail.Flagged}, {'D', mail.Deleted}, {'T', mail.Draft}}
}

func xStatus(flags mail.Flags) string {
	value := ""
	for _, l := range letters() {
		if slices.Contains(flags, l.flag) {
			value += string(l.letter)
		}
	}
	return value
}

func parseStatus(values [3]string) mail.Flags {
	var flags []string
	if strings.Contains(values[0], "R") {
		flags = append(flags, mail.Seen)
	}
	for _, l := range letters() {
		if strings.IndexByte(values[1], l.letter) >= 0 {
			flags = append(flags, l.flag)
		}
	}
	for _, k := range strings.Fields(values[2]) {
		flags = append(flags, unescape(k))
	}
	return mail.NewFlags(flags...)
}

// keywordsOf are the flags that have no letter, as they are spelt in X-Keywords.
func keywordsOf(flags mail.Flags) []string {
	var out []string
	for _, f := range flags {
		switch f {
		case mail.Seen, mail.Answered, mail.Flagged, mail.Deleted, mail.Draft:
		default:
			out = append(out, escape(f))
		}
	}
	return out
}

// escape spells a keyword without white space and control characters, which RFC 9051 does not
// allow in one either. "%" is not allowed in keywords and thus free for escapes.
func escape(keyword string) string {
	var b strings.Builder
	for i := range len(keyword) {
		c := keyword[i]
		if c <= ' ' || c == '%' || c >= 0x7f {
			const digits = "0123456789ABCDEF"
			b.WriteString("%" + string([]byte{digits[c>>4], digits[c&15]}))
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// unescape reads what escape wrote. An escape that it cannot have written stands for itself.
func unescape(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			const digits = "0123456789ABCDEF"
			high, low := strings.IndexByte(digits, text[i+1]), strings.IndexByte(digits, text[i+2])
			if high >= 0 && low >= 0 {
				b.WriteByte(byte(high<<4 | low))
				i += 2
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}
