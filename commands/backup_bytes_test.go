package commands_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"mailferry/transfer/imapstore/imaptest"
	"mailferry/transfer/imapstore/servertest"
	"mailferry/transfer/mail"
)

// hardBytes are messages that a text format has to take pains with. Not every server takes all of them.
func hardBytes() map[string]string {
	const head = "From: a@example.org\r\nSubject: hard\r\n"
	return map[string]string{
		"a bare LF":              head + "\r\na\nb\n\nc\r\n",
		"a bare LF at the end":   head + "\r\na\r\nb\n",
		"LF only":                strings.ReplaceAll(head, "\r", "") + "\na\nb\n",
		"a bare CR":              head + "\r\na\rb\r\rc\r\n",
		"a bare CR at the end":   head + "\r\na\r",
		"CR CR LF":               head + "\r\na\r\r\nb\r\r\n",
		"no final newline":       head + "\r\nabc",
		"several final newlines": head + "\r\nabc\r\n\r\n\r\n\r\n",
		"NUL":                    head + "\r\na\x00b\r\n\x00\r\n",
		"NUL in the header":      head + "X: a\x00b\r\n\r\nx\r\n",
		"8-bit":                  head + "X: caf\xe9\r\n\r\n\x80\xff\xfe na\xefve\r\n",
		"a long line":            head + "\r\n" + strings.Repeat("0123456789abcdef", 1<<16) + "\r\n",
		"a long line, no end":    head + "\r\n" + strings.Repeat("From >From ", 1<<17),
		"no header":              "\r\nno header\r\n",
		"no header, no newline":  "just words",
		"no body":                head + "\r\n",
		"no empty line":          head,
		"nothing":                "",
		"a newline":              "\r\n",
		"own status":             head + "Status: RO\r\nX-Status: A\r\nX-Keywords: a b\r\nX-UID: 17\r\nX-UID: 18\r\n\r\nx\r\n",
		"status first":           "Status: O\r\nX-UID: 1\r\nX-Mailferry: 1 1 10 00 0 crlf\r\n" + head + "\r\nx\r\n",
		"own length":             head + "Content-Length: 3\r\nLines: 1\r\n\r\nmore than that\r\nFrom x Mon Jan  1 00:00:00 2001\r\n",
		"From lines":             head + "\r\nFrom a\r\n>From b\r\n>>From c\r\n>>>>From d\r\nFrom \r\nFrom\r\n From e\r\n",
		"From lines in front":    "From x@example.org Mon Jan  1 00:00:00 2001\r\n" + head + "\r\nx\r\n",
		"From lines and no CR":   strings.ReplaceAll(head, "\r", "") + "\nFrom a\n>From b\n\nFrom x@y Mon Jan  1 00:00:00 2001\n",
		"From without an end":    head + "\r\nx\r\nFrom ",
	}
}

// TestEveryByteComesBack sends hard messages through both formats, from a server to another that
// keep what they are given.
func TestEveryByteComesBack(t *testing.T) {
	src, from := inProcess(t)
	inbox := mail.NewPath("INBOX")
	for name, raw := range hardBytes() {
		date := time.Date(2020, 2, 3, 4, 5, len(name), 0, time.FixedZone("", 3600))
		if _, err := from.Append(inbox, mail.NewFlags(mail.Seen, "k"), date, []byte(raw)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	for _, format := range formats() {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			dst, to := inProcess(t)
			a := newArchiving(t, src, dst, format)
			if code, s := a.backup(t); code != 0 || s.Copied != len(hardBytes()) {
				t.Errorf("%s: backup: exit %d, %+v", format, code, s)
			}
			a.verify(t)
			a.verify(t, address(src.Addr, "anna"))
			for n, copied := range []int{len(hardBytes()), 0} {
				if code, s := a.restore(t, "anna"); code != 0 || s.Copied != copied {
					t.Errorf("%s: restore %d: exit %d, %+v", format, n+1, code, s)
				}
			}
			expectSame(t, format, from.Messages(inbox), to.Messages(inbox))
		})
	}
}

// inProcess starts a server that keeps every octet, and returns the account anna on it.
func inProcess(t *testing.T) (*servertest.Server, *imaptest.Account) {
	t.Helper()
	s := imaptest.New(imaptest.Options{Security: imaptest.Plain})
	account := s.AddUser("anna", "secret")
	addr, err := s.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return &servertest.Server{Name: "in process", Addr: addr, Password: "secret"}, account
}

func expectSame(t *testing.T, what string, want, got []imaptest.Message) {
	t.Helper()
	if len(want) != len(got) {
		t.Fatalf("%s: %d messages, want %d", what, len(got), len(want))
	}
	for i, w := range want {
		g := got[i]
		if !bytes.Equal(w.Raw, g.Raw) || !w.Flags.Equal(g.Flags) || !w.Date.Equal(g.Date) {
			t.Errorf("%s, message %d: %.60q [%s] %s\nis now %.60q [%s] %s", what, i, w.Raw, w.Flags, w.Date, g.Raw, g.Flags, g.Date)
		}
	}
}

// hardFolder holds the hard messages that Dovecot takes.
func hardFolder() servertest.Folder {
	f := servertest.Folder{Components: []string{"Hard bytes"}, Subscribed: true}
	for name, raw := range hardBytes() {
		if raw != "" {
			raw = strings.Replace(raw, "Subject: hard", fmt.Sprintf("Subject: %s", name), 1)
			f.Messages = append(f.Messages, servertest.Message{Raw: func() []byte { return []byte(raw) },
				Flags: []string{mail.Flagged}, Date: time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC)})
		}
	}
	return f
}
