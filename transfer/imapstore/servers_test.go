package imapstore_test

import (
	"context"
	"net"
	"strconv"
	"strings"
	"testing"

	"mailferry/transfer/imapstore"
	"mailferry/transfer/imapstore/imaptest"
	"mailferry/transfer/imapstore/servertest"
	"mailferry/transfer/mail"
	"mailferry/transfer/mail/mailtest"
)

// account returns options for a user of a server without TLS.
func account(t *testing.T, addr, user, password string) imapstore.Options {
	t.Helper()
	host, portText, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		t.Fatal(err)
	}
	return imapstore.Options{
		Host: host, Port: port, Security: imapstore.Plain, User: user,
		Password: fixedPassword(password),
	}
}

func fixedPassword(password string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return password, nil }
}

// userOf makes a user name of a test's name, so that each test has its account.
func userOf(t *testing.T) string {
	return "user" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, t.Name())
}

// startInProcess returns a server in this process and an account on it.
func startInProcess(t *testing.T, opts imaptest.Options) (*imaptest.Server, *imaptest.Account, imapstore.Options) {
	t.Helper()
	server := imaptest.New(opts)
	inbox := server.AddUser("ann", "secret")
	addr, err := server.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server, inbox, account(t, addr, "ann", "secret")
}

// dovecotLimits is what Dovecot does to messages: it refuses one without octets,
// stores LF and gives CRLF, drops a CR at the very end, hands out NUL as 0x80
// and moves dates in the future to now. It does not record roles.
func dovecotLimits() mailtest.Limits {
	return mailtest.Limits{
		Changed: []string{"bare lf", "cr cr lf", "ends in cr", "ends in lf", "all lf", "nul"},
		Refused: []string{"empty"},
		NoRoles: true,
		Skip:    map[string]string{"append dates": "Dovecot moves dates in the future to now"},
	}
}

// TestDovecotKeepsTheContracts runs the suite of every store against Dovecot, as
// it is and as weaker servers.
func TestDovecotKeepsTheContracts(t *testing.T) {
	dots := servertest.DovecotOptions{Separator: ".", Prefix: "INBOX."}
	offer := func(o servertest.DovecotOptions, caps string) servertest.DovecotOptions {
		o.Extra = "imap_capability = IMAP4rev1 " + caps
		return o
	}
	for _, server := range []struct {
		name string
		opts servertest.DovecotOptions
	}{
		{"as it is", servertest.DovecotOptions{}},
		{"with INBOX. and dots", dots},
		{"Maildir with slashes", servertest.DovecotOptions{MailLocation: "maildir"}},
		{"without extensions", offer(dots, "NAMESPACE")},
		{"with short literals", offer(servertest.DovecotOptions{}, "LITERAL- MULTIAPPEND UIDPLUS")},
	} {
		t.Run(server.name, func(t *testing.T) {
			dovecot := servertest.StartDovecot(t, server.opts)
			mailtest.Run(t, func(t *testing.T) mail.Store {
				return imapstore.New(account(t, dovecot.Addr, userOf(t), dovecot.Password))
			}, dovecotLimits())
		})
	}
}

// TestInProcessServerKeepsTheContracts: the same for the server of the demo.
func TestInProcessServerKeepsTheContracts(t *testing.T) {
	for _, server := range []struct {
		name string
		opts imaptest.Options
	}{
		{"as it is", imaptest.Options{}},
		{"with INBOX. and dots", imaptest.Options{Delimiter: '.', Prefix: "INBOX."}},
		{"without much", imaptest.Options{Hide: []string{"UIDPLUS", "LITERAL+", "LITERAL-", "LIST-STATUS", "LIST-EXTENDED", "CREATE-SPECIAL-USE", "ESEARCH", "IMAP4rev2"}}},
		{"without keywords", imaptest.Options{NoKeywords: true, RealParents: true}},
		{"with a limit", imaptest.Options{MaxSize: 4 << 20}},
	} {
		t.Run(server.name, func(t *testing.T) {
			mailtest.Run(t, func(t *testing.T) mail.Store {
				_, _, opts := startInProcess(t, server.opts)
				return imapstore.New(opts)
			}, mailtest.Limits{NoRoles: server.name == "without much"})
		})
	}
}

// TestDovecotWithTLS: both ways to TLS, and no way around the certificate.
func TestDovecotWithTLS(t *testing.T) {
	dovecot := servertest.StartDovecot(t, servertest.DovecotOptions{})
	for name, security := range map[string]imapstore.Security{"TLS": imapstore.TLS, "STARTTLS": imapstore.StartTLS} {
		t.Run(name, func(t *testing.T) {
			addr := dovecot.Addr
			if security == imapstore.TLS {
				addr = dovecot.TLSAddr
			}
			opts := account(t, addr, userOf(t), dovecot.Password)
			opts.Security, opts.CAFile = security, dovecot.CAFile
			trusting := imapstore.NewSource(opts)
			defer trusting.Close()
			facts, err := trusting.Describe(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, fact := range facts {
				if fact.Name == "tls" && !strings.HasPrefix(fact.Value, "TLS 1.") {
					t.Errorf("TLS is %q", fact.Value)
				}
			}
			opts.CAFile = ""
			doubting := imapstore.NewSource(opts)
			defer doubting.Close()
			_, err = doubting.Folders(t.Context())
			if e := mail.ErrorOf(err); err == nil || e.Kind != mail.KindTLS || e.Retry != mail.RetryNever {
				t.Errorf("a certificate of nobody's: %v", err)
			}
		})
	}
}
