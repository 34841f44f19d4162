package mailtest

import (
	"bytes"
	"strings"
)

// Sample is a message that is easily damaged on its way.
type Sample struct {
	Name string
	Raw  []byte
}

// CRLF returns text with every line end as CRLF.
func CRLF(text string) []byte {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	return []byte(strings.ReplaceAll(text, "\n", "\r\n"))
}

// Samples returns messages from the plain to the nasty. Names are stable, and no
// two have the same octets.
func Samples() []Sample {
	head := "From: a@example.org\r\nDate: Mon, 6 Jan 2020 10:00:00 +0000\r\nSubject: sample\r\nMessage-ID: <%@example.org>\r\n"
	with := func(name, rest string) Sample {
		return Sample{name, []byte(strings.Replace(head, "%", strings.ReplaceAll(name, " ", "-"), 1) + rest)}
	}
	raw := func(name, text string) Sample { return Sample{name, []byte(text)} }
	return []Sample{
		with("plain", "\r\nHello.\r\n"),
		with("no final newline", "\r\nHello."),
		with("empty body", "\r\n"),
		with("header only", ""),
		with("blank lines at the end", "\r\nHello.\r\n\r\n\r\n"),
		with("from lines", "\r\nFrom me\r\n>From you\r\n>>From all\r\nFrom: x\r\n"),
		with("dots", "\r\n.\r\n..\r\n.x\r\n"),
		with("imap in the body", "\r\n)\r\nA1 OK FETCH completed\r\n{5}\r\n+ go\r\n* BYE\r\n"),
		with("status lines", "Status: RO\r\nX-Status: AF\r\nX-Keywords: x\r\nX-UID: 7\r\nX-Mailferry: 1 2 3\r\nContent-Length: 3\r\n\r\nHello.\r\n"),
		with("folded header", "References: <a@b>\r\n\t<c@d>\r\n  <e@f>\r\n\r\nHello.\r\n"),
		with("trailing blanks", "X-A: b  \t\r\n \r\n\r\nHello.  \r\n\t\r\n"),
		with("utf-8 header", "X-Name: Grüße, 日本\r\n\r\nGrüße\r\n"),
		with("8-bit header", "X-Name: Gr\xfc\xdfe\r\n\r\nHello.\r\n"),
		with("8-bit body", "\r\nall: "+octetRange(0x80, 0xff)+"\r\n"),
		with("control characters", "\r\n"+octetRange(0x01, 0x09)+octetRange(0x0e, 0x1f)+"\x7f\x1a\r\n"),
		with("long header line", "X-Long: "+strings.Repeat("x", 70_000)+"\r\n\r\nHello.\r\n"),
		with("many header fields", strings.Repeat("Received: by x; y\r\n", 2000)+"\r\nHello.\r\n"),
		with("line of 1 MB", "\r\n"+strings.Repeat("0123456789abcdef", 1<<16)+"\r\n"),
		with("bare lf", "\r\none\ntwo\nthree\r\n"),
		with("bare cr", "\r\none\rtwo\r\rthree\r\n"),
		with("cr cr lf", "\r\none\r\r\ntwo\r\n"),
		with("ends in cr", "\r\nHello.\r"),
		with("ends in lf", "\r\nHello.\n"),
		{"all lf", bytes.ReplaceAll(with("all lf", "\r\nHello.\r\nSecond.\r\n").Raw, []byte("\r\n"), []byte("\n"))},
		with("no colon in the header", "this is no field\r\nX-A: b\r\n\r\nHello.\r\n"),
		raw("starts with a blank", " folded: from nothing\r\nSubject: x\r\n\r\nHello.\r\n"),
		raw("starts with an empty line", "\r\nonly a body\r\n"),
		raw("starts with From", "From a@example.org Mon Jan  6 10:00:00 2020\r\nSubject: x\r\n\r\nHello.\r\n"),
		raw("no header", "just some words\r\n"),
		raw("one octet", "x"),
		raw("only crlf", "\r\n"),
		with("nul", "\r\na\x00b\r\n"),
		raw("empty", ""),
	}
}

func octetRange(from, to int) string {
	var b strings.Builder
	for c := from; c <= to; c++ {
		b.WriteByte(byte(c))
	}
	return b.String()
}
