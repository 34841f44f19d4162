package mail_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"mailferry/transfer/mail"
)

const plainHeader = "Received: by x; Mon, 6 Jan 2020 10:00:01 +0000\n" +
	"Message-ID: <1@example.org>\n" +
	"Date: Mon, 6 Jan 2020 10:00:00 +0000\n" +
	"From: Ann <ann@example.org>\n" +
	"To: Bob <bob@example.org>\n" +
	"Subject: Hello there\n" +
	"\n"

// changed is plainHeader with old replaced by new.
func changed(t *testing.T, old, new string) string {
	t.Helper()
	if !strings.Contains(plainHeader, old) {
		t.Fatalf("%q is not in the header", old)
	}
	return strings.Replace(plainHeader, old, new, 1)
}

func crlf(s string) []byte { return []byte(strings.ReplaceAll(s, "\n", "\r\n")) }

// TestOneMessageHasOneKey: what servers do to a header leaves its key as it is.
func TestOneMessageHasOneKey(t *testing.T) {
	for _, c := range []struct{ name, a, b string }{
		{"white space", plainHeader, changed(t, "Hello there", " Hello \t  there  ")},
		{"folding", plainHeader, changed(t, "Hello there", "Hello\n there")},
		{"folding by a tab", plainHeader, changed(t, "Hello there", "\n\tHello\n\tthere")},
		{"case of names", plainHeader, changed(t, "Subject:", "SUBJECT:")},
		{"blank before the colon", plainHeader, changed(t, "Subject:", "Subject :")},
		{"folded id", plainHeader, changed(t, "<1@example.org>", "\n <1@example.org>")},
		{"other fields", plainHeader, changed(t, "To: Bob", "X-Spam: no\nTo: Carol")},
		{"order of fields", plainHeader, changed(t, "Received: by x; Mon, 6 Jan 2020 10:00:01 +0000\nMessage-ID: <1@example.org>\n", "Message-ID: <1@example.org>\n")},
		{"a second field of the name", plainHeader, changed(t, "Subject: Hello there", "Subject: Hello there\nSubject: another\n one")},
		{"a body behind", plainHeader, plainHeader + "Subject: not me\n"},
		{"no empty line at the end", plainHeader, strings.TrimSuffix(plainHeader, "\n")},
		{"no newline at the end", plainHeader, strings.TrimSpace(plainHeader)},
		{"a line without colon", plainHeader, "garbage\n continued\n" + plainHeader},
		{"encoded words", changed(t, "Hello there", "=?utf-8?q?Gr=C3=BC=C3=9Fe?="), changed(t, "Hello there", "=?UTF-8?B?R3LDvMOfZQ==?=")},
		{"charsets", changed(t, "Hello there", "=?utf-8?q?Gr=C3=BC=C3=9Fe?="), changed(t, "Hello there", "=?iso-8859-1?q?Gr=FC=DFe?=")},
		{"encoded and plain", plainHeader, changed(t, "Hello there", "=?utf-8?q?Hello?= there")},
		{"split encoded words", changed(t, "Hello there", "=?utf-8?q?Hello_there?="), changed(t, "Hello there", "=?utf-8?q?Hello_?=\n =?utf-8?q?there?=")},
		{"8-bit octets as X", changed(t, "Hello there", "Gr\xfc\xdfe"), changed(t, "Hello there", "GrXXe")},
		{"utf-8 octets as X", changed(t, "Ann", "Änn"), changed(t, "Ann", "XXnn")},
		{"unknown charset as it is", changed(t, "Hello there", "=?x-odd?q?a?="), changed(t, "Hello there", " =?x-odd?q?a?= ")},
	} {
		for _, a := range [][]byte{[]byte(c.a), crlf(c.a)} {
			for _, b := range [][]byte{[]byte(c.b), crlf(c.b)} {
				if mail.KeyOf(a) != mail.KeyOf(b) {
					t.Errorf("%s: two keys\n%q\n%q", c.name, a, b)
				}
			}
		}
	}
}

func TestDifferentMessagesHaveDifferentKeys(t *testing.T) {
	for _, c := range []struct{ name, old, new string }{
		{"subject", "Hello there", "Hello theree"},
		{"case of the subject", "Hello there", "hello there"},
		{"white space that separates", "Hello there", "Hellothere"},
		{"sender", "ann@", "anne@"},
		{"date", "10:00:00", "10:00:01"},
		{"no subject", "Subject: Hello there\n", ""},
		{"what is the subject's and what the sender's", "Ann <ann@example.org>\nTo: Bob <bob@example.org>\nSubject: Hello there", "Ann\nSubject: <ann@example.org> Hello there"},
	} {
		a, b := mail.KeyOf([]byte(plainHeader)), mail.KeyOf([]byte(changed(t, c.old, c.new)))
		if a.Bare == b.Bare || a.Full == b.Full {
			t.Errorf("another %s, and the same key", c.name)
		}
	}
}

func TestTheMessageIDIsInFullAndNotInBare(t *testing.T) {
	with := mail.KeyOf([]byte(plainHeader))
	other := mail.KeyOf([]byte(changed(t, "<1@", "<2@")))
	if with.Full == other.Full || with.Bare != other.Bare {
		t.Error("another Message-ID has to change Full and leave Bare")
	}
	for _, id := range []string{"", "Message-ID:\n", "Message-ID: \t \n", "Message-ID:\n \n"} {
		without := mail.KeyOf([]byte(changed(t, "Message-ID: <1@example.org>\n", id)))
		if without.HasID || without.Full != without.Bare || without.Bare != with.Bare {
			t.Errorf("without a Message-ID (%q): %+v, with one %+v", id, without, with)
		}
	}
	if !with.HasID || with.Full == with.Bare {
		t.Errorf("with a Message-ID: %+v", with)
	}
}

func TestAKeyOfNothing(t *testing.T) {
	empty := mail.KeyOf(nil)
	if empty.HasID || empty == (mail.Key{}) {
		t.Errorf("an empty header has the key %+v, which is no zero Key", empty)
	}
	for _, header := range []string{"\n", "\r\n", "\r\n" + plainHeader, "X: y\n\n", "no colon\n"} {
		if mail.KeyOf([]byte(header)) != empty {
			t.Errorf("%q has a key of its own", header)
		}
	}
}

// reduced is what a server answers to BODY.PEEK[HEADER.FIELDS (...)].
func reduced(header []byte) []byte {
	var out []byte
	keep := false
	for line := range bytes.Lines(header) {
		text := bytes.TrimRight(line, "\r\n")
		if len(text) == 0 {
			break
		}
		if text[0] != ' ' && text[0] != '\t' {
			name, _, ok := bytes.Cut(text, []byte(":"))
			keep = ok && slices.ContainsFunc(mail.KeyFields(), func(f string) bool {
				return strings.EqualFold(f, string(bytes.TrimSpace(name)))
			})
		}
		if keep {
			out = append(append(out, text...), "\r\n"...)
		}
	}
	return append(out, "\r\n"...)
}

func TestTheFieldsOfAKeyAreEnough(t *testing.T) {
	for _, header := range []string{
		plainHeader,
		changed(t, "Hello there", "Hello\n there\n again"),
		changed(t, "To: Bob", "Subject: early\nTo: Bob"),
		changed(t, "Message-ID: <1@example.org>\n", ""),
		"X: y\n\n",
	} {
		if mail.KeyOf([]byte(header)) != mail.KeyOf(reduced([]byte(header))) {
			t.Errorf("whole and reduced to %q, two keys:\n%s", mail.KeyFields(), header)
		}
	}
}

func FuzzKeyOf(f *testing.F) {
	f.Add([]byte(plainHeader))
	f.Add(crlf(plainHeader))
	f.Add([]byte("Subject: =?utf-8?q?=FF?= \xff\r\n x\r\nSubject: y\r\n\r\n"))
	f.Add([]byte(" folded\nFrom a b: c\n:\nMessage-ID:<>\r"))
	f.Fuzz(func(t *testing.T, header []byte) {
		before := bytes.Clone(header)
		key := mail.KeyOf(header)
		if !bytes.Equal(header, before) {
			t.Fatal("the header was changed")
		}
		if key.HasID == (key.Full == key.Bare) {
			t.Fatalf("HasID %t, Full and Bare equal: %t", key.HasID, key.Full == key.Bare)
		}
		if mail.KeyOf(reduced(header)) != key {
			t.Fatalf("reduced to %q it has another key", reduced(header))
		}
		if mail.KeyOf(bytes.ReplaceAll(header, []byte("\r\n"), []byte("\n"))) != key {
			t.Fatal("with LF it has another key")
		}
		var munged []byte
		for _, c := range header {
			if c >= 0x80 {
				c = 'X'
			}
			munged = append(munged, c)
		}
		if mail.KeyOf(munged) != key {
			// Munging the name of a field makes it another field.
			for line := range bytes.Lines(header) {
				name, _, _ := bytes.Cut(line, []byte(":"))
				if bytes.ContainsFunc(name, func(r rune) bool { return r >= 0x80 }) {
					return
				}
			}
			t.Fatal("with X for 8-bit octets it has another key")
		}
	})
}
