package wire

import (
	"context"
	"io"
	"net"
	"strconv"
	"time"
)

// Security says how a connection is protected.
type Security int

const (
	TLS      Security = iota // from the first octet (RFC 8314)
	StartTLS                 // after STARTTLS, without which nothing is sent
	Plain                    // not at all
)

// Options says where to connect and how to log in.
type Options struct {
	Host     string
	Port     int // 0: 993 with TLS, otherwise 143
	Security Security

	User     string
	Password func(ctx context.Context) (string, error) // or the OAuth 2.0 access token
	Auth     string                                    // PLAIN, LOGIN, XOAUTH2, OAUTHBEARER; empty: as the server offers
	Authzid  string                                    // whose mailbox, when it is not User's (RFC 4616)

	CAFile      string // PEM; only these authorities are trusted
	CertFile    string // PEM; the client's certificate
	KeyFile     string // PEM; empty: in CertFile
	Fingerprint string // SHA-256 of the server's certificate in hex; replaces every other check

	Compress    Compression
	Known       *Known        // from an earlier connection of the same account; nil: nothing
	IdleTimeout time.Duration // longest time without an octet, either way; 0: 2 minutes
	Trace       io.Writer     // gets what is said, without secrets and bodies; nil: nothing
	Number      int           // tells this connection's lines apart in Trace

	// Dial replaces the network; nil: TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Known is what one connection learns of the server and another need not ask again.
type Known struct{ beforeLogin, afterLogin Caps }

// Known returns what further connections to the same account may take for granted.
func (c *Conn) Known() *Known { return &Known{beforeLogin: c.first, afterLogin: c.caps} }

const defaultIdle = 2 * time.Minute

func (o *Options) idle() time.Duration {
	if o.IdleTimeout > 0 {
		return o.IdleTimeout
	}
	return defaultIdle
}

func (o *Options) address() string {
	port := o.Port
	switch {
	case port != 0:
	case o.Security == TLS:
		port = 993
	default:
		port = 143
	}
	return net.JoinHostPort(o.Host, strconv.Itoa(port))
}
