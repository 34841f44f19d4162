package wire

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"mailferry/transfer/mail"
)

// login tries once. Courier swallows what is sent behind LOGIN before it has
// answered, so nothing is.
func (c *Conn) login(ctx context.Context) error {
	mech, err := c.mechanism()
	if err != nil {
		return err
	}
	password := ""
	if c.opts.Password != nil {
		if password, err = c.opts.Password(ctx); err != nil {
			return withContext(ctx, opLogin, authError(err, ""))
		}
	}
	c.seen.caps = false
	if mech == mechLoginCommand {
		err = c.loginCommand(password)
	} else {
		err = c.authenticate(mech, password)
	}
	return c.loginError(mech, err)
}

const (
	opLogin          = "login"
	mechLoginCommand = "LOGIN command"
)

func authError(err error, hint string) error {
	return &mail.Error{Op: opLogin, Scope: mail.ScopeStore, Retry: mail.RetryNever, Kind: mail.KindAuth, Err: err, Hint: hint}
}

// mechanism chooses how to log in: what was asked for and nothing else, or the
// first of AUTHENTICATE PLAIN, LOGIN and AUTHENTICATE LOGIN that is offered.
func (c *Conn) mechanism() (string, error) {
	offered := c.caps.Mechanisms()
	has := func(mech string) bool { return slices.Contains(offered, mech) }
	command := !c.caps.Has("LOGINDISABLED")
	want := strings.ToUpper(c.opts.Auth)
	switch {
	case want == "" && has("PLAIN"):
		return "PLAIN", nil
	case want == "" && c.opts.Authzid != "":
		return "", authError(errors.New("the server does not offer AUTHENTICATE PLAIN, which authzid needs"), "")
	case (want == "" || want == "LOGIN") && command:
		return mechLoginCommand, nil
	case (want == "" || want == "LOGIN") && has("LOGIN"):
		return "LOGIN", nil
	case want == "" && c.tls == nil:
		return "", authError(errors.New("the server refuses logins without TLS"), "use imaps://, or imap:// without tls=none")
	case want != "" && !slices.Contains(knownMechanisms(), want):
		return "", authError(fmt.Errorf("unknown login mechanism %q", c.opts.Auth), "auth= takes "+strings.Join(knownMechanisms(), ", "))
	case want != "" && has(want):
		return want, nil
	}
	return "", authError(fmt.Errorf("the server does not offer a usable login mechanism; it offers: %s",
		mail.Visible(strings.Join(offered, ", "))), "auth= chooses one of "+strings.Join(knownMechanisms(), ", "))
}

func knownMechanisms() []string { return []string{"PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"} }

func (c *Conn) loginCommand(password string) error {
	m := newCommand("LOGIN").str(c.opts.User)
	m.secret = "LOGIN ..."
	m.str(password)
	_, err := c.exec(opLogin, m, nil)
	return err
}

// loginError decides whether a refused login may be tried again: only where the
// server says that it is busy, never where it may be the password.
func (c *Conn) loginError(mech string, err error) error {
	var e *mail.Error
	var refused *ReplyError
	if !errors.As(err, &e) {
		return err
	}
	e.Scope, e.Uncertain = mail.ScopeStore, false
	if !errors.As(err, &refused) || e.After > 0 {
		return err
	}
	if refused.Reply.Status == "BYE" && !has(strings.ToLower(refused.Reply.all()), "auth", "password", "credential", "failed") {
		return err // it went before it had looked at the password
	}
	if e.Kind == mail.KindLimit || e.Kind == mail.KindThrottle || slices.Contains([]string{"UNAVAILABLE", "LIMIT", "INUSE"}, refused.Reply.Code) {
		e.Kind, e.Retry = mail.KindLimit, mail.RetryLater
		return err
	}
	e.Kind, e.Retry = mail.KindAuth, mail.RetryNever
	e.Hint = "check user name and password; with two-factor login the provider wants an app password"
	if mech == "XOAUTH2" || mech == "OAUTHBEARER" {
		e.Hint = "check the user name, and that the access token is fresh and made for IMAP"
	}
	return err
}

// afterLogin learns what the server offers now. It tells it who is calling, because
// some providers refuse to open folders before (RFC 2971), and that VANISHED is
// understood (RFC 7162). Nothing waits for these two: they go with whatever comes
// next, and a refusal changes nothing.
func (c *Conn) afterLogin() error {
	switch {
	case c.seen.caps:
	case c.opts.Known != nil:
		c.caps = c.opts.Known.afterLogin
	default:
		if err := c.capability(); err != nil {
			return err
		}
	}
	if err := c.checkCompression(); err != nil {
		return err
	}
	if c.caps.Has("ID") {
		if err := c.mention("identify", newCommand(`ID ("name" "mailferry")`)); err != nil {
			return err
		}
	}
	if c.caps.Has("ENABLE") && c.caps.Has("QRESYNC") {
		return c.mention("enable", newCommand("ENABLE QRESYNC"))
	}
	return nil
}

// Resync reports whether the server tells of expunged messages by UID: whether it
// has enabled QRESYNC. It is known once any later command has been answered.
func (c *Conn) Resync() bool { return c.enabled.Has("QRESYNC") }

func readID(s *response) map[string]string {
	id := make(map[string]string)
	if !s.accept('(') {
		return id
	}
	s.items(func() {
		key, _ := s.value()
		value, isNil := s.value()
		if len(key) > 0 && !isNil {
			id[strings.ToLower(string(key))] = string(value)
		}
	})
	return id
}
