package wire

import (
	"fmt"
	"reflect"
	"testing"

	"mailferry/transfer/mail"
)

// mailOf is the answer that holds one message whose body names its folder.
func mailOf(folder string, uid int) string {
	return fmt.Sprintf("S: * %d FETCH (UID %d FLAGS () %s BODY[] {3}\nS: %s-%d)\n", uid, uid, date, folder, uid)
}

const opened = "S: * 1 EXISTS\nS: * OK [UIDVALIDITY 1]\nS: * OK [UIDNEXT 2]\n"

// bodies fetches what it can of the folder whose turn it is.
func bodies(t *testing.T, c *Conn, uids ...mail.UID) (texts []string, err error) {
	t.Helper()
	all, err := fetchAll(t, c, mail.NewUIDSet(uids...))
	for _, m := range all {
		texts = append(texts, m.Body)
	}
	return texts, err
}

// opensInARow opens the first folder and sends the openings of the others behind it.
func opensInARow(t *testing.T, c *Conn, names ...string) {
	t.Helper()
	if _, _, err := c.ExamineAhead(t.Context(), &Ahead{Raw: names[0], Bodies: 1}); err != nil {
		t.Fatal(err)
	}
	for _, name := range names[1:] {
		if err := c.Follow(&Ahead{Raw: name, Bodies: 1}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFollowingMailIsNotMixedUp: a server that opens the next folder before it has ended this one's FETCH
// is out of step. What it sends then is not delivered as this one's.
func TestFollowingMailIsNotMixedUp(t *testing.T) {
	c := dial(t, preauth+"C: A1 EXAMINE \"a\"\nC: A2 UID FETCH\n"+opened+"S: A1 OK\nC: A3 EXAMINE \"b\"\nC: A4 UID FETCH\n"+
		mailOf("a", 1)+"S: * 2 EXISTS\nS: A3 OK\n"+mailOf("b", 2)+"S: A2 OK\nS: A4 OK\nwait")
	opensInARow(t, c, "a", "b")
	texts, err := bodies(t, c, 1, 2)
	wantError(t, err, mail.ScopeStore, mail.RetrySoon, mail.KindProtocol, errOnItsWay.Error())
	if !reflect.DeepEqual(texts, []string{"a-1"}) || c.Usable() {
		t.Errorf("came %q; usable: %t", texts, c.Usable())
	}
}

// TestFollowingRefused: a folder that cannot be opened takes nothing from the one behind it, even if the server
// answers its FETCH from the folder before.
func TestFollowingRefused(t *testing.T) {
	c := dial(t, preauth+"C: A1 EXAMINE \"a\"\nC: A2 UID FETCH\n"+opened+"S: A1 OK\n"+
		"C: A3 EXAMINE \"b\"\nC: A4 UID FETCH\nC: A5 EXAMINE \"c\"\nC: A6 UID FETCH\n"+mailOf("a", 1)+"S: A2 OK\n"+
		"S: A3 NO none\n"+mailOf("a", 1)+"S: A4 OK\n"+
		"S: * 7 EXISTS\nS: * 1 EXPUNGE\n"+opened+"S: A5 OK\n"+mailOf("c", 1)+"S: A6 OK\nwait")
	want := func(text string) {
		t.Helper()
		if texts, err := bodies(t, c, 1); err != nil || !reflect.DeepEqual(texts, []string{text}) {
			t.Errorf("came %q, want %s; %v", texts, text, err)
		}
	}
	opensInARow(t, c, "a", "b", "c")
	want("a-1")
	if _, _, err := c.ExamineAhead(t.Context(), &Ahead{Raw: "b", Bodies: 1}); mail.ErrorOf(err).Kind != mail.KindNotFound {
		t.Errorf("b: %v", err)
	}
	sel, _, err := c.ExamineAhead(t.Context(), &Ahead{Raw: "c", Bodies: 1})
	if err != nil || sel.Exists != 1 {
		t.Fatalf("c: %+v, %v", sel, err)
	}
	want("c-1")
	if !c.Usable() || c.Reserved() {
		t.Errorf("usable: %t, reserved: %t", c.Usable(), c.Reserved())
	}
}
