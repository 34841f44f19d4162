package maildir

import (
	"slices"
	"strings"

	"mailferry/transfer/mail"
)

// maxKeywords is how many keywords file names can carry: the letters a to z.
const maxKeywords = 26

// systemLetters are those of the system flags, in the order file names have them.
const systemLetters = "DFRST"

// systemFlag is the flag of a system letter, or "".
func systemFlag(letter byte) string {
	switch letter {
	case 'D':
		return mail.Draft
	case 'F':
		return mail.Flagged
	case 'R':
		return mail.Answered
	case 'S':
		return mail.Seen
	case 'T':
		return mail.Deleted
	}
	return ""
}

func sortedLetters(letters []byte) string {
	slices.Sort(letters)
	return string(slices.Compact(letters))
}

// Keywords are the keywords of a folder that have a letter, by that letter: the first is a.
type Keywords []string

// parseKeywords reads dovecot-keywords: a number and a keyword per line. Lines that
// make no sense are passed over, as Dovecot does.
func parseKeywords(text string) Keywords {
	list := make(Keywords, maxKeywords)
	end := 0
	for line := range strings.Lines(text) {
		number, word, ok := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		n := 0
		for i := range len(number) {
			if number[i] < '0' || number[i] > '9' || n >= maxKeywords {
				n = maxKeywords
				break
			}
			n = n*10 + int(number[i]-'0')
		}
		if ok && number != "" && word != "" && n < maxKeywords {
			list[n], end = word, max(end, n+1)
		}
	}
	return list[:end]
}

func (k Keywords) text() string {
	var b strings.Builder
	for i, word := range k {
		if word != "" {
			b.WriteString(decimal(i) + " " + word + "\n")
		}
	}
	return b.String()
}

func decimal(i int) string {
	if i < 10 {
		return string('0' + byte(i))
	}
	return decimal(i/10) + string('0'+byte(i%10))
}

func (k Keywords) index(word string) int {
	return slices.IndexFunc(k, func(have string) bool { return strings.EqualFold(have, word) })
}

// with returns k with letters for those of flags that have none and can get one.
func (k Keywords) with(flags mail.Flags) (all Keywords, added bool) {
	for _, flag := range flags {
		if mail.IsSystem(flag) || k.index(flag) >= 0 || len(k) >= maxKeywords || !plain(flag) {
			continue
		}
		if !added {
			k, added = slices.Clone(k), true
		}
		k = append(k, flag)
	}
	return k, added
}

// plain reports whether a keyword can stand in a line.
func plain(word string) bool {
	return word != "" && !strings.ContainsFunc(word, func(r rune) bool { return r <= ' ' || r == 0x7f })
}

// letters is what a file name says of flags.
func (k Keywords) letters(flags mail.Flags) string {
	var out []byte
	for i := range len(systemLetters) {
		if flags.Has(systemFlag(systemLetters[i])) {
			out = append(out, systemLetters[i])
		}
	}
	for _, flag := range flags {
		if i := k.index(flag); i >= 0 {
			out = append(out, 'a'+byte(i))
		}
	}
	return sortedLetters(out)
}

// owns reports whether a letter has a meaning here. Letters of other programs,
// such as P for "passed on", are left as they are.
func (k Keywords) owns(letter byte) bool {
	if letter >= 'a' && letter <= 'z' {
		i := int(letter - 'a')
		return i < len(k) && k[i] != ""
	}
	return systemFlag(letter) != ""
}

// Flags reads the flags of a file name.
func (k Keywords) Flags(file string) mail.Flags {
	_, info, _ := strings.Cut(file, ":2,")
	var out []string
	for i := range len(info) {
		c := info[i]
		switch {
		case c >= 'a' && c <= 'z':
			if n := int(c - 'a'); n < len(k) && k[n] != "" {
				out = append(out, k[n])
			}
		case systemFlag(c) != "":
			out = append(out, systemFlag(c))
		}
	}
	return mail.NewFlags(out...)
}
