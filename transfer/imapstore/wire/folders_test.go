package wire

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"mailferry/transfer/mail"
)

// TestFoldersAreMadeAtOnce: no CREATE waits for the one before, and answers find
// theirs in whatever order they come.
func TestFoldersAreMadeAtOnce(t *testing.T) {
	c := dial(t, `
S: * PREAUTH [CAPABILITY IMAP4rev1 CREATE-SPECIAL-USE] hello
C: A1 CREATE "Sent" (USE (\Sent))
C: A2 CREATE "a"
C: A3 CREATE "there"
C: A4 CREATE "n*"
C: A5 CREATE "Trash" (USE (\Trash))
S: A2 OK
S: A1 NO [USEATTR] taken
S: * 3 EXISTS
S: A4 NO [CANNOT] not that
S: A3 NO [ALREADYEXISTS] it is there
S: A5 OK
C: A6 CREATE "Sent"
S: A6 OK
wait`)
	errs, err := c.CreateAll(t.Context(), []NewMailbox{{"Sent", mail.RoleSent}, {"a", ""}, {"there", ""}, {"n*", ""}, {"Trash", mail.RoleTrash}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range errs {
		if (e != nil) != (i == 3) {
			t.Errorf("folder %d: %v", i, e)
		}
	}
	wantError(t, errs[3], mail.ScopeFolder, mail.RetryNever, mail.KindRefused, "not that")
	if !c.Usable() {
		t.Error("a refusal put the connection out of use")
	}
}

// TestFoldersAreListedBehindTheirCreation: in the same round trip, and what the server tells early
// belongs to the listing too. A refusal leaves the listing to the caller.
func TestFoldersAreListedBehindTheirCreation(t *testing.T) {
	for _, test := range []struct{ created, listed, want string }{
		{"OK", "OK", "INBOX a b "},
		{"NO [ALREADYEXISTS] there", "OK", "INBOX a b "},
		{"NO not that", "OK", ""},
		{"OK", "NO not now", ""},
	} {
		c := dial(t, `
S: * PREAUTH [CAPABILITY IMAP4rev1 LIST-EXTENDED LIST-STATUS UNSELECT] hello
C: A1 CREATE "a"
C: A2 CREATE "b"
C: A3 SELECT "a"
C: A4 UNSELECT
C: A5 LIST "" "p/*" RETURN (STATUS (UIDVALIDITY UIDNEXT MESSAGES UNSEEN))
C: A6 LIST "" INBOX RETURN (STATUS (UIDVALIDITY UIDNEXT MESSAGES UNSEEN))
C: A7 LIST (SUBSCRIBED) "" "*"
S: A1 OK
S: * LIST () "/" INBOX
S: * STATUS INBOX (UIDVALIDITY 1 UIDNEXT 2 MESSAGES 1 UNSEEN 0)
S: A2 `+test.created+`
S: * OK [PERMANENTFLAGS (\Seen \*)] any
S: A3 OK [READ-WRITE]
S: A4 OK
S: * LIST () "/" a
S: * STATUS a (UIDVALIDITY 7 UIDNEXT 1 MESSAGES 0 UNSEEN 0)
S: * LIST () "/" b
S: * STATUS b (UIDVALIDITY 8 UIDNEXT 1 MESSAGES 0 UNSEEN 0)
S: A5 OK
S: A6 `+test.listed+`
S: * LIST () "/" a
S: A7 OK
wait`)
		then := &Afterwards{Prefix: "p/"}
		if _, err := c.CreateAll(t.Context(), []NewMailbox{{Raw: "a"}, {Raw: "b"}}, then); err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, m := range then.Mailboxes {
			got += m.Raw + " "
			if m.Status == nil || m.Status.UIDValidity == 0 || m.Subscribed != (m.Raw == "a") {
				t.Errorf("%+v", m)
			}
		}
		if o := then.Opened; (o != nil) != (got != "") || o != nil && (!o.AnyKeyword || !o.Permanent.Has(mail.Seen) || o.ReadOnly) {
			t.Errorf("opened: %+v", o)
		}
		if got != test.want || !c.Usable() {
			t.Errorf("%s, %s: listed %q, usable %t", test.created, test.listed, got, c.Usable())
		}
	}
}

// TestNamesThatNeedLiterals: where the server has to ask for a literal, everything
// before it is answered first, so that no data gets lost.
func TestNamesThatNeedLiterals(t *testing.T) {
	c := dial(t, `
S: * PREAUTH [CAPABILITY IMAP4rev1] hello
C: A1 SUBSCRIBE "a"
S: A1 OK
C: A2 SUBSCRIBE {3}
S: A2 NO no line ends, please
C: A3 SUBSCRIBE {3}
S: + go
L: 3
C:
C: A4 SUBSCRIBE "b"
S: A4 NO no
S: A3 OK
wait`)
	errs, err := c.SetSubscribedAll(t.Context(), []string{"a", "x\ny", "x\rz", "b"}, true)
	if err != nil || errs[0] != nil || errs[1] == nil || errs[2] != nil || errs[3] == nil {
		t.Errorf("%v, %v", errs, err)
	}
}

func TestAnErrorForAllEndsTheMaking(t *testing.T) {
	c := dial(t, preauth+`
C: A1 CREATE "a"
C: A2 CREATE "b"
S: A1 OK
S: A2 NO too many connections
wait`)
	errs, err := c.CreateAll(t.Context(), []NewMailbox{{Raw: "a"}, {Raw: "b"}}, nil)
	wantError(t, err, mail.ScopeStore, mail.RetryLater, mail.KindLimit)
	if len(errs) != 2 || errs[0] != nil {
		t.Errorf("of their own: %v", errs)
	}
	c = dial(t, preauth+`
C: A1 UNSUBSCRIBE "a"
C: A2 UNSUBSCRIBE "b"
S: A1 OK`)
	if errs, err := c.SetSubscribedAll(t.Context(), []string{"a", "b"}, false); err == nil || errors.Join(errs...) != nil || c.Usable() {
		t.Errorf("a lost connection: %v, %v", errs, err)
	}
}

// TestFlightsAreBounded: a server that reads nothing before it is read from must
// not be sent more than the sockets hold.
func TestFlightsAreBounded(t *testing.T) {
	script := strings.Builder{}
	script.WriteString(preauth)
	const each, all = 64, 160 // commands of some 500 octets
	name := strings.Repeat("n", 480)
	for i := range all {
		if i >= each {
			fmt.Fprintf(&script, "S: A%d OK\n", i-each+1)
		}
		fmt.Fprintf(&script, "C: A%d CREATE\n", i+1)
	}
	for i := all - each; i < all; i++ {
		fmt.Fprintf(&script, "S: A%d OK\n", i+1)
	}
	c := dial(t, script.String()+"wait")
	boxes := make([]NewMailbox, all)
	for i := range boxes {
		boxes[i].Raw = name
	}
	if errs, err := c.CreateAll(t.Context(), boxes, nil); err != nil || errors.Join(errs...) != nil {
		t.Errorf("%v, %v", errs, err)
	}
}

// TestFlagsAreSetAtOnce: every STORE is on its way before the first is answered.
func TestFlagsAreSetAtOnce(t *testing.T) {
	c := dial(t, preauth+`
C: A1 UID STORE 1:3,7 +FLAGS.SILENT (\Seen work)
C: A2 UID STORE 2 -FLAGS.SILENT (\Flagged)
C: A3 UID STORE 5 +FLAGS.SILENT (\Draft)
S: * 2 FETCH (UID 2 MODSEQ (7))
S: A1 OK
S: A2 NO [EXPUNGEISSUED] some are gone
S: A3 OK
wait`)
	err := c.StoreAll(t.Context(), []FlagStep{
		{mail.NewUIDSet(1, 2, 3, 7), true, mail.NewFlags(mail.Seen, "work")},
		{mail.NewUIDSet(2), false, mail.NewFlags(mail.Flagged)},
		{mail.NewUIDSet(5), true, mail.NewFlags(mail.Draft)},
	})
	wantError(t, err, mail.ScopeFolder, mail.RetryNever, mail.KindRefused, "some are gone")
	if !c.Usable() {
		t.Error("the connection is out of use")
	}
}
