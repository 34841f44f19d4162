package imaptest_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"mailferry/transfer/imapstore/imaptest"
	"mailferry/transfer/mail"
)

func TestHiddenCapabilitiesAreNotObeyed(t *testing.T) {
	hide := []string{
		"NAMESPACE", "UIDPLUS", "MOVE", "ENABLE", "IDLE", "UNSELECT", "LIST-EXTENDED", "LIST-STATUS", "SPECIAL-USE",
		"CREATE-SPECIAL-USE", "STATUS=SIZE", "SASL-IR", "LITERAL-", "ESEARCH",
	}
	_, a, addr := start(t, imaptest.Options{Hide: hide})
	c := dial(t, addr)
	c.refused("AUTHENTICATE PLAIN AGFubgBzZWNyZXQ=", "BAD")
	c.ok("LOGIN ann secret")
	caps := c.ok("CAPABILITY")[0]
	for _, h := range hide {
		if strings.Contains(caps+" ", " "+h+" ") {
			t.Errorf("%s is offered: %s", h, caps)
		}
	}
	for _, command := range []string{
		"NAMESPACE", "ENABLE UTF8=ACCEPT", "IDLE", "UNSELECT", "MOVE 1 INBOX", "UID EXPUNGE 1", "CREATE x (USE (\\Sent))",
		`LIST "" "*" RETURN (SUBSCRIBED)`, `LIST (SUBSCRIBED) "" "*"`, `LIST "" "*" RETURN (STATUS (MESSAGES))`,
		`LIST "" "*" RETURN (SPECIAL-USE)`, "STATUS INBOX (SIZE)",
	} {
		c.refused(command, "BAD")
	}
	if _, got := c.do(appendCommand("INBOX", "", "x")); got != "OK APPEND completed" {
		t.Errorf("APPENDUID is told: %q", got)
	}
	if got := folderNames(a.Folders()); got != "INBOX" {
		t.Errorf("folders: %s", got)
	}
}

func TestNamespace(t *testing.T) {
	_, _, addr := start(t, imaptest.Options{Delimiter: '.', Prefix: "INBOX."})
	if got := login(t, addr).ok("NAMESPACE")[0]; got != `* NAMESPACE (("INBOX." ".")) NIL NIL` {
		t.Errorf("told %q", got)
	}
}

func TestLogin(t *testing.T) {
	s, _, addr := start(t, imaptest.Options{})
	s.AddUser("ann", "new")
	c := dial(t, addr)
	c.refused("LOGIN ann secret", "NO [AUTHENTICATIONFAILED]")
	c.refused("LOGIN bob secret", "NO [AUTHENTICATIONFAILED]")
	c.refused("SELECT INBOX", "BAD")
	c.ok("AUTHENTICATE PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00ann\x00new")))
	c.ok("SELECT INBOX")

	d := dial(t, addr)
	d.send("a AUTHENTICATE PLAIN\r\n")
	d.line()
	d.send(base64.StdEncoding.EncodeToString([]byte("\x00ann\x00new")) + "\r\n")
	if got := d.line(); !strings.HasPrefix(got, "a OK") {
		t.Errorf("answer %q", got)
	}
	for _, c := range s.Commands() {
		if strings.Contains(c.String(), "secret") || strings.Contains(c.String(), "AGFu") {
			t.Errorf("a secret is in the transcript: %v", c)
		}
	}
}

func TestTLS(t *testing.T) {
	for name, security := range map[string]imaptest.Security{
		"offered": imaptest.OfferStartTLS, "required": imaptest.RequireStartTLS, "implicit": imaptest.ImplicitTLS,
	} {
		t.Run(name, func(t *testing.T) {
			s, a, addr := start(t, imaptest.Options{Security: security})
			ca, err := s.CA()
			if err != nil {
				t.Fatal(err)
			}
			pool := x509.NewCertPool()
			pool.AppendCertsFromPEM(ca)
			var c *client
			if security == imaptest.ImplicitTLS {
				conn, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: pool})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { conn.Close() })
				c = &client{t: t, conn: conn, r: bufio.NewReader(conn)}
				c.line()
			} else {
				c = dial(t, addr)
				startTLS(c, pool)
			}
			if caps := c.ok("CAPABILITY")[0]; strings.Contains(caps, "STARTTLS") || strings.Contains(caps, "LOGINDISABLED") {
				t.Errorf("still told: %s", caps)
			}
			c.ok("LOGIN ann secret")
			c.ok(appendCommand("INBOX", "", "by TLS"))
			if got := a.Messages(inbox); len(got) != 1 {
				t.Errorf("stored %v", got)
			}
			c.ok("LOGOUT")
			if _, err := c.tryLine(); err == nil || !strings.HasSuffix(err.Error(), "EOF") {
				t.Errorf("the end: %v", err)
			}
		})
	}
}

// startTLS sends a command behind STARTTLS in the clear, which must not count.
func startTLS(c *client, pool *x509.CertPool) {
	c.t.Helper()
	c.send("s STARTTLS\r\ninjected CREATE evil\r\n")
	if got := c.line(); got != "s OK begin TLS" {
		c.t.Fatal(got)
	}
	conn := tls.Client(c.conn, &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"})
	if err := conn.Handshake(); err != nil {
		c.t.Fatal(err)
	}
	c.conn, c.r = conn, bufio.NewReader(conn)
	c.refused("STARTTLS", "BAD")
}

func TestRequiredTLSRefusesPasswordsInTheClear(t *testing.T) {
	_, _, addr := start(t, imaptest.Options{Security: imaptest.RequireStartTLS})
	c := dial(t, addr)
	if caps := c.ok("CAPABILITY")[0]; !strings.Contains(caps, "STARTTLS") || !strings.Contains(caps, "LOGINDISABLED") || strings.Contains(caps, "AUTH=") {
		t.Errorf("told %s", caps)
	}
	c.refused("LOGIN ann secret", "NO [PRIVACYREQUIRED]")
	c.refused("AUTHENTICATE PLAIN AGFubgBzZWNyZXQ=", "NO [PRIVACYREQUIRED]")
	c.refused("SELECT INBOX", "BAD")
}

func TestCertificateOfOnesOwn(t *testing.T) {
	cert, ca, err := imaptest.SelfSigned(time.Now().Add(-time.Hour), "mail.example.org")
	if err != nil {
		t.Fatal(err)
	}
	s, _, addr := start(t, imaptest.Options{Security: imaptest.ImplicitTLS, Certificate: &cert})
	if got, _ := s.CA(); string(got) != string(ca) {
		t.Error("shows another certificate")
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	_, err = tls.Dial("tcp", addr, &tls.Config{RootCAs: pool, ServerName: "mail.example.org"})
	var expired x509.CertificateInvalidError
	if !errors.As(err, &expired) || expired.Reason != x509.Expired {
		t.Errorf("dialled: %v", err)
	}
}

// After each of these the two must still be in step, or the session be over.
func TestLiteralsThatAreNotTaken(t *testing.T) {
	big := strings.Repeat("x NOOP\r\n", 1000)
	for name, c := range map[string]struct {
		opts       imaptest.Options
		send, want string
		alive      bool
	}{
		"too large, pushed":      {imaptest.Options{MaxSize: 100}, "a " + appendCommand("INBOX", "", big) + "\r\n", "a NO [TOOBIG]", true},
		"too large, announced":   {imaptest.Options{MaxSize: 100}, "a APPEND INBOX {101}\r\n", "a NO [TOOBIG]", true},
		"no such folder":         {imaptest.Options{}, "a " + appendCommand("None", "", big) + "\r\n", "a NO [TRYCREATE]", true},
		"flags that are none":    {imaptest.Options{}, "a " + appendCommand("INBOX", "(a]b) ", big) + "\r\n", "a BAD", true},
		"date that is none":      {imaptest.Options{}, "a " + appendCommand("INBOX", `"yesterday" `, big) + "\r\n", "a NO", true},
		"name too long to push":  {imaptest.Options{}, fmt.Sprintf("a SELECT {%d+}\r\n%s\r\n", len(big), big), "a BAD", true},
		"name too long":          {imaptest.Options{}, "a SELECT {5000}\r\n", "a BAD", true},
		"folder name too long":   {imaptest.Options{}, "a APPEND {5000}\r\n", "a BAD", true},
		"second name too long":   {imaptest.Options{}, "a RENAME {1+}\r\nx {5000}\r\n", "* BYE", false},
		"LITERAL+ hidden":        {imaptest.Options{Hide: []string{"LITERAL+"}}, "a " + appendCommand("INBOX", "", big) + "\r\n", "* BYE", false},
		"small with LITERAL-":    {imaptest.Options{Hide: []string{"LITERAL+"}}, "a " + appendCommand("None", "", "x") + "\r\n", "a NO [TRYCREATE]", true},
		"none of both":           {imaptest.Options{Hide: []string{"LITERAL+", "LITERAL-"}}, "a " + appendCommand("INBOX", "", "x") + "\r\n", "* BYE", false},
		"MULTIAPPEND":            {imaptest.Options{}, "a APPEND INBOX {1+}\r\nx (\\Seen) {1+}\r\ny\r\n", "* BYE", false},
		"MULTIAPPEND, name too":  {imaptest.Options{}, "a APPEND {5+}\r\nINBOX {1+}\r\nx {1+}\r\ny\r\n", "* BYE", false},
		"literal to NAMESPACE":   {imaptest.Options{Hide: []string{"NAMESPACE"}}, "a NAMESPACE {3+}\r\nx N\r\n", "a BAD", true},
		"the same, announced":    {imaptest.Options{Hide: []string{"NAMESPACE"}}, "a NAMESPACE {3}\r\n", "a BAD", true},
		"a line of 9,000 octets": {imaptest.Options{}, "a NOOP " + strings.Repeat("y", 9000) + "\r\n", "a BAD", true},
	} {
		t.Run(name, func(t *testing.T) {
			s, a, addr := start(t, c.opts)
			conn := login(t, addr)
			conn.send(c.send)
			if got := conn.line(); !strings.HasPrefix(got, c.want) {
				t.Errorf("answer %.200q, want %q", got, c.want)
			}
			if c.alive {
				conn.ok("NOOP")
				if got := s.Count("NOOP"); got > 2 {
					t.Errorf("%d NOOPs were read", got)
				}
			} else if line, err := conn.tryLine(); err == nil {
				t.Errorf("the session goes on: %q", line)
			}
			if got := a.Messages(inbox); len(got) != 0 {
				t.Errorf("stored %d messages", len(got))
			}
		})
	}
}

func TestAppendLimitIsTold(t *testing.T) {
	_, a, addr := start(t, imaptest.Options{MaxSize: 100})
	c := login(t, addr)
	if caps := c.ok("CAPABILITY")[0]; !strings.Contains(caps, " APPENDLIMIT=100") {
		t.Errorf("told %s", caps)
	}
	appendSlowly(c, strings.Repeat("x", 100))
	if got := len(a.Messages(inbox)); got != 1 {
		t.Errorf("%d messages", got)
	}
	_, _, addr = start(t, imaptest.Options{})
	if caps := login(t, addr).ok("CAPABILITY")[0]; strings.Contains(caps, "APPENDLIMIT") {
		t.Errorf("without a limit: %s", caps)
	}
}

func TestIncompleteAppendHasNoEffect(t *testing.T) {
	s, a, addr := start(t, imaptest.Options{})
	command := "a " + appendCommand("INBOX", "", "body")
	for n := range len(command) + 1 {
		c := login(t, addr)
		c.send(command[:n])
		c.conn.Close()
	}
	s.Close()
	if got := a.Messages(inbox); len(got) != 0 {
		t.Errorf("stored %+v", got)
	}
}

func TestHooks(t *testing.T) {
	for name, c := range map[string]struct {
		hook             imaptest.Hook
		raw, want, heard string
	}{
		"8-bit header":       {imaptest.Munge8bit, "Subject: gr\xfc\xdfe\r\n\r\n\xfc", "Subject: grXXe\r\n\r\n\xfc", "OK"},
		"missing Message-ID": {imaptest.AddMessageID(func() string { return "<1@x>" }), "To: a\r\n\r\n", "Message-ID: <1@x>\r\nTo: a\r\n\r\n", "OK"},
		"Message-ID there":   {imaptest.AddMessageID(func() string { return "<1@x>" }), "message-id: <b>\r\n\r\n", "message-id: <b>\r\n\r\n", "OK"},
		"refused":            {imaptest.Refuse("virus", imap.ResponseCodeCannot, "go away"), "a virus", "", "NO [CANNOT] go away"},
		"refused oddly":      {func(mail.Path, []byte) ([]byte, error) { return nil, errors.New("a\r\nb \xff") }, "x", "", "NO a??b ?"},
		"not refused":        {imaptest.Refuse("virus", "", "go away"), "none", "none", "OK"},
	} {
		t.Run(name, func(t *testing.T) {
			_, a, addr := start(t, imaptest.Options{})
			a.OnAppend(c.hook)
			conn := login(t, addr)
			if _, got := conn.do(appendCommand("INBOX", "", c.raw)); !strings.HasPrefix(got, c.heard) {
				t.Errorf("answer %q, want %q", got, c.heard)
			}
			stored := ""
			for _, m := range a.Messages(inbox) {
				stored += string(m.Raw)
			}
			if stored != c.want {
				t.Errorf("stored %q, want %q", stored, c.want)
			}
		})
	}
}

func TestTranscript(t *testing.T) {
	s, _, addr := start(t, imaptest.Options{})
	c, d := login(t, addr), login(t, addr)
	c.ok("examine INBOX")
	d.refused("uid nonsense 1", "BAD")
	c.ok("uid fetch 1:* (FLAGS)")
	c.refused(appendCommand("None", "", "z EXPUNGE\r\n"), "NO")
	var got []string
	for _, command := range s.Commands() {
		got = append(got, fmt.Sprint(command.Conn, " ", command))
	}
	want := "1 LOGIN|2 LOGIN|1 EXAMINE INBOX|2 UID NONSENSE 1|1 UID FETCH 1:* (FLAGS)|1 APPEND None {11+}"
	if strings.Join(got, "|") != want {
		t.Errorf("%q, want %q", got, want)
	}
	if s.Count("LOGIN", "APPEND") != 3 || s.Count("FETCH", "EXPUNGE") != 0 || s.Connections() != 2 {
		t.Error("counted wrongly")
	}
	s.ResetCommands()
	if len(s.Commands()) != 0 || s.Count("LOGIN") != 0 {
		t.Error("not forgotten")
	}
}
