package imapstore

import (
	"context"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"mailferry/transfer/imapstore/wire"
)

// Security says how connections are protected.
type Security = wire.Security

const (
	TLS      = wire.TLS      // from the first octet (RFC 8314)
	StartTLS = wire.StartTLS // after STARTTLS, without which nothing is sent
	Plain    = wire.Plain    // not at all
)

// Compression says whether connections are compressed.
type Compression = wire.Compression

const (
	CompressAuto = wire.CompressAuto // where the server can, except on this machine itself
	CompressOn   = wire.CompressOn   // a server that cannot is an error
	CompressOff  = wire.CompressOff
)

// Options describes an account. The zero value of optional fields is the default.
type Options struct {
	Host     string
	Port     int // 0: 993 with TLS, otherwise 143
	Security Security

	User string
	// Password returns the password, or the OAuth 2.0 access token. It is asked
	// for each connection.
	Password func(ctx context.Context) (string, error)
	Auth     string // PLAIN, LOGIN, XOAUTH2, OAUTHBEARER; empty: as the server offers
	Authzid  string // whose account it is, if not User's

	CAFile      string // PEM; only these authorities are trusted
	CertFile    string // PEM; the client's certificate
	KeyFile     string // PEM; empty: in CertFile
	Fingerprint string // SHA-256 of the server's certificate in hex; replaces every other check

	Compress    Compression   // RFC 4978; 0: where the server can and is another machine
	Connections int           // sessions at once; 0: 4
	IdleTimeout time.Duration // longest time without an octet, either way; 0: 2 minutes
	Trace       io.Writer     // gets what is said, without secrets and bodies; nil: nothing

	// Dial replaces the network; nil: TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

const defaultConnections = 4

// address is the account without secrets, as commands take it.
func (o *Options) address() string {
	scheme, port := "imap", 143
	if o.Security == TLS {
		scheme, port = "imaps", 993
	}
	text := scheme + "://" + escape(o.User) + "@"
	if strings.Contains(o.Host, ":") {
		text += "[" + o.Host + "]"
	} else {
		text += o.Host
	}
	if o.Port != 0 && o.Port != port {
		text += ":" + strconv.Itoa(o.Port)
	}
	if o.Authzid != "" {
		text += "?authzid=" + escape(o.Authzid)
	}
	return text
}

// escape writes what would end or confuse a user name in an address as %XX.
func escape(text string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte("%/?#&:", c) >= 0 {
			b.WriteString(string([]byte{'%', digits[c>>4], digits[c&15]}))
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

func (o *Options) wire(number int) wire.Options {
	return wire.Options{
		Host: o.Host, Port: o.Port, Security: o.Security,
		User: o.User, Password: o.Password, Auth: o.Auth, Authzid: o.Authzid,
		CAFile: o.CAFile, CertFile: o.CertFile, KeyFile: o.KeyFile, Fingerprint: o.Fingerprint,
		Compress: o.Compress, IdleTimeout: o.IdleTimeout, Trace: o.Trace, Number: number, Dial: o.Dial,
	}
}
