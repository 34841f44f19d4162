package imaptest_test

import (
	"fmt"
	"strings"
	"testing"

	"mailferry/transfer/imapstore/imaptest"
	"mailferry/transfer/mail"
)

var inbox = mail.NewPath("INBOX")

// nasty are messages that servers and libraries like to mend.
func nasty() map[string]string {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return map[string]string{
		"plain":                     "Subject: a\r\n\r\nbody\r\n",
		"no octet at all":           "",
		"one octet":                 "x",
		"only a header":             "Subject: a\r\n",
		"header without line end":   "Subject: a",
		"no body":                   "Subject: a\r\n\r\n",
		"no header":                 "\r\nbody",
		"field without colon":       "Subject: a\r\nnonsense\r\nTo: b\r\n\r\nbody\r\n",
		"first line continues":      "  leading\r\nSubject: a\r\n\r\nbody\r\n",
		"From line first":           "From ann@example.org Sat Jan  3 01:05:34 1998\r\nSubject: a\r\n\r\nb\r\n",
		"bare LF":                   "Subject: a\n\nbody\nmore\n",
		"bare CR":                   "Subject: a\rb\r\n\r\nbody\rmore\r",
		"mixed line ends":           "Subject: a\r\nTo: b\n\r\nbody\n\r\n\r",
		"NUL":                       "Subject: a\x00b\r\n\r\n\x00\x00",
		"8-bit header":              "Subject: gr\xfc\xdfe\r\nFrom: \xc3\xa9\r\n\r\n\xff\xfe",
		"every octet":               "Subject: a\r\n\r\n" + string(all),
		"no final line end":         "Subject: a\r\n\r\nbody",
		"looks like an answer":      "Subject: a\r\n\r\nt9 OK done\r\n* BYE\r\n)\r\n",
		"looks like a literal":      "Subject: a\r\n\r\nlook {10}\r\nlook {5+}\r\n",
		"ends like a literal":       "Subject: a\r\n\r\n{3+}\r\n",
		"a line of a million":       "Subject: a\r\n\r\n" + strings.Repeat("x", 1_000_000) + "\r\n",
		"longer than every buffer":  "Subject: a\r\n\r\n" + strings.Repeat("line\r\n", 100_000),
		"capabilities in the body":  "Subject: a\r\n\r\n* CAPABILITY IMAP4rev1 UIDPLUS\r\n",
		"broken multipart":          "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n",
		"white space before colon":  "Subject : a\r\nMessage-ID : <b>\r\n\r\nbody\r\n",
		"two fields of one name":    "To: a\r\nTo: b\r\n\r\nbody\r\n",
		"folded":                    "Subject: a\r\n\tb\r\n c\r\nTo: d\r\n\r\nbody\r\n",
		"empty lines only":          "\r\n\r\n\r\n",
		"one line end":              "\n",
		"octets of a sync literal":  strings.Repeat("y", 4097),
		"octets of a small literal": strings.Repeat("y", 4096),
	}
}

func TestWhatGoesInComesOut(t *testing.T) {
	for _, hide := range [][]string{nil, {"LITERAL+", "LITERAL-"}} {
		_, a, addr := start(t, imaptest.Options{Hide: hide})
		c := login(t, addr)
		c.ok("SELECT INBOX")
		uid := 0
		for name, raw := range nasty() {
			uid++
			if hide == nil {
				c.ok(appendCommand("INBOX", "", raw))
			} else {
				appendSlowly(c, raw)
			}
			stored := a.Messages(inbox)
			if got := string(stored[len(stored)-1].Raw); got != raw {
				t.Fatalf("%s: stored %.80q, want %.80q", name, got, raw)
			}
			got := c.ok(fmt.Sprintf("UID FETCH %d (RFC822.SIZE BODY.PEEK[])", uid))
			want := fmt.Sprintf("* %d FETCH (UID %d RFC822.SIZE %d BODY[] {%d}%s)", uid, uid, len(raw), len(raw), raw)
			if len(got) != 1 || got[0] != want {
				t.Errorf("%s: %.120q, want %.120q", name, got, want)
			}
		}
	}
}

// appendSlowly waits for "+" before the literal.
func appendSlowly(c *client, raw string) {
	c.t.Helper()
	c.send(fmt.Sprintf("slow APPEND INBOX {%d}\r\n", len(raw)))
	if line := c.line(); !strings.HasPrefix(line, "+") {
		c.t.Fatalf("instead of +: %s", line)
	}
	c.send(raw + "\r\n")
	for {
		line := c.line()
		if strings.HasPrefix(line, "slow ") {
			if !strings.HasPrefix(line, "slow OK") {
				c.t.Fatal(line)
			}
			return
		}
	}
}

func TestSectionsAreTheStoredOctets(t *testing.T) {
	_, a, addr := start(t, imaptest.Options{})
	c := login(t, addr)
	const header = "Subject : a\r\n\tb\r\nnonsense\r\nTo: \xfc\r\nsubject: second\n\r\n"
	if _, err := a.Append(inbox, nil, timeOf("2020-01-02"), []byte(header+"body")); err != nil {
		t.Fatal(err)
	}
	c.ok("EXAMINE INBOX")
	for item, want := range map[string]string{
		"BODY.PEEK[HEADER]":                              header,
		"BODY.PEEK[TEXT]":                                "body",
		"BODY.PEEK[HEADER.FIELDS (SUBJECT)]":             "Subject : a\r\n\tb\r\nsubject: second\n\r\n",
		"BODY.PEEK[HEADER.FIELDS.NOT (SUBJECT)]":         "nonsense\r\nTo: \xfc\r\n\r\n",
		"BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]":          "\r\n",
		"BODY.PEEK[]<3.4>":                               "ject",
		"BODY.PEEK[]<1000.4>":                            "",
		"BODY.PEEK[TEXT]<2.1000>":                        "dy",
		"BODY.PEEK[HEADER.FIELDS (Subject nonsense to)]": "Subject : a\r\n\tb\r\nTo: \xfc\r\nsubject: second\n\r\n",
		"RFC822.HEADER":                                  header,
	} {
		got := c.ok("FETCH 1 (" + item + ")")
		if tail := fmt.Sprintf(" {%d}%s)", len(want), want); len(got) != 1 || !strings.HasSuffix(got[0], tail) {
			t.Errorf("%s: %q, want the end %q", item, got, tail)
		}
	}
}

func TestStructureOfAnyMessageIsAnswered(t *testing.T) {
	_, a, addr := start(t, imaptest.Options{})
	c := login(t, addr)
	for _, raw := range nasty() {
		if _, err := a.Append(inbox, nil, timeOf("2020-01-02"), []byte(raw)); err != nil {
			t.Fatal(err)
		}
	}
	c.ok("EXAMINE INBOX")
	if got := c.ok("FETCH 1:* (ENVELOPE BODYSTRUCTURE)"); len(got) != len(nasty()) {
		t.Errorf("%d answers for %d messages", len(got), len(nasty()))
	}
}
