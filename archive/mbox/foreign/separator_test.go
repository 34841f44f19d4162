package foreign_test

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"mailferry/archive/mbox/foreign"
)

// between puts text, behind an empty line, between two messages whose From_ lines are as they should be.
func between(text string) []byte {
	return []byte(fromLine + "Subject: first\n\ntext\n\n" + text + "\n" + fromLine + "Subject: last\n\ntext\n\n")
}

func oddFromLines() map[string]string {
	return map[string]string{
		"time 0 in America":   "From a@b Wed Dec 31 16:00:00 1969",
		"before time 0":       "From a@b Thu Dec 31 23:59:59 1925",
		"two digits":          "From a@b Tue Mar 14 12:23:34 95",
		"three digits":        "From a@b Tue Mar 14 12:23:34 105",
		"leap second":         "From a@b Sat Dec 31 23:59:60 2016",
		"morning":             "From a@b Tue Mar 14 12:23:34 AM 2005",
		"fraction":            "From a@b 2005-03-14 12:23:34.123 +0000",
		"GMT and hours":       "From a@b Tue Mar 14 12:23:34 2005 GMT+01:00",
		"zone with a colon":   "From a@b Tue Mar 14 12:23:34 +01:00 2005",
		"zone in words":       "From a@b Tue, 14 Mar 2005 12:23:34 +0100 (CET)",
		"zone nobody knows":   "From a@b Tue Mar 14 12:23:34 2005 Europe/Vienna",
		"German":              "From a@b Di Mär 14 12:23:34 2005",
		"German, no address":  "From John Doe Di Mär 14 12:23:34 2005",
		"sender of two words": "From John Doe Tue Mar 14 12:23:34 2005",
		"Pipermail":           "From ann at example.org  Tue Mar 14 12:23:34 2005",
		"day that is none":    "From a@b Tue Feb 31 12:23:34 2005",
		"no date":             "From a@b",
		"no date, no address": "From MAILER-DAEMON",
		"two words, no date":  "From John Doe",
		"nothing":             "From ",
		"passed on":           "From bob\n>From ann Tue Mar 14 12:23:34 2005 remote from host",
	}
}

func TestAnOddFromLineBeginsAMessage(t *testing.T) {
	for name, line := range oddFromLines() {
		for kind, end := range map[string]string{"LF": "\n", "CRLF": "\r\n"} {
			t.Run(name+" "+kind, func(t *testing.T) {
				text := strings.ReplaceAll(string(between(line+"\nSubject: odd\n\nbody\n")), "\n", end)
				_, lines, _ := read(t, settledFile(t, []byte(text)), foreign.Options{})
				if len(lines) != 3 || !strings.HasPrefix(lines[1], "odd |") || !strings.HasSuffix(lines[1], `| "body\r\n"`) {
					t.Errorf("read %q", lines)
				}
			})
		}
	}
}

func TestPythonReadsOddFromLinesToo(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	var text strings.Builder
	for _, line := range oddFromLines() {
		text.WriteString(fromLine + "Subject: as it should be\n\ntext\n\n" + line + "\nSubject: odd\n\nbody\n\n")
	}
	path := settledFile(t, []byte(text.String()))
	out, err := exec.Command(python, "-c", "import mailbox, sys; print(len(mailbox.mbox(sys.argv[1], create=False)))", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	if _, lines, _ := read(t, path, foreign.Options{}); strconv.Itoa(len(lines)) != strings.TrimSpace(string(out)) {
		t.Errorf("%d messages, Python finds %s", len(lines), out)
	}
}

func TestTextThatBeginsWithFromIsText(t *testing.T) {
	for name, text := range map[string]string{
		"prose":              "From here on we\nwrite prose\n",
		"a paragraph":        "From here to eternity\n\nSubject: no header, an empty line is in front\n",
		"a sentence":         "From the beginning: it was\nso: nobody knew\n",
		"an aside":           "From here on we\nNote: do as we like\n",
		"a form":             "From our contact form\nName: Ann\nEmail: ann@example.org\n",
		"hours":              "From Monday\n10:00 lunch\n",
		"hours in words":     "From 10:00 on\nPlace: the garden\n",
		"a link":             "From example.org\nhttps://example.org/\n",
		"an answer":          "From bob@example.org\n> Subject: none\n",
		"a sentence, a date": "From bob on Thu Jan 2 15:04:05 2025\nwe have heard nothing\n",
		"a list":             "From: ann@example.org\nSubject: forwarded\n",
		"quoted":             ">From a@b Thu Jan  2 15:04:05 2025\nSubject: forwarded\n",
		"indented":           " From a@b Thu Jan  2 15:04:05 2025\nSubject: forwarded\n",
	} {
		t.Run(name, func(t *testing.T) {
			got := bodies(t, settledFile(t, between(text)), foreign.Options{Quoting: foreign.Never})
			if len(got) != 2 || !strings.HasSuffix(got[0], "text\r\n\r\n"+strings.ReplaceAll(text, "\n", "\r\n")) {
				t.Errorf("read %q", got)
			}
		})
	}
}

// TestForwardedMailInATextIsSplitOff: where only From_ lines tell, it cannot be told from a message.
func TestForwardedMailInATextIsSplitOff(t *testing.T) {
	const forwarded = "From bob, unquoted\nSubject: forwarded\n\nits text\n"
	got := bodies(t, settledFile(t, between(forwarded)), foreign.Options{})
	if len(got) != 3 || got[1] != "Subject: forwarded\r\n\r\nits text\r\n" {
		t.Errorf("read %q", got)
	}
	whole := fromLine + "Subject: first\nContent-Length: " + strconv.Itoa(len("text\n\n"+forwarded)) + "\n\ntext\n\n" + forwarded + "\n"
	if got = bodies(t, settledFile(t, []byte(whole)), foreign.Options{}); len(got) != 1 || !strings.HasSuffix(got[0], "its text\r\n") {
		t.Errorf("with its length stated, read %q", got)
	}
}

func TestALengthMayEndAtAnOddFromLine(t *testing.T) {
	text := fromLine + "Subject: first\nContent-Length: 5\n\ntext\n\nFrom John Doe Di Mär 14 12:23:34 2005\nSubject: odd\nContent-Length: 5\n\nbody\n\n"
	kind, lines, _ := read(t, settledFile(t, []byte(text)), foreign.Options{})
	if kind != "mboxcl" || len(lines) != 2 {
		t.Errorf("%s, %q", kind, lines)
	}
}

func TestDatesOfFromLines(t *testing.T) {
	for line, want := range map[string]string{
		"From a@b Tue Mar 14 12:23:34 95":              "1995-03-14T12:23:34Z",
		"From a@b Tue Mar 14 12:23:34 05":              "2005-03-14T12:23:34Z",
		"From a@b Tue Mar 14 12:23:34 105":             "2005-03-14T12:23:34Z",
		"From a@b Sat Dec 31 23:59:60 2016":            "2017-01-01T00:00:00Z",
		"From a@b Tue Mar 14 12:23:34 AM 2005":         "2005-03-14T00:23:34Z",
		"From a@b Tue Mar 14 01:23:34 PM 2005":         "2005-03-14T13:23:34Z",
		"From a@b Tue Mar 14 12:23:34 2005 GMT+01:00":  "2005-03-14T12:23:34+01:00",
		"From a@b Tue Mar 14 12:23:34 -02:30 2005":     "2005-03-14T12:23:34-02:30",
		"From a@b 2005-03-14 12:23:34.123 +0100 (CET)": "2005-03-14T12:23:34+01:00",
		"From John Doe Tue Mar 14 12:23:34 2005":       "2005-03-14T12:23:34Z",
		// These have none, or one that stands for none.
		"From a@b Wed Dec 31 16:00:00 1969": "2000-01-01T00:00:00Z",
		"From a@b Tue Feb 31 12:23:34 2005": "2000-01-01T00:00:00Z",
		"From a@b":                          "2000-01-01T00:00:00Z",
	} {
		text := between(line + "\nDate: Sat, 1 Jan 2000 00:00:00 +0000\nSubject: odd\n\nbody\n")
		_, lines, _ := read(t, settledFile(t, text), foreign.Options{})
		if len(lines) != 3 || !strings.Contains(lines[1], "| "+want+" |") {
			t.Errorf("%s: %q, want %s", line, lines, want)
		}
	}
}
