package mail_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"mailferry/transfer/mail"
)

func TestVisible(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"Quota exceeded (too bad)", "Quota exceeded (too bad)"},
		{"Grüße, 日本 😀", "Grüße, 日本 😀"},
		{"a\r\nb\tc", `a\x0d\x0ab\x09c`},
		{"\x1b[2J\x1b]0;x\x07", `\x1b[2J\x1b]0;x\x07`},
		{"\x00\x7f", `\x00\x7f`},
		{"\u0085\u009b31m", `\xc2\x85\xc2\x9b31m`},
		{"Gr\xfc\xdfe", `Gr\xfc\xdfe`},
		{"cut \xe6\x97", `cut \xe6\x97`},
		{"\ufffd stays", "\ufffd stays"},
		{"\ufffd and \xff", "\ufffd and \\xff"},
		{"line\u2028sep", `line\xe2\x80\xa8sep`},
		{"evil \u202etxt.exe", `evil \xe2\x80\xaetxt.exe`},
		{`back\slash`, `back\slash`},
	} {
		if got := mail.Visible(c.in); got != c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
}

func FuzzVisible(f *testing.F) {
	for _, seed := range []string{"plain", "\x1b[31m", "Gr\xfc", "\u202e", "\ufffd\xff", "\u0085"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := mail.Visible(text)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, unicode.IsControl) {
			t.Fatalf("%q is shown as %q", text, got)
		}
		if again := mail.Visible(got); again != got {
			t.Fatalf("%q is shown as %q the second time", got, again)
		}
		if harmless := utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }); harmless && got != text {
			t.Fatalf("%q is harmless and shown as %q", text, got)
		}
	})
}
