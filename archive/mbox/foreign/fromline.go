package foreign

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"mailferry/archive/mbox/internal/quote"
)

// maxFrom bounds what is looked at of a line that may be a From_ line.
const maxFrom = 1 << 10

// sight is what a line that begins with "From " and the line behind it look like.
type sight struct {
	date    bool // it ends in a date
	sender  bool // no more than one word is in front of the date, or an address is
	likely  bool // it is one word, or has an address or a time of day to the second
	follows bool // something like a header field is next
	header  bool // it is one with which messages begin
}

// dated reports whether the line is a From_ line whatever is behind it.
func (s sight) dated() bool { return s.date && s.sender }

// separates reports whether the line is a From_ line if an empty line is in front of it.
func (s sight) separates(undated bool) bool {
	return s.dated() || s.header || s.follows && (undated || s.date || s.likely)
}

// separatesUnspaced is separates for a line with text in front of it, which takes more to be believed.
func (s sight) separatesUnspaced() bool { return s.date && s.follows }

// look looks at text that may begin with a From_ line.
func look(text []byte) (s sight) {
	n := lineEnd(text)
	if !bytes.HasPrefix(text, []byte(quote.From)) || n > maxFrom {
		return s
	}
	words := fromWords(string(text[:n]))
	_, rest, date := splitFrom(words)
	s.date, s.sender = date, plausibleSender(rest)
	s.likely = len(words) < 2 || strings.Contains(words[0], "@") || slices.ContainsFunc(words, isExact)
	text = text[n:]
	for bytes.HasPrefix(text, []byte(">"+quote.From)) { // those of hosts that passed it on
		text = text[lineEnd(text):]
	}
	name := fieldName(text[:lineEnd(text)])
	s.follows = name != "" && isLetter(name[0]) && !bytes.HasPrefix(text[len(name):], []byte("://"))
	s.header = s.follows && beginsMessage(name)
	return s
}

// isExact reports whether a word is a time of day with seconds. Without them people write it too.
func isExact(word string) bool {
	_, ok := clockOf(word)
	return ok && strings.Count(word, ":") == 2
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' }

func fromWords(line string) []string {
	words := strings.Fields(strings.TrimPrefix(strings.TrimRight(line, "\r\n"), quote.From))
	if n := len(words); n > 3 && words[n-3] == "remote" && words[n-2] == "from" {
		words = words[:n-3] // UUCP
	}
	return words
}

// splitFrom finds the date at the end of a From_ line and what is in front of it.
func splitFrom(words []string) (t time.Time, sender []string, ok bool) {
	for i := range words {
		if t, ok := dateOf(words[i:]); ok {
			return t, words[:i], true
		}
	}
	return t, words, false
}

// fromDate reads the date of a From_ line.
func fromDate(line string) (time.Time, bool) {
	if len(line) > maxFrom {
		return time.Time{}, false
	}
	t, _, ok := splitFrom(fromWords(line))
	return t, ok
}

// plausibleSender tells an address from a sentence that begins with "From" and ends in a date.
func plausibleSender(words []string) bool {
	return len(words) < 2 || strings.ContainsAny(strings.Join(words, ""), `@"`)
}

// beginsMessage tells the fields that programs put at the beginning of a message from words with a colon that
// people write: below "From our form" comes "Name: Ann" or "Phone: 1".
func beginsMessage(name string) bool {
	for _, start := range []string{"x-", "content-", "resent-", "list-", "arc-", "dkim-", "received", "authentication-", "thread-"} {
		if strings.HasPrefix(name, start) {
			return true
		}
	}
	switch name {
	case "return-path", "delivered-to", "delivery-date", "envelope-to", "apparently-to", "domainkey-signature",
		"from", "sender", "reply-to", "to", "cc", "bcc", "date", "subject", "message-id", "in-reply-to", "references",
		"mime-version", "status", "precedence", "newsgroups", "user-agent", "errors-to":
		return true
	}
	return false
}
