package wire

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"mailferry/transfer/mail"
)

const offered = "IMAP4rev1 AUTH=PLAIN SASL-IR ID ENABLE QRESYNC NAMESPACE LIST-EXTENDED LIST-STATUS LITERAL+"

// TestFirstFlight: everything between login and the first folder takes one round trip,
// and login another.
func TestFirstFlight(t *testing.T) {
	opts := scripted(t, `
S: * OK [CAPABILITY `+offered+`] hi
C: A1 AUTHENTICATE PLAIN
S: A1 OK [CAPABILITY `+offered+`] in
C: A2 ID
C: A3 ENABLE QRESYNC
C: A4 NAMESPACE
C: A5 STATUS "fine"
C: A6 STATUS "a%b"
C: A7 LIST "" "*" RETURN (STATUS (UIDVALIDITY UIDNEXT MESSAGES UNSEEN HIGHESTMODSEQ))
C: A8 LIST (SUBSCRIBED) "" "*"
S: * ID ("name" "Odd")
S: A2 OK
S: * ENABLED QRESYNC
S: A3 OK
S: * NAMESPACE (("INBOX." ".")) NIL (("shared." "."))
S: A4 OK
S: A5 NO [NONEXISTENT] no such mailbox
S: A6 NO [CANNOT] not with that
S: * LIST () "." INBOX
S: * STATUS INBOX (MESSAGES 3 UIDNEXT 9 UIDVALIDITY 1 HIGHESTMODSEQ 5)
S: * LIST () "." INBOX.Sent
S: * STATUS INBOX.Sent (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 1)
S: * LIST () "." shared.news
S: * STATUS shared.news (MESSAGES 7 UIDNEXT 8 UIDVALIDITY 1)
S: * LIST () "." shared.other
S: * STATUS shared.other (MESSAGES 7 UIDNEXT 8 UIDVALIDITY 1)
S: A7 OK
S: * LIST (\Subscribed) "." INBOX
S: * LIST (\Subscribed) "." shared.other
S: A8 OK
wait`)
	var trace bytes.Buffer
	opts.Trace = &trace
	c, err := Dial(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	v, err := c.Survey(t.Context(), Errand{Folders: true, Names: []string{"fine", "a%b"}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := show(v.Mailboxes), []string{`"INBOX" "." subscribed 3/9`, `"INBOX.Sent" "." 0/1`, `"shared.other" "." subscribed closed`}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if want := []bool{false, true}; !reflect.DeepEqual(v.Refused, want) || v.Namespaces.Shared[0].Prefix != "shared." {
		t.Errorf("refused %v, namespaces %+v", v.Refused, v.Namespaces)
	}
	if !c.Resync() || c.ID()["name"] != "Odd" {
		t.Errorf("enabled %v, id %v", c.Resync(), c.ID())
	}
	if n := c.Traffic().RoundTrips; n != 2 || !strings.Contains(trace.String(), "#0 --: round trip 2") {
		t.Errorf("%d round trips:\n%s", n, trace.String())
	}
	c.cutOff()
}

// TestKnownIsNotAskedAgain: a further connection of the same account asks for nothing,
// and ENABLE goes with what it was opened for.
func TestKnownIsNotAskedAgain(t *testing.T) {
	opts := scripted(t, `
S: * OK hi
C: A1 LOGIN
S: A1 OK in
C: A2 ENABLE QRESYNC
C: A3 EXAMINE INBOX (CONDSTORE)
S: A2 OK
S: A3 OK
wait`)
	opts.Known = &Known{beforeLogin: ParseCaps("IMAP4rev1"), afterLogin: ParseCaps("IMAP4rev1 ENABLE QRESYNC")}
	c, err := Dial(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	defer c.cutOff()
	if _, err := c.Examine(t.Context(), "INBOX"); err != nil || c.Traffic().RoundTrips != 2 {
		t.Errorf("%d round trips, %v", c.Traffic().RoundTrips, err)
	}
}

// TestSurveyThatFails: an incomplete list is never a shorter one.
func TestSurveyThatFails(t *testing.T) {
	for name, tc := range map[string]struct {
		answers string
		kind    mail.Kind
	}{
		"list refused":        {"S: A1 OK\nS: A2 OK\nS: * LIST () \"/\" a\nS: A3 NO [UNAVAILABLE] later\nS: A4 OK\nwait", mail.KindOther},
		"throttled":           {"S: A1 NO [LIMIT] slow down\nS: A2 OK\nS: A3 OK\nS: A4 OK\nwait", mail.KindThrottle},
		"throttled at a name": {"S: A1 OK\nS: A2 NO [LIMIT] slow down\nS: A3 OK\nS: A4 OK\nwait", mail.KindThrottle},
		"cut off":             {"S: A1 OK\nS: A2 OK\nS: * LIST () \"/\" a\nS: A3 OK", mail.KindConnect},
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, offering("NAMESPACE")+"C: A1\nC: A2\nC: A3\nC: A4\n"+tc.answers)
			v, err := c.Survey(t.Context(), Errand{Folders: true, Names: []string{"x"}})
			if e := mail.ErrorOf(err); err == nil || e.Scope != mail.ScopeStore || e.Kind != tc.kind || v.Mailboxes != nil {
				t.Errorf("got %q, %v", show(v.Mailboxes), err)
			}
		})
	}
}
