package commands

import (
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"mailferry/transfer/imapstore/wire"
)

// addressOptions lists what may follow the ? of an address, for the parser and
// the help topic.
func addressOptions() [][2]string {
	return [][2]string{
		{"tls", "none: plain text (imap:// only; to another machine it also needs --allow-cleartext)"},
		{"ca", "FILE: trust only the authorities in this PEM file"},
		{"cert", "FILE: certificate of the client, PEM"},
		{"key", "FILE: its key, PEM; if it is not in the file of cert"},
		{"fingerprint", "SHA256: accept exactly the certificate with this SHA-256"},
		{"auth", "MECHANISM: PLAIN, LOGIN, XOAUTH2 or OAUTHBEARER; for the last two the password is the access token"},
		{"authzid", "USER: open the mailbox of this user (after login as a master user)"},
		{"compress", "on or off: compress what goes over the line (default: where the server can and is another machine; with on, a server that cannot is an error)"},
		{"connections", "N: open at most so many connections to this end"},
	}
}

// maxConnections is more than any provider allows.
const maxConnections = 64

func (a *address) setOptions(query string) error {
	seen := make(map[string]bool)
	for part := range strings.SplitSeq(query, "&") {
		name, raw, _ := strings.Cut(part, "=")
		value, err := url.PathUnescape(raw)
		if err != nil {
			return badAddress(fmt.Sprintf("address option %q: a %% is not followed by two hexadecimal digits", name), "a % itself is written %25")
		}
		if seen[name] {
			return badAddress(fmt.Sprintf("address option %q is given twice", name), "")
		}
		seen[name] = true
		if err := a.setOption(name, value); err != nil {
			return err
		}
	}
	return nil
}

func (a *address) setOption(name, value string) (err error) {
	known := func(o [2]string) bool { return o[0] == name }
	if !slices.ContainsFunc(addressOptions(), known) {
		return badAddress(fmt.Sprintf("unknown address option %q", name), "mailferry help addresses lists the options; in a shell, put the address in quotes: ? and & have a meaning there")
	}
	if value == "" {
		return badAddress(fmt.Sprintf("address option %q has no value", name), "in a shell, put the address in quotes: ? and & have a meaning there")
	}
	switch name {
	case "tls":
		err = a.setTLS(value)
	case "ca":
		a.ca = value
	case "cert":
		a.cert = value
	case "key":
		a.key = value
	case "fingerprint":
		a.fingerprint, err = parseFingerprint(value)
	case "auth":
		a.auth, err = parseMechanism(value)
	case "authzid":
		a.authzid = value
	case "compress":
		a.compress, err = parseCompression(value)
	case "connections":
		a.connections, err = parseConnections(value)
	}
	return err
}

func (a *address) setTLS(value string) error {
	switch {
	case value != "none":
		return badAddress(fmt.Sprintf("address option tls=%s: the only value is none", value), "imaps:// is TLS from the start, imap:// is STARTTLS")
	case a.security == wire.TLS:
		return badAddress("imaps:// and tls=none contradict each other", "plain text is imap://USER@HOST?tls=none")
	}
	a.security = wire.Plain
	return nil
}

// checkOptions refuses options that would have no effect.
func (a *address) checkOptions() error {
	if a.key != "" && a.cert == "" {
		return badAddress("address option key without cert", "")
	}
	if a.security == wire.Plain && (a.ca != "" || a.cert != "" || a.fingerprint != "") {
		return badAddress("tls=none leaves nothing for ca, cert and fingerprint to do", "leave out tls=none")
	}
	if a.fingerprint != "" && a.ca != "" {
		return badAddress("fingerprint replaces every other check, so ca would have no effect", "give one of the two")
	}
	return nil
}

// parseFingerprint reads the forms that openssl and browsers print.
func parseFingerprint(text string) (string, error) {
	digits := strings.ToLower(strings.ReplaceAll(text, ":", ""))
	digits = strings.TrimPrefix(strings.TrimPrefix(digits, "sha256"), "=")
	if b, err := hex.DecodeString(digits); err != nil || len(b) != 32 {
		return "", badAddress("address option fingerprint is no SHA-256: 64 hexadecimal digits, colons allowed",
			"openssl x509 -noout -fingerprint -sha256 -in FILE prints it")
	}
	return digits, nil
}

func parseMechanism(text string) (string, error) {
	known := []string{"PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"}
	if name := strings.ToUpper(text); slices.Contains(known, name) {
		return name, nil
	}
	return "", badAddress(fmt.Sprintf("address option auth=%s is not known", text), "known are "+strings.Join(known, ", "))
}

func parseCompression(text string) (wire.Compression, error) {
	switch text {
	case "on":
		return wire.CompressOn, nil
	case "off":
		return wire.CompressOff, nil
	}
	return wire.CompressAuto, badAddress(fmt.Sprintf("address option compress=%s: the values are on and off", text), "")
}

func parseConnections(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxConnections {
		return 0, badAddress(fmt.Sprintf("%q is no number of connections", text), fmt.Sprintf("from 1 to %d", maxConnections))
	}
	return n, nil
}

// usesToken reports whether the secret is an access token, which expires.
func (a address) usesToken() bool { return a.auth == "XOAUTH2" || a.auth == "OAUTHBEARER" }
