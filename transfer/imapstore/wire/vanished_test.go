package wire

import (
	"testing"

	"mailferry/transfer/mail"
)

const withResync = `
S: * PREAUTH [CAPABILITY IMAP4rev1 ENABLE QRESYNC UIDPLUS] hello
C: A1 ENABLE QRESYNC
C: A2 EXAMINE "x" (CONDSTORE)
S: * ENABLED QRESYNC
S: A1 OK
S: * 5 EXISTS
S: * OK [UIDVALIDITY 3]
S: A2 OK [READ-ONLY]
`

// TestExpungedInstead: with QRESYNC enabled VANISHED stands for EXPUNGE, also in answer
// to UID EXPUNGE, and one of the (EARLIER) kind takes nothing from the count.
func TestExpungedInstead(t *testing.T) {
	c := dial(t, withResync+`
C: A3 UID FETCH 1:* (UID) (CHANGEDSINCE 7 VANISHED)
S: * VANISHED (EARLIER) 1:3,8
S: * VANISHED 9
S: * 6 EXISTS
S: * 1 FETCH (UID 4)
S: * VANISHED (EARLIER) nonsense
S: * VANISHED
S: A3 OK
C: T1 UID EXPUNGE 4:5
S: * VANISHED 4:5
S: T1 OK
C: A4 NOOP
S: * 1 EXPUNGE
S: A4 OK
wait`)
	if c.Resync() {
		t.Error("QRESYNC is taken for enabled before the server said so")
	}
	sel, err := c.Examine(t.Context(), "x")
	if err != nil || !c.Resync() || sel.Exists != 5 {
		t.Fatalf("%+v, enabled %v, %v", sel, c.Resync(), err)
	}
	var gone mail.UIDSet
	n := 0
	err = c.Fetch(t.Context(), Query{UIDs: "1:*", Items: "UID", ChangedSince: 7, Vanished: &gone}, func(it *Item) error {
		n++
		return nil
	})
	if err != nil || n != 1 || gone.String() != "1:3,8" {
		t.Errorf("%d messages, expunged %q, %v", n, gone, err)
	}
	if c.Exists() != 6 || c.Expunged() != 1 {
		t.Errorf("%d messages, %d expunged", c.Exists(), c.Expunged())
	}
	if err := c.Expunge(t.Context(), mail.NewUIDSet(4, 5)); err != nil {
		t.Fatal(err)
	}
	if err := c.Noop(t.Context()); err != nil || c.Exists() != 3 || c.Expunged() != 4 {
		t.Errorf("%d messages, %d expunged, %v", c.Exists(), c.Expunged(), err)
	}
}

// TestLastWordsOfAFolder: what is said of the folder that is being left is not taken for
// the next one's (RFC 7162 section 3.2.11).
func TestLastWordsOfAFolder(t *testing.T) {
	c := dial(t, withResync+`
C: A3 EXAMINE "y"
S: * 99 EXISTS
S: * VANISHED 3
S: * OK [UIDNEXT 1000]
S: * OK [CLOSED] that was x
S: * 2 EXISTS
S: * OK [UIDVALIDITY 4]
S: A3 OK
wait`)
	if _, err := c.Examine(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	sel, err := c.Examine(t.Context(), "y")
	if err != nil || sel.Exists != 2 || sel.UIDValidity != 4 || sel.UIDNext != 0 || c.Expunged() != 0 {
		t.Errorf("%+v, %d expunged, %v", sel, c.Expunged(), err)
	}
}

// TestEnableRefused: nothing is lost by it but VANISHED.
func TestEnableRefused(t *testing.T) {
	c := dial(t, `
S: * PREAUTH [CAPABILITY IMAP4rev1 ENABLE QRESYNC ID] hello
C: A1 ID ("name" "mailferry")
C: A2 ENABLE QRESYNC
C: A3 NOOP
S: A1 NO not in the mood
S: A3 OK
S: A2 BAD what
C: A4 NOOP
S: A4 OK
wait`)
	for range 2 {
		if err := c.Noop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if c.Resync() || len(c.ID()) != 0 || !c.Usable() {
		t.Errorf("enabled %v, id %v, usable %v", c.Resync(), c.ID(), c.Usable())
	}
}
