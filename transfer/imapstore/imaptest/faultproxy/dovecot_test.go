package faultproxy_test

import (
	"strings"
	"testing"

	. "mailferry/transfer/imapstore/imaptest/faultproxy"
	"mailferry/transfer/imapstore/servertest"
)

// TestInFrontOfDovecot repeats the faults that matter most on a real server,
// whose answers look different.
func TestInFrontOfDovecot(t *testing.T) {
	s := servertest.StartDovecot(t, servertest.DovecotOptions{Memory: true})
	const mail = "Subject: a\r\n\r\nb OK\r\nc NOOP\r\n"
	three := push("a", mail+"1") + push("b", mail+"2") + push("c", mail+"3")
	for _, c := range []struct {
		name, user string
		rule       Rule
		answers    string
		stored     []string
	}{
		{"refused", "ann", At(Command("APPEND", 2), No("[OVERQUOTA] full")), "a OK, b NO, c OK, z OK", []string{"1", "3"}},
		{"refused after the effect", "bob", At(Answered("APPEND", 2), No("lost")), "a OK, b NO, c OK, z OK", []string{"1", "2", "3"}},
		{"answer lost", "cid", At(Answered("APPEND", 3), Cut()), "a OK, b OK", []string{"1", "2", "3"}},
		{"cut inside", "dan", At(Inside("APPEND", 3, 9), Cut()), "?", []string{"1", "2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &world{t: t, proxy: Start(t, s.Addr, c.rule, Hide("COMPRESS", "LITERAL+"))}
			login := "l LOGIN " + c.user + " " + s.Password + "\r\n"
			conn := w.dial()
			conn.until("* OK")
			conn.send(login)
			if heard := conn.until("l "); strings.Contains(heard, "LITERAL+") {
				t.Errorf("told %q", heard)
			}
			conn.send(three + "z LOGOUT\r\n")
			if got := answers(conn.end()); c.answers != "?" && got != c.answers {
				t.Errorf("answers %q, want %q", got, c.answers)
			}
			if err := w.proxy.Settle(t.Context()); err != nil {
				t.Fatal(err)
			}
			direct := w.dial()
			direct.send(login)
			direct.until("l OK")
			direct.send("e EXAMINE INBOX\r\nf FETCH 1:* BODY.PEEK[TEXT]\r\nz LOGOUT\r\n")
			heard := direct.end()
			if got := strings.Count(heard, " FETCH ("); got != len(c.stored) {
				t.Errorf("%d messages are stored, want %d", got, len(c.stored))
			}
			for _, body := range c.stored {
				if !strings.Contains(heard, "b OK\r\nc NOOP\r\n"+body) {
					t.Errorf("message %s is not stored", body)
				}
			}
		})
	}
}
