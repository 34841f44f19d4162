package wire

import (
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/emersion/go-sasl"

	"mailferry/transfer/mail"
)

// mechanismClient returns the client side of a mechanism.
func (c *Conn) mechanismClient(mech, password string) sasl.Client {
	switch mech {
	case "LOGIN":
		return sasl.NewLoginClient(c.opts.User, password)
	case "XOAUTH2":
		return &xoauth2{c.opts.User, password}
	case "OAUTHBEARER":
		return sasl.NewOAuthBearerClient(&sasl.OAuthBearerOptions{
			Username: c.opts.User, Token: password, Host: c.opts.Host, Port: c.opts.Port})
	}
	return sasl.NewPlainClient(c.opts.Authzid, c.opts.User, password)
}

// xoauth2 is Google's and Microsoft's mechanism of that name, older than
// RFC 7628 and the only one Microsoft knows.
type xoauth2 struct{ user, token string }

func (x *xoauth2) Start() (string, []byte, error) {
	return "XOAUTH2", []byte("user=" + x.user + "\x01auth=Bearer " + x.token + "\x01\x01"), nil
}

// Next answers the challenge that explains a failure by an empty line, upon
// which the server says NO.
func (x *xoauth2) Next([]byte) ([]byte, error) { return nil, nil }

// authenticate runs AUTHENTICATE (RFC 9051 section 6.2.2), with the first
// answer on the command line where SASL-IR allows it (RFC 4959).
func (c *Conn) authenticate(mech, password string) error {
	client := c.mechanismClient(mech, password)
	_, first, err := client.Start()
	if err != nil {
		return authError(err, "")
	}
	m := newCommand("AUTHENTICATE " + mech)
	sent := first == nil
	if first != nil && c.caps.Has("SASL-IR") {
		m.add(" " + encodeSASL(first))
		m.secret, sent = "AUTHENTICATE "+mech+" ...", true
	}
	tag, err := c.send(opLogin, m)
	if err != nil {
		return err
	}
	explained := ""
	for {
		got, rep, err := c.event(opLogin, nil)
		switch {
		case err != nil:
			return err
		case got == tag && !rep.OK():
			return explain(classify(opLogin, rep), explained)
		case got == tag:
			return nil
		case got != "+":
			continue
		case !sent:
			sent = true
			c.answer(base64.StdEncoding.EncodeToString(first))
		default:
			explained = c.challenge(client, rep.Text)
		}
	}
}

// challenge answers one challenge and returns what the server said in it if the
// mechanism takes it for the account of a failure.
func (c *Conn) challenge(client sasl.Client, text string) (explained string) {
	challenge, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		challenge = []byte(text)
	}
	response, err := client.Next(challenge)
	var bearer *sasl.OAuthBearerError
	_, isXOAuth := client.(*xoauth2)
	switch {
	case errors.As(err, &bearer):
		c.answer("AQ==") // RFC 7628 section 3.2.3
		return string(challenge)
	case err != nil:
		c.answer("*")
		return err.Error()
	case isXOAuth:
		c.answer("")
		return string(challenge)
	}
	c.answer(base64.StdEncoding.EncodeToString(response))
	return ""
}

func explain(e *mail.Error, text string) *mail.Error {
	if text != "" {
		e.Err = fmt.Errorf("%w (%s)", e.Err, mail.Visible(text))
	}
	return e
}

// answer writes one line of a SASL exchange; the next read flushes it.
func (c *Conn) answer(line string) {
	c.rd.trace.line("C", []byte("..."))
	c.bw.WriteString(line + "\r\n")
}

func encodeSASL(b []byte) string {
	if len(b) == 0 {
		return "="
	}
	return base64.StdEncoding.EncodeToString(b)
}
