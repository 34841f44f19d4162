package faultproxy_test

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	. "mailferry/transfer/imapstore/imaptest/faultproxy"
)

// TestFaultsAtAnAppend sends three APPENDs at once and then LOGOUT, and looks at
// what the client heard and what the server has.
func TestFaultsAtAnAppend(t *testing.T) {
	for name, c := range map[string]struct {
		rule           Rule
		answers        string // "?": answers to the commands before may or may not come
		stored, absent string
	}{
		"refused and not forwarded":       {At(Command("APPEND", 2), No("[OVERQUOTA] full")), "a OK, b NO, c OK, z OK", "one three", ""},
		"refused after the effect":        {At(Answered("APPEND", 2), No("[SERVERBUG] lost it")), "a OK, b NO, c OK, z OK", "one two three", ""},
		"refused every time from 2 on":    {At(Command("APPEND", 2), No("no")).Always(), "a OK, b NO, c NO, z OK", "one", ""},
		"all effects answered by NO":      {At(Answered("APPEND", 1), No("no")).Always(), "a NO, b NO, c NO, z OK", "one two three", ""},
		"cut before it":                   {At(Command("APPEND", 2), Cut()), "?", "one", "b OK"},
		"cut inside it":                   {At(Inside("APPEND", 2, 2), Cut()), "?", "one", "b OK"},
		"cut at the end of its literal":   {At(Inside("APPEND", 2, 3), Cut()), "?", "one", "b OK"},
		"cut behind it":                   {At(Forwarded("APPEND", 2), Cut()), "?", "one two", "b OK"},
		"cut behind the last":             {At(Forwarded("APPEND", 3), Cut()), "?", "one two three", "c OK"},
		"took effect, answer lost":        {At(Answered("APPEND", 3), Cut()), "a OK, b OK", "one two three", ""},
		"told to go before it":            {At(Command("APPEND", 2), Bye("[UNAVAILABLE] maintenance")), "?", "one", "b OK"},
		"told to go after the effect":     {At(Answered("APPEND", 3), Bye("maintenance")), "a OK, b OK", "one two three", ""},
		"a pause changes nothing":         {At(Command("APPEND", 2), Pause(1)), "a OK, b OK, c OK, z OK", "one two three", ""},
		"the second connection is not it": {At(Command("APPEND", 2), Pause(1)).Conn(1), "a OK, b OK, c OK, z OK", "one two three", ""},
		"any command":                     {At(Command("*", 3), No("any")), "a OK, b NO, c OK, z OK", "one three", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, c.rule)
			conn := w.login()
			conn.send(push("a", "one") + push("b", "two") + push("c", "three") + "z LOGOUT\r\n")
			heard := conn.end()
			if got := answers(heard); c.answers != "?" && got != c.answers {
				t.Errorf("answers %q, want %q", got, c.answers)
			}
			if c.absent != "" && strings.Contains(heard, c.absent) {
				t.Errorf("%q was passed on", c.absent)
			}
			if got := w.stored(); got != c.stored {
				t.Errorf("stored %q, want %q", got, c.stored)
			}
		})
	}
}

func TestByeIsSaidBeforeTheEnd(t *testing.T) {
	w := newWorld(t, At(Command("APPEND", 1), Bye("[UNAVAILABLE] maintenance")))
	c := w.login()
	c.send(push("a", "one"))
	if got := c.end(); got != "* BYE [UNAVAILABLE] maintenance\r\n" {
		t.Errorf("heard %q", got)
	}
}

func TestResetReadsAsReset(t *testing.T) {
	w := newWorld(t, At(Answered("APPEND", 1), Reset()))
	c := w.login()
	c.send(push("a", "one"))
	if text, err := c.rest(); !errors.Is(err, syscall.ECONNRESET) || strings.Contains(text, "a OK") {
		t.Errorf("%q, %v", text, err)
	}
	if got := w.stored(); got != "one" {
		t.Errorf("stored %q", got)
	}
}

func TestStallKeepsTheConnectionOpen(t *testing.T) {
	for name, rule := range map[string]Rule{
		"before the command": At(Command("APPEND", 1), Stall()),
		"at the answer":      At(Answered("APPEND", 1), Stall()),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, rule)
			c := w.login()
			c.send(push("a", "one"))
			c.silent()
			c.send("b NOOP\r\n")
			c.silent()
			w.proxy.Close()
			if text, _ := c.rest(); text != "" {
				t.Errorf("at the end came %q", text)
			}
		})
	}
}

func TestOtherConnectionsGoOn(t *testing.T) {
	w := newWorld(t, At(Command("APPEND", 1), Stall()))
	c, d := w.login(), w.login()
	c.send(push("a", "stalled"))
	c.silent()
	d.send(push("a", "one") + "z LOGOUT\r\n")
	if got := answers(d.end()); got != "a OK, z OK" {
		t.Errorf("answers %q", got)
	}
}

func TestLiteralThatWaits(t *testing.T) {
	w := newWorld(t, At(Command("APPEND", 2), No("[OVERQUOTA] full")))
	c := w.login()
	for _, raw := range []string{"one", "two", "three"} {
		c.send("a APPEND INBOX {" + string(rune('0'+len(raw))) + "}\r\n")
		if raw == "two" {
			if got := c.until("a "); got != "a NO [OVERQUOTA] full\r\n" {
				t.Errorf("refused by %q", got)
			}
			continue
		}
		if got := c.until("+"); !strings.HasPrefix(got, "+") {
			t.Errorf("asked for by %q", got)
		}
		c.send(raw + "\r\n")
		c.until("a OK")
	}
	c.send("z LOGOUT\r\n")
	c.end()
	if got := w.stored(); got != "one three" {
		t.Errorf("stored %q", got)
	}
	if got := w.proxy.Count("APPEND"); got != 3 {
		t.Errorf("counted %d", got)
	}
}

// A server may refuse a literal instead of asking for it. What the client says
// next is then a command.
func TestLiteralTheServerRefuses(t *testing.T) {
	w := newWorld(t, At(Command("NOOP", 1), No("it was counted")))
	c := w.login()
	c.send("a APPEND INBOX (nonsense]) {100}\r\n")
	c.until("a BAD")
	c.send("b NOOP\r\n")
	if got := c.until("b "); got != "b NO it was counted\r\n" {
		t.Errorf("heard %q", got)
	}
}

func TestOnlyCommandsAreCounted(t *testing.T) {
	w := newWorld(t, At(Command("APPEND", 2), No("the second")))
	c := w.login()
	trap := push("x", "no command") + "x OK\r\n* BYE\r\n"
	c.send(push("a", trap) + "b uid search all\r\nc NOOP\r\n" + push("d", "two") + "z LOGOUT\r\n")
	if got := answers(c.end()); got != "a OK, b BAD, c OK, d NO, z OK" {
		t.Errorf("answers %q", got)
	}
	want := "LOGIN APPEND UID SEARCH NOOP APPEND LOGOUT"
	if got := strings.Join(w.proxy.Commands(), " "); got != want {
		t.Errorf("counted %q, want %q", got, want)
	}
	if got := w.stored(); got != trap {
		t.Errorf("stored %q", got)
	}
}
