package imapstore_test

import (
	"strings"
	"testing"

	"mailferry/transfer/imapstore"
	"mailferry/transfer/mail"
	"mailferry/transfer/mail/mailtest"
)

const (
	slashNamespace = `
namespace inbox {
  inbox = yes
  separator = /
  mailbox Sent {
    special_use = \Sent
  }
}`
	dotNamespace = `
namespace inbox {
  inbox = yes
  separator = .
  prefix = INBOX.
}`
	maildir = "mail_location = maildir:~/Maildir"
)

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
	for _, server := range []struct {
		name  string
		lines []string
	}{
		{"as it is", []string{slashNamespace}},
		{"with INBOX. and dots", []string{dotNamespace}},
		{"without LITERAL+", []string{slashNamespace, "imap_capability = IMAP4rev1 UIDPLUS CONDSTORE"}},
		{"without extensions", []string{dotNamespace, "imap_capability = IMAP4rev1 NAMESPACE", maildir}},
		{"without MULTIAPPEND", []string{slashNamespace, "imap_capability = IMAP4rev1 LITERAL+ UIDPLUS CONDSTORE ESEARCH"}},
		{"with short literals", []string{slashNamespace, "imap_capability = IMAP4rev1 LITERAL- MULTIAPPEND UIDPLUS"}},
	} {
		t.Run(server.name, func(t *testing.T) {
			d := startDovecot(t, server.lines...)
			mailtest.Run(t, func(t *testing.T) mail.Store {
				return imapstore.New(d.options("user" + strings.Map(letters, t.Name())))
			}, dovecotLimits())
		})
	}
}

func letters(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
		return r
	}
	return -1
}
