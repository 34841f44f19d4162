package imapstore_test

import (
	"testing"

	"mailferry/transfer/imapstore"
	"mailferry/transfer/imapstore/servertest"
	"mailferry/transfer/mail"
	"mailferry/transfer/mail/mailtest"
)

// TestCyrusKeepsTheContracts runs the suite against Cyrus, which refuses NUL, bare
// LF, broken headers and messages without octets.
func TestCyrusKeepsTheContracts(t *testing.T) {
	for name, opts := range map[string]servertest.CyrusOptions{
		"below INBOX":          {},
		"beside, with slashes": {UnixHierarchySep: true, AltNamespace: true},
	} {
		t.Run(name, func(t *testing.T) {
			cyrus := servertest.StartCyrus(t, opts)
			mailtest.Run(t, func(t *testing.T) mail.Store {
				return imapstore.New(account(t, cyrus.Addr, userOf(t), cyrus.Password))
			}, mailtest.Limits{
				Refused: []string{"bare lf", "ends in lf", "all lf", "no colon in the header", "no header", "one octet", "nul", "empty"},
			})
		})
	}
}

// TestCourierKeepsTheContracts runs the suite against Courier: it asks for each
// literal, knows neither mod-sequences nor roles, shows appended mail only when
// asked, and gives every message and line an end.
func TestCourierKeepsTheContracts(t *testing.T) {
	courier := servertest.StartCourier(t, servertest.CourierOptions{})
	mailtest.Run(t, func(t *testing.T) mail.Store {
		return imapstore.New(account(t, courier.Addr, userOf(t), courier.Password))
	}, mailtest.Limits{
		Changed: []string{"no final newline", "bare lf", "bare cr", "cr cr lf", "ends in cr", "ends in lf", "all lf", "one octet", "empty"},
		NoRoles: true,
	})
}
