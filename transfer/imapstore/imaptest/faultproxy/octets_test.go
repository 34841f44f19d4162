package faultproxy_test

import (
	"fmt"
	"strings"
	"testing"

	. "mailferry/transfer/imapstore/imaptest/faultproxy"
	"mailferry/transfer/mail"
)

const session = "l LOGIN ann secret\r\ne EXAMINE INBOX\r\nf UID FETCH 1:* (BODY.PEEK[])\r\nz LOGOUT\r\n"

// whole is what a client hears of session without a fault.
func whole(t *testing.T) string {
	w := newWorld(t)
	w.fill(t)
	c := w.dial()
	c.send(session)
	return c.end()
}

func (w *world) fill(t *testing.T) {
	t.Helper()
	for _, raw := range []string{"first message", "f OK\r\n* BYE\r\n{10}\r\n"} {
		if _, err := w.ann.Append(inbox, mail.NewFlags(mail.Seen), day(), []byte(raw)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCutAtEveryOctetOfTheServer(t *testing.T) {
	want := whole(t)
	for n := 0; n <= len(want); n++ {
		w := newWorld(t, At(ServerOctets(int64(n)), Cut()))
		w.fill(t)
		c := w.dial()
		c.send(session)
		if got := c.end(); got != want[:n] {
			t.Fatalf("cut at %d: %q, want %q", n, got, want[:n])
		}
	}
}

func TestCutAtEveryOctetOfTheClient(t *testing.T) {
	login := "l LOGIN ann secret\r\n"
	said := login + push("a", "one") + push("b", "two")
	first := len(login) + len(push("a", "one"))
	for n := len(login); n <= len(said); n++ {
		w := newWorld(t, At(ClientOctets(int64(n)), Cut()))
		c := w.dial()
		c.send(said)
		c.end()
		want := ""
		if n >= first {
			want = "one"
		}
		if n == len(said) {
			want = "one two"
		}
		if got := w.stored(); got != want {
			t.Fatalf("cut at %d of %d: stored %q, want %q", n, len(said), got, want)
		}
	}
}

func TestCutInsideTheResponse(t *testing.T) {
	for _, n := range []int64{0, 1, 40, 60} {
		w := newWorld(t, At(Response("UID FETCH", 1, n), Cut()))
		w.fill(t)
		c := w.dial()
		c.send(session)
		_, heard, found := strings.Cut(c.end(), "e OK [READ-ONLY] EXAMINE completed\r\n")
		if !found || int64(len(heard)) != n || !strings.HasPrefix("* 1 FETCH (UID 1 BODY[] {13}\r\nfirst message)\r\n* 2 FETCH (UID", heard) {
			t.Errorf("%d octets: heard %q", n, heard)
		}
	}
}

func TestByeWaitsForTheEndOfTheResponse(t *testing.T) {
	w := newWorld(t, At(Response("UID FETCH", 1, 33), Bye("enough")))
	w.fill(t)
	c := w.dial()
	c.send(session)
	if heard := c.end(); !strings.HasSuffix(heard, "* 1 FETCH (UID 1 BODY[] {13}\r\nfirst message)\r\n* BYE enough\r\n") {
		t.Errorf("heard %q", heard)
	}
}

func TestNothingIsChangedWithoutARule(t *testing.T) {
	w := newWorld(t)
	raw := make([]byte, 300_000)
	for i := range raw {
		raw[i] = byte(i * 7)
	}
	c := w.login()
	c.send(push("a", string(raw)) + "e EXAMINE INBOX\r\nf FETCH 1 BODY.PEEK[]\r\nz LOGOUT\r\n")
	if want := fmt.Sprintf("{%d}\r\n%s)\r\nf OK", len(raw), raw); !strings.Contains(c.end(), want) {
		t.Error("the message came out changed")
	}
	if got := w.stored(); got != string(raw) {
		t.Error("the message went in changed")
	}
}
