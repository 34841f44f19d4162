package servertest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"mailferry/transfer/mail"
)

func TestNamesInModifiedUTF7(t *testing.T) {
	for _, test := range []struct{ name, raw string }{
		{"INBOX", "INBOX"},
		{"R&D", "R&-D"},
		{"&-&", "&--&-"},
		{"Entwürfe", "Entw&APw-rfe"},
		{"Größe & Maß", "Gr&APYA3w-e &- Ma&AN8-"},
		{"日本語", "&ZeVnLIqe-"},
		{"📬😀", "&2D3c7Ng93gA-"},
		{"a\tb", "a&AAk-b"},
	} {
		if raw := encodeName(test.name); raw != test.raw {
			t.Errorf("encodeName(%q) = %q and not %q", test.name, raw, test.raw)
		}
		if name, err := decodeName(test.raw); name != test.name || err != nil {
			t.Errorf("decodeName(%q) = %q, %v", test.raw, name, err)
		}
	}
	for _, raw := range []string{"&", "a&b", "&AA-", "&A-", "&2D0-", "&ä-"} {
		if name, err := decodeName(raw); err == nil {
			t.Errorf("decodeName(%q) = %q without an error", raw, name)
		}
	}
}

func FuzzNames(f *testing.F) {
	f.Add("Größe & Maß", "&APY-")
	f.Fuzz(func(t *testing.T, name, raw string) {
		if utf8.ValidString(name) && !strings.ContainsRune(name, utf8.RuneError) {
			if back, err := decodeName(encodeName(name)); back != name || err != nil {
				t.Errorf("%q came back as %q, %v", name, back, err)
			}
		}
		if decoded, err := decodeName(raw); err == nil && utf8.ValidString(raw) && !utf8.ValidString(decoded) {
			t.Errorf("decodeName(%q) = %q", raw, decoded)
		}
	})
}

func TestPathsFollowTheNamespace(t *testing.T) {
	plain := &session{delimiter: "/"}
	below := &session{prefix: "INBOX.", delimiter: ".", others: []string{"user.", "shared."}}
	other := &session{prefix: "Mail/", delimiter: "/"}
	for _, test := range []struct {
		s    *session
		raw  string
		path mail.Path // zero: not a folder of the user's own
	}{
		{plain, "inbox", mail.NewPath("INBOX")},
		{plain, "a/&APw-/c.d", mail.NewPath("a", "ü", "c.d")},
		{plain, "bad&name", mail.NewPath("bad&name")},
		{below, "INBOX", mail.NewPath("INBOX")},
		{below, "INBOX.a.b", mail.NewPath("a", "b")},
		{below, "INBOX.", mail.Path{}},
		{below, "user.bert.a", mail.Path{}},
		{below, "user", mail.Path{}},
		{below, "elsewhere", mail.Path{}},
		{other, "INBOX", mail.NewPath("INBOX")},
		{other, "Mail/a", mail.NewPath("a")},
		{other, "Mail", mail.Path{}},
	} {
		path, ok := test.s.path(test.raw)
		if path != test.path || ok == test.path.IsZero() {
			t.Errorf("path(%q) = %q, %t and not %q", test.raw, path, ok, test.path)
		}
		if raw, err := test.s.rawName(path); ok && test.raw != "inbox" && test.raw != "bad&name" && (raw != test.raw || err != nil) {
			t.Errorf("rawName(%q) = %q, %v and not %q", path, raw, err, test.raw)
		}
	}
	if raw, err := below.rawName(mail.NewPath("a.b")); err == nil {
		t.Errorf("a name with the delimiter in it became %q", raw)
	}
}

func TestParserReadsResponses(t *testing.T) {
	in := strings.Join([]string{
		"* OK [CAPABILITY IMAP4rev1] hello (world) \"x",
		"+ go on",
		`* LIST (\HasNoChildren \Sent) "/" "a \"b\" \\c"`,
		"* LIST () NIL {5}\r\n)\r\n\"( x",
		"* 3 FETCH (UID 7 BODY[HEADER.FIELDS (Date From)] {4}\r\nabcd FLAGS (\\Seen [odd $x]) BODY[] NIL)",
		"t1 NO [TRYCREATE] no such folder",
		"* SEARCH",
		"",
	}, "\r\n")
	p := newParser(iotest.OneByteReader(strings.NewReader(in)))
	var got []string
	for {
		r, err := p.response()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("after %q: %v", got, err)
		}
		got = append(got, show(r))
	}
	want := []string{
		`* OK "[CAPABILITY IMAP4rev1] hello (world) \"x"`,
		`+ + "go on"`,
		`* [LIST [\HasNoChildren \Sent] "/" "a \"b\" \\c"]`,
		`* [LIST [] NIL ")\r\n\"(" x]`,
		`* [3 FETCH [UID 7 BODY[HEADER.FIELDS (Date From)] "abcd" FLAGS [\Seen [odd $x]] BODY[] NIL]]`,
		`t1 NO "[TRYCREATE] no such folder"`,
		`* [SEARCH]`,
	}
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("read\n%s\nand not\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func show(r response) string {
	if r.data == nil {
		return fmt.Sprintf("%s %s %q", r.tag, r.status.kind, r.status.text)
	}
	return r.tag + " " + showList(r.data)
}

func showList(list []value) string {
	var parts []string
	for _, v := range list {
		switch {
		case v.isList:
			parts = append(parts, showList(v.list))
		case v.quoted:
			parts = append(parts, fmt.Sprintf("%q", v.text))
		default:
			parts = append(parts, v.text)
		}
	}
	return "[" + strings.Join(parts, " ") + "]"
}

func TestParserDoesNotTakeAPieceForTheWhole(t *testing.T) {
	whole := "* 1 FETCH (UID 9 BODY[] {6}\r\nabcdef FLAGS (\\Seen))\r\n"
	for n := 1; n < len(whole); n++ {
		if r, err := newParser(strings.NewReader(whole[:n])).response(); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q gave %s, %v", whole[:n], show(r), err)
		}
	}
	for _, bad := range []string{"* 1 FETCH (UID 9))\r\n", "* LIST \"a\r\n", "* LIST {x}\r\n", "* LIST {3}x\n", "* LIST {-1}\r\n", "x y\r\n", "* " + strings.Repeat("(", 100) + "\r\n"} {
		if r, err := newParser(strings.NewReader(bad)).response(); !errors.Is(err, errSyntax) {
			t.Errorf("%q gave %s, %v", bad, show(r), err)
		}
	}
}

func FuzzParser(f *testing.F) {
	f.Add([]byte("* 1 FETCH (UID 9 BODY[] {6}\r\nabcdef FLAGS (\\Seen))\r\n"))
	f.Add([]byte("* LIST () \"/\" \"a\\\"b\"\r\nt OK x\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p := newParser(strings.NewReader(string(data)))
		for range len(data) + 1 {
			if _, err := p.response(); err != nil {
				return
			}
		}
		t.Errorf("more responses than octets in %q", data)
	})
}

func TestDigestsDoNotDependOnThePieces(t *testing.T) {
	raw := "Subject: caf\xe9\r\n x\xff\ny: \x80\r\n\r\n\xe9 body\r\r\n\r\nlast\xff"
	munged := "Subject: cafX\r\n xX\ny: X\r\n\r\n\xe9 body\r\r\n\r\nlast\xff"
	lines := "Subject: caf\xe9\n x\xff\ny: \x80\n\n\xe9 body\n\nlast\xff\n"
	for size := 1; size <= len(raw); size++ {
		h := newDigester()
		for rest := raw; rest != ""; {
			n := min(size, len(rest))
			h.Write([]byte(rest[:n]))
			rest = rest[n:]
		}
		d := h.digest()
		if d.size != int64(len(raw)) || d.exact != sha256.Sum256([]byte(raw)) || d.munged != sha256.Sum256([]byte(munged)) || d.lines != sha256.Sum256([]byte(lines)) {
			t.Errorf("in pieces of %d: %+v", size, d)
		}
	}
	if d := newDigester().digest(); d.exact != sha256.Sum256(nil) || d.lines != sha256.Sum256([]byte("\n")) {
		t.Error("the digest of nothing")
	}
}
