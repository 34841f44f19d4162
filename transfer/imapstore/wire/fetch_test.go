package wire

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"mailferry/transfer/mail"
)

// got is a message as FetchBodies delivered it.
type got struct {
	UID   mail.UID
	Flags string
	Date  string
	Body  string
}

func fetchAll(t *testing.T, c *Conn, uids mail.UIDSet) (all []got, err error) {
	t.Helper()
	err = c.FetchBodies(t.Context(), uids, func(info mail.Info, body io.Reader) error {
		text, err := io.ReadAll(body)
		if err != nil {
			return err
		}
		if int64(len(text)) != info.Size {
			t.Errorf("UID %d: %d octets of %d", info.UID, len(text), info.Size)
		}
		date := ""
		if !info.InternalDate.IsZero() {
			date = info.InternalDate.Format("2006-01-02 15:04:05 -0700")
		}
		all = append(all, got{info.UID, info.Flags.String(), date, string(text)})
		return nil
	})
	return all, err
}

const date = `INTERNALDATE " 1-Feb-2020 10:20:30 +0100"`

// TestFetchTakesOddAnswers: every way to say the same, and what stands around it.
func TestFetchTakesOddAnswers(t *testing.T) {
	want := []got{{7, `\Seen work`, "2020-02-01 10:20:30 +0100", "hello"}}
	for name, answer := range map[string]string{
		"in order":                 "S: * 1 FETCH (UID 7 FLAGS (\\Seen work) " + date + " BODY[] {5}\nS: hello)",
		"UID behind the body":      "S: * 1 FETCH (FLAGS (\\Seen work) " + date + " BODY[] {5}\nS: hello UID 7)",
		"all behind the body":      "S: * 1 FETCH (BODY[] {5}\nS: hello FLAGS (\\Seen work) " + date + " UID 7)",
		"quoted":                   "S: * 1 FETCH (UID 7 FLAGS (\\Seen work) " + date + " BODY[] \"hello\")",
		"literal8":                 "S: * 1 FETCH (UID 7 FLAGS (\\Seen work) " + date + " BODY[] ~{5}\nS: hello)",
		"RFC822 for BODY[]":        "S: * 1 FETCH (UID 7 FLAGS (\\Seen work) " + date + " RFC822 {5}\nS: hello)",
		"with an origin":           "S: * 1 FETCH (UID 7 FLAGS (\\Seen work) " + date + " BODY[]<0> {5}\nS: hello)",
		"lower case":               "S: * 1 fetch (uid 7 flags (\\seen work) internaldate \" 1-Feb-2020 10:20:30 +0100\" body[] {5}\nS: hello)",
		"unknown items":            "S: * 1 FETCH (X-GM-MSGID 12 UID 7 EMAILID (M1) X-GM-LABELS (\"\\\\Inbox\" \"a b\") FLAGS (\\Seen work) MODSEQ (5) " + date + " X (a (b c) {3}\nS: d e) BODY[] {5}\nS: hello)",
		"loose spaces":             "S: * 1 FETCH ( UID  7 FLAGS ( \\Seen  work )  " + date + " BODY[] {5}\nS: hello )",
		"no spaces":                "S: * 1 FETCH (UID 7 FLAGS (\\Seen work)" + date + " BODY[] {5}\nS: hello)",
		"line end before the end":  "S: * 1 FETCH (UID 7 FLAGS (\\Seen work) " + date + " BODY[] {5}\nS: hello\nS: )",
		"bare LF":                  "S: \"* 1 FETCH (UID 7 FLAGS (\\\\Seen work) INTERNALDATE \\\" 1-Feb-2020 10:20:30 +0100\\\" BODY[] {5}\\nhello)\\n\"",
		"flags pushed first":       "S: * 1 FETCH (UID 7 FLAGS (old))\nS: * 1 FETCH (UID 7 FLAGS (\\Seen work) " + date + " BODY[] {5}\nS: hello)",
		"in two responses":         "S: * 1 FETCH (UID 7 FLAGS (\\Seen work) " + date + ")\nS: * 1 FETCH (UID 7 BODY[] {5}\nS: hello)",
		"twice":                    "S: * 1 FETCH (UID 7 FLAGS (\\Seen work) " + date + " BODY[] {5}\nS: hello)\nS: * 1 FETCH (UID 7 FLAGS () " + date + " BODY[] {5}\nS: hello)",
		"quoted keyword":           "S: * 1 FETCH (UID 7 FLAGS (\\Seen \"work\") " + date + " BODY[] {5}\nS: hello)",
		"somebody else's":          "S: * 2 FETCH (UID 9 FLAGS () " + date + " BODY[] {3}\nS: xyz)\nS: * 1 FETCH (UID 7 FLAGS (\\Seen work) " + date + " BODY[] {5}\nS: hello)",
		"noise":                    "S: * XFOO bar {3}\nS: abc\nS: \nS: + out of place\nS: * 5 EXISTS foo\nS: * OK [foo bar without end\nS: * OK [Error=\"a b\" c]\nS: * ESEARCH\nS: garbage\nS: * VANISHED 3\nS: * 1 FETCH (UID 7 FLAGS (\\Seen work) " + date + " BODY[] {5}\nS: hello)",
		"a line of 200 KB":         "S: * OK " + strings.Repeat("x", 200_000) + "\nS: * 1 FETCH (UID 7 FLAGS (\\Seen work) " + date + " BODY[] {5}\nS: hello)",
		"a body like a response":   "S: * 1 FETCH (UID 7 FLAGS (\\Seen work) " + date + " BODY[] {5}\nS: hello)",
		"status text with a brace": "S: * OK say {5}\nS: * 1 FETCH (UID 7 FLAGS (\\Seen work) " + date + " BODY[] {5}\nS: hello)",
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, preauth+"C: A1 UID FETCH 7 (UID FLAGS INTERNALDATE BODY.PEEK[])\n"+answer+"\nS: A1 OK done\nwait")
			all, err := fetchAll(t, c, mail.NewUIDSet(7))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(all, want) {
				t.Errorf("got %+v, want %+v", all, want)
			}
			if !c.Usable() {
				t.Error("the connection is given up")
			}
		})
	}
}

func TestFetchOddValues(t *testing.T) {
	for name, tc := range map[string]struct {
		item string
		want got
	}{
		"date NIL":       {"FLAGS () INTERNALDATE NIL BODY[] {2}\nS: ab)", got{7, "", "", "ab"}},
		"date empty":     {`FLAGS () INTERNALDATE "" BODY[] {2}` + "\nS: ab)", got{7, "", "", "ab"}},
		"date of no day": {`FLAGS () INTERNALDATE "00-Jan-0000 00:00:00 GMT" BODY[] {2}` + "\nS: ab)", got{7, "", "", "ab"}},
		"one-digit day":  {`FLAGS () INTERNALDATE "1-Feb-2020 10:20:30 +0000" BODY[] {2}` + "\nS: ab)", got{7, "", "2020-02-01 10:20:30 +0000", "ab"}},
		"flags NIL":      {"FLAGS NIL " + date + " BODY[] {2}\nS: ab)", got{7, "", "2020-02-01 10:20:30 +0100", "ab"}},
		"odd keywords":   {"FLAGS ([css3-page] é \\ \\Recent $x \\*) " + date + " BODY[] {2}\nS: ab)", got{7, "$x [css3-page] é", "2020-02-01 10:20:30 +0100", "ab"}},
		"empty literal":  {"FLAGS () " + date + " BODY[] {0}\nS: )", got{7, "", "2020-02-01 10:20:30 +0100", ""}},
		"empty quoted":   {"FLAGS () " + date + ` BODY[] "")`, got{7, "", "2020-02-01 10:20:30 +0100", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, preauth+"C: A1 UID FETCH 7\nS: * 1 FETCH (UID 7 "+tc.item+"\nS: A1 OK done\nwait")
			all, err := fetchAll(t, c, mail.NewUIDSet(7))
			if err != nil || len(all) != 1 || all[0] != tc.want {
				t.Errorf("got %+v, %v; want %+v", all, err, tc.want)
			}
		})
	}
}

// TestFetchAsksAgain: what a server told late or not at all is asked for once
// more, for the one message.
func TestFetchAsksAgain(t *testing.T) {
	big := strings.Repeat("x", lateBody+1)
	for name, tc := range map[string]struct {
		script string
		want   []got
	}{
		"a large body before its UID": {`
			S: * 1 FETCH (BODY[] {` + fmt.Sprint(len(big)) + "}\nS: " + big + ` FLAGS (a) ` + date + ` UID 7)
			S: A1 OK
			C: A2 UID FETCH 7 (UID FLAGS INTERNALDATE RFC822.SIZE)
			S: * 1 FETCH (UID 7 FLAGS (a) ` + date + `)
			S: A2 OK
			C: A3 UID FETCH 7 (UID BODY.PEEK[])
			S: * 1 FETCH (BODY[] {` + fmt.Sprint(len(big)) + "}\nS: " + big + ` UID 7)
			S: A3 OK
			wait`, []got{{7, "a", "2020-02-01 10:20:30 +0100", big}}},
		"no flags with the body": {`
			S: * 1 FETCH (UID 7 BODY[] {2}
			S: ab)
			S: A1 OK
			C: A2 UID FETCH 7 (UID FLAGS INTERNALDATE RFC822.SIZE)
			S: * 1 FETCH (UID 7 FLAGS (a))
			S: A2 OK
			C: A3 UID FETCH 7 (UID BODY.PEEK[])
			S: * 1 FETCH (UID 7 BODY[] {2}
			S: ab)
			S: A3 OK
			wait`, []got{{7, "a", "", "ab"}}},
		"NIL for a message without octets": {`
			S: * 1 FETCH (UID 7 FLAGS () ` + date + ` BODY[] NIL)
			S: A1 OK
			C: A2 UID FETCH 7 (UID FLAGS INTERNALDATE RFC822.SIZE)
			S: * 1 FETCH (UID 7 FLAGS () ` + date + ` RFC822.SIZE 0)
			S: A2 OK
			C: A3 UID FETCH 7 (UID BODY.PEEK[])
			S: * 1 FETCH (UID 7 BODY[] NIL)
			S: A3 OK
			wait`, []got{{7, "", "2020-02-01 10:20:30 +0100", ""}}},
		"NIL for a message with octets": {`
			S: * 1 FETCH (UID 7 FLAGS () ` + date + ` BODY[] NIL)
			S: A1 OK
			C: A2 UID FETCH 7 (UID FLAGS INTERNALDATE RFC822.SIZE)
			S: * 1 FETCH (UID 7 FLAGS () ` + date + ` RFC822.SIZE 12)
			S: A2 OK
			C: A3 UID FETCH 7 (UID BODY.PEEK[])
			S: * 1 FETCH (UID 7 BODY[] NIL)
			S: A3 OK
			wait`, nil},
		"one that the server cannot read": {`
			S: * 1 FETCH (UID 6 FLAGS () ` + date + ` BODY[] {2}
			S: ab)
			S: A1 NO some messages could not be fetched
			C: A2 UID SEARCH UID 6:8
			S: * SEARCH 6 7 8
			S: A2 OK
			C: A3 UID FETCH 7 (UID FLAGS
			S: * 2 FETCH (UID 7 FLAGS () ` + date + `)
			S: A3 OK
			C: A4 UID FETCH 7 (UID BODY
			S: A4 NO cannot read it
			C: A5 UID FETCH 8 (UID FLAGS
			S: * 3 FETCH (UID 8 FLAGS () ` + date + `)
			S: A5 OK
			C: A6 UID FETCH 8 (UID BODY
			S: * 3 FETCH (UID 8 BODY[] {2}
			S: cd)
			S: A6 OK
			wait`, []got{{6, "", "2020-02-01 10:20:30 +0100", "ab"}, {8, "", "2020-02-01 10:20:30 +0100", "cd"}}},
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, preauth+"C: A1 UID FETCH\n"+tc.script)
			var uids mail.UIDSet
			uids.AddRange(7, 7)
			if strings.Contains(tc.script, "6:8") {
				uids.AddRange(6, 8)
			}
			all, err := fetchAll(t, c, uids)
			if err != nil || !reflect.DeepEqual(all, tc.want) {
				t.Errorf("got %.200v, %v; want %.200v", all, err, tc.want)
			}
		})
	}
}

// TestFetchCutOff: a body that is not whole is an error, never a shorter body.
func TestFetchCutOff(t *testing.T) {
	for name, tc := range map[string]struct {
		script, words string
	}{
		"in the body":       {"S: \"* 1 FETCH (UID 7 FLAGS () INTERNALDATE NIL BODY[] {50}\\r\\nhello\"", "closed"},
		"behind the body":   {"S: \"* 1 FETCH (UID 7 FLAGS () INTERNALDATE NIL BODY[] {5}\\r\\nhello\"", "closed"},
		"BYE":               {"S: * BYE shutting down", "shutting down"},
		"throttled BYE":     {"S: * BYE Session invalidated: too many connections", "too many"},
		"announced short":   {"S: * 1 FETCH (UID 7 FLAGS () INTERNALDATE NIL BODY[] {3}\nS: hello)\nS: A1 OK\nwait", "not the body's length"},
		"announced as none": {"S: * 1 FETCH (UID 7 FLAGS () INTERNALDATE NIL BODY[] {0}\nS: hello)\nS: A1 OK\nwait", "not the body's length"},
		"announced long":    {"S: * 1 FETCH (UID 7 FLAGS () INTERNALDATE NIL BODY[] {9}\nS: hello)\nS: A1 OK\nwait", "not the body's length"},
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, preauth+"C: A1 UID FETCH\n"+tc.script)
			all, err := fetchAll(t, c, mail.NewUIDSet(7))
			if e := mail.ErrorOf(err); err == nil || e.Scope != mail.ScopeStore || !strings.Contains(err.Error(), tc.words) {
				t.Errorf("error %v", err)
			}
			for _, m := range all {
				t.Errorf("a message of %d octets was delivered", len(m.Body))
			}
			if c.Usable() {
				t.Error("the connection is still used")
			}
		})
	}
}

// TestFetchStopped: whoever stops is not kept waiting, wherever in the body that is.
func TestFetchStopped(t *testing.T) {
	for _, read := range []int{0, 2, 5} {
		c := dial(t, preauth+"C: A1 UID FETCH\nS: * 1 FETCH (UID 7 FLAGS () INTERNALDATE NIL BODY[] {5}\nS: hello)\nwait")
		stop := errors.New("enough")
		err := c.FetchBodies(t.Context(), mail.NewUIDSet(7), func(_ mail.Info, body io.Reader) error {
			if _, err := io.ReadFull(body, make([]byte, read)); err != nil {
				t.Error(err)
			}
			return stop
		})
		if err != stop {
			t.Errorf("%d octets read: got %v", read, err)
		}
		if c.Usable() {
			t.Errorf("%d octets read: a connection in the middle of a response is still used", read)
		}
	}
}

// TestFetchChunks: command lines stay short, and two of them are on their way.
func TestFetchChunks(t *testing.T) {
	var uids mail.UIDSet
	for u := mail.UID(1_000_000); u < 1_003_000; u += 2 {
		uids.Add(u)
	}
	script := preauth
	for i, answers := 1, 1; answers <= 5; i++ {
		if i <= 5 {
			script += fmt.Sprintf("C: A%d UID FETCH \n", i)
		}
		if i >= 2 {
			script += fmt.Sprintf("S: A%d OK\n", answers)
			answers++
		}
	}
	c := dial(t, script+"wait")
	if _, err := fetchAll(t, c, uids); err != nil {
		t.Error(err)
	}
	for _, part := range c.chunks(uids, chunkMessages) {
		if n := len(part.String()); n > 7900 {
			t.Errorf("a set of %d octets", n)
		}
	}
	var everything mail.UIDSet
	everything.AddRange(1, 4294967295)
	c.box.exists = 3
	if n := len(c.chunks(everything, chunkMessages)); n > 2 {
		t.Errorf("%d commands for 3 messages", n)
	}
}
