package wire

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"mailferry/transfer/mail"
)

func TestLogin(t *testing.T) {
	for _, tc := range []struct {
		name, script string
		edit         func(*Options)
	}{
		{name: "PLAIN with an initial response", script: `
			S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hi
			C: A1 AUTHENTICATE PLAIN AGFubgBzZWNyZXQ=
			S: A1 OK [CAPABILITY IMAP4rev1] in
			wait`},
		{name: "PLAIN in two steps", script: `
			S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi
			C: A1 AUTHENTICATE PLAIN
			S: +
			C: AGFubgBzZWNyZXQ=
			S: A1 OK [CAPABILITY IMAP4rev1] in
			wait`},
		{name: "PLAIN for somebody else", edit: func(o *Options) { o.Authzid = "bob" }, script: `
			S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hi
			C: A1 AUTHENTICATE PLAIN Ym9iAGFubgBzZWNyZXQ=
			S: A1 OK [CAPABILITY IMAP4rev1] in
			wait`},
		{name: "LOGIN where nothing else is offered", script: `
			S: * OK hi
			C: A1 CAPABILITY
			S: * CAPABILITY IMAP4rev1
			S: A1 OK
			C: A2 LOGIN "ann" "secret"
			S: A2 OK [CAPABILITY IMAP4rev1] in
			wait`},
		{name: "a password that needs quoting", edit: func(o *Options) { o.Password = fixed(`a"b\c`) }, script: `
			S: * OK [CAPABILITY IMAP4rev1] hi
			C: A1 LOGIN "ann" "a\"b\\c"
			S: A1 OK [CAPABILITY IMAP4rev1] in
			wait`},
		{name: "a password that needs a literal", edit: func(o *Options) { o.Password = fixed("a\nb") }, script: `
			S: * OK [CAPABILITY IMAP4rev1] hi
			C: A1 LOGIN "ann" {3}
			S: + go
			C: a
			C: b
			S: A1 OK [CAPABILITY IMAP4rev1] in
			wait`},
		{name: "AUTHENTICATE LOGIN where LOGIN is disabled", script: `
			S: * OK [CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=LOGIN] hi
			C: A1 AUTHENTICATE LOGIN
			S: + VXNlcm5hbWU6
			C: YW5u
			S: + UGFzc3dvcmQ6
			C: c2VjcmV0
			S: A1 OK [CAPABILITY IMAP4rev1] in
			wait`},
		{name: "XOAUTH2", edit: func(o *Options) { o.Auth = "xoauth2" }, script: `
			S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR] hi
			C: A1 AUTHENTICATE XOAUTH2 dXNlcj1hbm4BYXV0aD1CZWFyZXIgc2VjcmV0AQE=
			S: A1 OK [CAPABILITY IMAP4rev1] in
			wait`},
		{name: "capabilities are asked for again", script: `
			S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hi
			C: A1 AUTHENTICATE PLAIN
			S: A1 OK in
			C: A2 CAPABILITY
			S: * CAPABILITY IMAP4rev1 UIDPLUS
			S: A2 OK
			wait`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			opts := scripted(t, tc.script)
			if tc.edit != nil {
				tc.edit(&opts)
			}
			c, err := Dial(t.Context(), opts)
			if err != nil {
				t.Fatal(err)
			}
			defer c.cutOff()
			if !c.Caps().Has("IMAP4rev1") || c.Caps().Has("AUTH=PLAIN") {
				t.Errorf("capabilities after login are %v", c.Caps().List())
			}
		})
	}
}

func fixed(password string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return password, nil }
}

func TestLoginRefused(t *testing.T) {
	const greet = "S: * OK [CAPABILITY IMAP4rev1] hi\nC: A1 LOGIN \"ann\" \"secret\"\n"
	for _, tc := range []struct {
		name, script string
		edit         func(*Options)
		retry        mail.Retry
		kind         mail.Kind
		words        []string
	}{
		{"wrong password", greet + "S: A1 NO [AUTHENTICATIONFAILED] Invalid credentials\nwait", nil,
			mail.RetryNever, mail.KindAuth, []string{"Invalid credentials", "password"}},
		{"without a code", greet + "S: A1 NO go away\nwait", nil, mail.RetryNever, mail.KindAuth, []string{"go away"}},
		{"BAD", greet + "S: A1 BAD what\nwait", nil, mail.RetryNever, mail.KindAuth, []string{"BAD what"}},
		{"unavailable", greet + "S: A1 NO [UNAVAILABLE] later\nwait", nil, mail.RetryLater, mail.KindLimit, nil},
		{"limit", greet + "S: A1 NO [LIMIT] enough\nwait", nil, mail.RetryLater, mail.KindLimit, nil},
		{"too many", greet + "S: A1 NO [ALERT] Too many simultaneous connections. (Failure)\nwait", nil,
			mail.RetryLater, mail.KindLimit, []string{"Too many"}},
		{"BYE instead", greet + "S: * BYE Temporary problem, please try again later", nil, mail.RetrySoon, mail.KindConnect, []string{"Temporary"}},
		{"BYE for the password", greet + "S: * BYE Too many failed logins", nil, mail.RetryNever, mail.KindAuth, []string{"failed logins"}},
		{"control characters", greet + "S: A1 NO \x1b[31mred\nwait", nil, mail.RetryNever, mail.KindAuth, []string{`\x1b[31mred`}},
		{"told to go", "S: * BYE Too many connections from your IP", nil, mail.RetryLater, mail.KindLimit, []string{"from your IP"}},
		{"login disabled", "S: * OK [CAPABILITY IMAP4rev1 LOGINDISABLED] hi\nwait", nil,
			mail.RetryNever, mail.KindAuth, []string{"without TLS", "imaps://"}},
		{"mechanism not offered", "S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi\nwait", func(o *Options) { o.Auth = "OAUTHBEARER" },
			mail.RetryNever, mail.KindAuth, []string{"PLAIN"}},
		{"mechanism unknown", "S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi\nwait", func(o *Options) { o.Auth = "GSSAPI" },
			mail.RetryNever, mail.KindAuth, []string{"GSSAPI", "XOAUTH2"}},
		{"no password", "S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi\nwait", func(o *Options) {
			o.Password = func(context.Context) (string, error) { return "", errors.New("no terminal") }
		}, mail.RetryNever, mail.KindAuth, []string{"no terminal"}},
		{"token refused", `
			S: * OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2 SASL-IR] hi
			C: A1 AUTHENTICATE XOAUTH2
			S: + eyJzdGF0dXMiOiI0MDAifQ==
			C:
			S: A1 NO AUTHENTICATE failed.
			wait`, func(o *Options) { o.Auth = "XOAUTH2" },
			mail.RetryNever, mail.KindAuth, []string{`{"status":"400"}`, "token"}},
		{"no IMAP", "S: SSH-2.0-OpenSSH\nwait", nil, mail.RetryNever, mail.KindProtocol, []string{"SSH-2.0"}},
		{"nothing", "", nil, mail.RetrySoon, mail.KindConnect, []string{"closed the connection"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			opts := scripted(t, tc.script)
			if tc.edit != nil {
				tc.edit(&opts)
			}
			_, err := Dial(t.Context(), opts)
			e := wantError(t, err, mail.ScopeStore, tc.retry, tc.kind, tc.words...)
			if e.Uncertain || strings.Contains(err.Error()+e.Hint, "secret") {
				t.Errorf("error %q: uncertain %v", err, e.Uncertain)
			}
		})
	}
}

func TestTraceHoldsNoSecrets(t *testing.T) {
	var trace bytes.Buffer
	for _, script := range []string{`
		S: * OK [CAPABILITY IMAP4rev1] hi
		C: A1 LOGIN
		S: A1 OK [CAPABILITY IMAP4rev1] in
		wait`, `
		S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi
		C: A1 AUTHENTICATE
		S: + 
		C: AGFubgBzZWNyZXQ=
		S: A1 OK [CAPABILITY IMAP4rev1] in
		wait`, `
		S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hi
		C: A1 AUTHENTICATE
		S: A1 OK [CAPABILITY IMAP4rev1] in
		wait`} {
		opts := scripted(t, script)
		opts.Trace, opts.Number = &trace, 7
		c, err := Dial(t.Context(), opts)
		if err != nil {
			t.Fatal(err)
		}
		c.cutOff()
	}
	for _, secret := range []string{"secret", "AGFubgBzZWNyZXQ"} {
		if strings.Contains(trace.String(), secret) {
			t.Errorf("the trace holds %q:\n%s", secret, trace.String())
		}
	}
	for _, want := range []string{"#7 S: * OK [CAPABILITY", "#7 C: A1 LOGIN ...", "#7 C: A1 AUTHENTICATE PLAIN ...", "#7 C: ..."} {
		if !strings.Contains(trace.String(), want) {
			t.Errorf("the trace lacks %q:\n%s", want, trace.String())
		}
	}
}

func TestSilentServer(t *testing.T) {
	for name, script := range map[string]string{
		"no greeting":    "wait",
		"half a line":    "S: \"* OK hel\"\nwait",
		"no answer":      "S: * OK [CAPABILITY IMAP4rev1] hi\nC: A1 LOGIN\nwait",
		"half a literal": preauth + "C: A1 STATUS\nS: \"* STATUS {20}\\r\\nabc\"\nwait",
	} {
		t.Run(name, func(t *testing.T) {
			opts := scripted(t, script)
			opts.IdleTimeout = 50 * time.Millisecond
			c, err := Dial(t.Context(), opts)
			if err == nil {
				_, err = c.Status(t.Context(), "x")
			}
			wantError(t, err, mail.ScopeStore, mail.RetrySoon, mail.KindConnect, "not an octet moved for 50ms")
		})
	}
}

func TestCancelled(t *testing.T) {
	opts := scripted(t, preauth+"C: A1 NOOP\nwait")
	c, err := Dial(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if err := c.Noop(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Noop: %v", err)
	}
	if c.Usable() {
		t.Error("the connection is still used")
	}
	wantError(t, c.Noop(t.Context()), mail.ScopeStore, mail.RetrySoon, mail.KindConnect)
	if err := c.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func TestCancelledBefore(t *testing.T) {
	c := dial(t, preauth+"C: A1 NOOP\nS: A1 OK\nwait")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Noop(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Noop: %v", err)
	}
	if err := c.Noop(t.Context()); err != nil {
		t.Errorf("a call that was never made harmed the connection: %v", err)
	}
}
