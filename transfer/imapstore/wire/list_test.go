package wire

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"mailferry/transfer/mail"
)

func show(boxes []*Mailbox) []string {
	var out []string
	for _, m := range boxes {
		text := fmt.Sprintf("%q %q", m.Raw, m.Delim)
		if m.Subscribed {
			text += " subscribed"
		}
		if !m.Openable() {
			text += " closed"
		}
		if m.Status != nil {
			text += fmt.Sprintf(" %d/%d", m.Status.Messages, m.Status.UIDNext)
		}
		out = append(out, text)
	}
	return out
}

const modern = "LIST-EXTENDED LIST-STATUS SPECIAL-USE CONDSTORE STATUS=SIZE"

func TestListInOneRoundTrip(t *testing.T) {
	c := dial(t, offering(modern)+`
		C: A1 LIST "" "*" RETURN (SPECIAL-USE STATUS (UIDVALIDITY UIDNEXT MESSAGES UNSEEN HIGHESTMODSEQ SIZE))
		C: A2 LIST (SUBSCRIBED) "" "*"
		S: * LIST (\HasNoChildren) "/" inbox
		S: * STATUS INBOX (MESSAGES 3 UIDNEXT 9 UIDVALIDITY 4 UNSEEN 1 HIGHESTMODSEQ 77 SIZE 1234)
		S: * LIST (\Sent) "/" "Sent"
		S: * STATUS "Sent" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 5)
		S: * LIST (\Noselect \HasChildren) "/" A
		S: A1 OK
		S: * LIST (\Subscribed) "/" INBOX
		S: * LIST (\Subscribed \NonExistent) "/" Gone
		S: A2 OK
		wait`)
	boxes, err := c.List(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`"inbox" "/" subscribed 3/9`, `"Sent" "/" 0/1`, `"A" "/" closed`, `"Gone" "/" subscribed closed`}
	if got := show(boxes); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	st := *boxes[0].Status
	if want := (mail.Status{UIDValidity: 4, UIDNext: 9, Messages: 3, HighestModSeq: 77, Unseen: 1, Bytes: 1234}); !reflect.DeepEqual(st, want) {
		t.Errorf("status is %+v, want %+v", st, want)
	}
}

func TestListOfAnOldServer(t *testing.T) {
	c := dial(t, offering("")+`
		C: A1 LIST "" "INBOX.*"
		C: A2 LIST "" INBOX
		C: A3 LSUB "" "*"
		S: * LIST () "." "INBOX.Sent"
		S: * LIST () "." "INBOX.Broken"
		S: A1 OK
		S: * LIST () "." INBOX
		S: A2 OK
		S: * LSUB () "." INBOX.Sent
		S: * LSUB (\Noselect) "." INBOX.Parent
		S: A3 OK
		C: A4 STATUS "INBOX.Sent" (UIDVALIDITY UIDNEXT MESSAGES UNSEEN)
		C: A5 STATUS "INBOX.Broken"
		C: A6 STATUS INBOX
		S: * STATUS INBOX.Sent (MESSAGES 3 UIDNEXT 9 UIDVALIDITY 4 UNSEEN 1)
		S: A4 OK
		S: A5 NO cannot read it
		S: * STATUS "inbox" (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 1 UNSEEN -1 )
		S: A6 OK
		wait`)
	boxes, err := c.List(t.Context(), "INBOX.")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`"INBOX.Sent" "." subscribed 3/9`, `"INBOX.Broken" "."`, `"INBOX" "." 1/2`}
	if got := show(boxes); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestListOddNames: one odd name costs neither the listing nor itself.
func TestListOddNames(t *testing.T) {
	for line, want := range map[string]string{
		`() "/" R&D`:                                 `"R&D" "/"`,
		`() "/" "Gr\xfc\xdfe"`:                       `"Grxfcxdfe" "/"`,
		"() \"/\" \"Gr\xfc\xdfe\"":                   `"Gr\xfc\xdfe" "/"`,
		"() \"/\" \"a\tb\"":                          `"a\tb" "/"`,
		`() "/" two words`:                           `"two words" "/"`,
		`() "/" words (and more)`:                    `"words (and more)" "/"`,
		`() "/" plain ("CHILDINFO" ("SUBSCRIBED"))`:  `"plain" "/"`,
		`() "/" "quoted" (CHILDINFO ("SUBSCRIBED"))`: `"quoted" "/"`,
		`() "/" "a\"b\\c"`:                           `"a\"b\\c" "/"`,
		`() "/" "a"b"`:                               `"a\"b" "/"`,
		`() "" flat`:                                 `"flat" ""`,
		`() NIL flat`:                                `"flat" ""`,
		`NIL "/" x`:                                  `"x" "/"`,
		`(\HasNoChildren ) "/" x `:                   `"x" "/"`,
		`(\Marked) "\\" "a\\b"`:                      `"a\\b" "\\"`,
		"() \"/\" {7}\nS: a\\b \"c\"":                `"a\\b \"c\"" "/"`,
		`() "/" [Gmail]/All`:                         `"[Gmail]/All" "/"`,
		`(\HasNoChildren (x y)) "/" x`:               `"x" "/"`,
		`() "." "INBOX.Entw&APw-rfe" ("X" ({3}`:      `"INBOX.Entw&APw-rfe" "."`,
	} {
		if strings.HasSuffix(line, "{3}") {
			line += "\nS: abc))"
		}
		t.Run(want, func(t *testing.T) {
			c := dial(t, offering("LIST-EXTENDED LIST-STATUS")+"C: A1\nC: A2\nS: * LIST "+line+"\nS: * LIST\nS: * LIST () \"/\" \"\"\nS: * LIST () \"/\" last\n"+
				"S: * STATUS last (MESSAGES 1)\nS: A1 OK\nS: A2 OK\nC: A3 STATUS\nS: A3 NO\nwait")
			boxes, err := c.List(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			if got := show(boxes); len(got) != 2 || got[0] != want {
				t.Errorf("got %q, want %q and last", got, want)
			}
		})
	}
}

func TestListIncomplete(t *testing.T) {
	for name, script := range map[string]string{
		"refused":                   "C: A1\nC: A2\nS: * LIST () \"/\" a\nS: A1 NO [UNAVAILABLE] later\nS: A2 OK\nwait",
		"subscriptions refused":     "C: A1\nC: A2\nS: * LIST () \"/\" a\nS: A1 OK\nS: A2 NO later\nwait",
		"cut off":                   "C: A1\nC: A2\nS: * LIST () \"/\" a",
		"throttled in STATUS":       "C: A1\nC: A2\nS: * LIST () \"/\" a\nS: A1 OK\nS: A2 OK\nC: A3 STATUS\nS: A3 NO [LIMIT] slow down\nwait",
		"cut off in STATUS, quoted": "C: A1\nC: A2\nS: * LIST () \"/\" a\nS: A1 OK\nS: A2 OK\nC: A3 STATUS\nS: \"* STATUS \\\"a\"",
	} {
		t.Run(name, func(t *testing.T) {
			boxes, err := dial(t, offering("")+script).List(t.Context(), "")
			if err == nil || boxes != nil {
				t.Fatalf("got %q, %v", show(boxes), err)
			}
			if e := mail.ErrorOf(err); e.Scope != mail.ScopeStore {
				t.Errorf("scope %d", e.Scope)
			}
		})
	}
}

func TestNamespaces(t *testing.T) {
	for line, want := range map[string]Namespaces{
		`(("" "/")) NIL NIL`: {Personal: []Namespace{{"", "/"}}},
		`(("INBOX." ".")) (("user." ".")) (("shared." "." "X" ("a" "b")) ("" NIL))`: {
			Personal: []Namespace{{"INBOX.", "."}}, Other: []Namespace{{"user.", "."}}, Shared: []Namespace{{"shared.", "."}, {"", ""}}},
		`NIL NIL NIL`: {},
		``:            {},
	} {
		c := dial(t, offering("NAMESPACE")+"C: A1 NAMESPACE\nS: * NAMESPACE "+line+"\nS: A1 OK\nwait")
		v, err := c.Survey(t.Context(), Errand{})
		if err != nil || !reflect.DeepEqual(v.Namespaces, want) {
			t.Errorf("%s: got %+v, %v; want %+v", line, v.Namespaces, err, want)
		}
	}
	c := dial(t, offering("")+"C: A1 LIST \"\" \"\"\nS: * LIST (\\Noselect) \".\" \"\"\nS: A1 OK\nwait")
	v, err := c.Survey(t.Context(), Errand{})
	if want := (Namespaces{Personal: []Namespace{{"", "."}}}); err != nil || !reflect.DeepEqual(v.Namespaces, want) {
		t.Errorf("without NAMESPACE: got %+v, %v; want %+v", v.Namespaces, err, want)
	}
}
