package commands

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"mailferry/archive"
	"mailferry/transfer"
	"mailferry/transfer/imapstore/wire"
)

// address is a store as the user writes it: an IMAP account,
// imaps://USER@HOST[:PORT][?option=value&...] (RFC 5092 without its paths), or an archive, of
// which only path and format count.
type address struct {
	security wire.Security
	user     string // decoded
	host     string // without the brackets of an IPv6 address
	port     int

	ca, cert, key string
	fingerprint   string // lower-case hex of a SHA-256
	auth          string // upper case
	authzid       string
	connections   int // 0: not stated
	compress      wire.Compression

	path   string         // absolute, of an archive; empty: an account
	format archive.Format // empty: not stated
}

// parseAddress reads an address. Its errors never repeat what may hold a password:
// everything before the host.
func parseAddress(text string) (address, error) {
	scheme, rest, _ := strings.Cut(text, "://")
	a := address{security: wire.TLS, port: 993}
	if strings.EqualFold(scheme, "imap") {
		a = address{security: wire.StartTLS, port: 143}
	}
	authority, query, hasQuery := strings.Cut(rest, "?")
	at := strings.LastIndexByte(authority, '@')
	if at < 0 {
		return a, badAddress("the address names no user", "write "+scheme+"://USER@HOST; a ? in the user's name is written %3F")
	}
	if err := a.setUser(authority[:at]); err != nil {
		return a, err
	}
	if err := a.setHost(authority[at+1:]); err != nil {
		return a, err
	}
	if !hasQuery {
		return a, nil
	}
	if err := a.setOptions(query); err != nil {
		return a, err
	}
	return a, a.checkOptions()
}

func badAddress(msg, hint string) error { return usage(msg, hint) }

func (a *address) setUser(text string) error {
	if strings.Contains(text, ":") {
		return badAddress("a password in an address is refused: other users of this machine could see it",
			"leave it out and "+passwordWays(transfer.EndSource)+"; a : that belongs to the user's name is written %3A")
	}
	user, err := url.PathUnescape(text)
	if err != nil {
		return badAddress("a % in the user's name is not followed by two hexadecimal digits", "a % that belongs to the name is written %25")
	}
	if user == "" {
		return badAddress("the address names no user", "write the user's name before the @, as in imaps://USER@HOST")
	}
	if strings.ContainsFunc(user, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
		return badAddress("the user's name holds a control character", "")
	}
	a.user = user
	return nil
}

func (a *address) setHost(text string) error {
	if host, path, ok := strings.Cut(text, "/"); ok {
		return badAddress(fmt.Sprintf("the address goes on after the host %q: /%s", host, path), "folders are chosen by --folder, not in the address")
	}
	host, port := text, ""
	var literal bool
	if strings.HasPrefix(text, "[") {
		var ok bool
		if host, port, ok = strings.Cut(text[1:], "]"); !ok {
			return badAddress(fmt.Sprintf("host %q: the closing ] is missing", text), "an IPv6 address is written [2001:db8::1]")
		}
		literal = true
	} else if i := strings.IndexByte(text, ':'); i >= 0 {
		host, port = text[:i], text[i:]
	}
	if err := a.setPort(port, text); err != nil {
		return err
	}
	if err := checkHost(host, literal); err != nil {
		return err
	}
	a.host = host
	return nil
}

// setPort reads what follows the host: nothing, or a colon and a number.
func (a *address) setPort(text, whole string) error {
	if text == "" {
		return nil
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(text, ":"), 10, 16)
	if err != nil || n == 0 || text[0] != ':' || text[1] == '+' {
		return badAddress(fmt.Sprintf("host %q: %q is no port", whole, strings.TrimPrefix(text, ":")),
			"a port is a number from 1 to 65535; an IPv6 address is written in brackets: [2001:db8::1]:993")
	}
	a.port = int(n)
	return nil
}

func checkHost(host string, literal bool) error {
	if literal {
		if ip, err := netip.ParseAddr(host); err != nil || !ip.Is6() {
			return badAddress(fmt.Sprintf("%q is no IPv6 address", host), "names and IPv4 addresses are written without brackets")
		}
		return nil
	}
	if host == "" {
		return badAddress("the address names no host", "write imaps://USER@HOST")
	}
	for _, r := range host {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '.', r == '_':
		case r >= 0x80:
			return badAddress(fmt.Sprintf("host %q is not in ASCII", host), "write the name in its xn-- form")
		default:
			return badAddress(fmt.Sprintf("host %q: %q cannot be part of a host name", host, r), "")
		}
	}
	return nil
}

// String is the address without options: what names the account to people.
func (a address) String() string {
	if a.isArchive() {
		return a.archiveText()
	}
	scheme, usual := "imaps", 993
	if a.security != wire.TLS {
		scheme, usual = "imap", 143
	}
	host := a.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if a.port != usual {
		host += ":" + strconv.Itoa(a.port)
	}
	return scheme + "://" + escapeUser(a.user) + "@" + host
}

// escapeUser leaves an @ as it is, because most user names have one.
func escapeUser(user string) string {
	return strings.NewReplacer("%40", "@", ":", "%3A").Replace(url.PathEscape(user))
}

// loopback reports whether the host can only be this machine.
func (a address) loopback() bool {
	if strings.EqualFold(a.host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(a.host)
	return err == nil && ip.IsLoopback()
}

// sameAccount reports whether two addresses lead to one mailbox for certain.
func (a address) sameAccount(b address) bool {
	if a.isArchive() || b.isArchive() {
		return a.path == b.path
	}
	return a.user == b.user && a.authzid == b.authzid && strings.EqualFold(a.host, b.host) &&
		(a.port == b.port || a.security != b.security && a.usualPort() && b.usualPort())
}

func (a address) usualPort() bool { return a.port == 993 || a.port == 143 }
