package imaptest

import (
	"crypto/tls"
	"strings"

	"mailferry/transfer/imapstore/imaptest/framing"
)

// refusal returns the condition and text by which a command is refused before
// imapserver sees it, or "".
func (f *front) refusal(cmd framing.Command, length int) string {
	if length > f.server.opts.MaxLine {
		return "BAD command line too long"
	}
	if needs := extensionOf(cmd.Name); needs != "" && !f.offers(needs) {
		return "BAD unknown command"
	}
	switch cmd.Name {
	case "STARTTLS":
		if f.offers("STARTTLS") && f.secure {
			return "BAD TLS is active already"
		}
	case "LOGIN":
		if f.mustStartTLS() {
			return "NO [PRIVACYREQUIRED] STARTTLS first"
		}
	case "AUTHENTICATE":
		return f.refuseMechanism(cmd)
	}
	return ""
}

func (f *front) refuseMechanism(cmd framing.Command) string {
	mechanism, initial, _ := strings.Cut(cmd.Args, " ")
	switch {
	case f.mustStartTLS():
		return "NO [PRIVACYREQUIRED] STARTTLS first"
	case !f.offers("AUTH=" + mechanism):
		return "NO [CANNOT] mechanism not offered"
	case initial != "" && !f.offers("SASL-IR"):
		return "BAD SASL-IR is not offered"
	}
	return ""
}

// extensionOf names the capability that a command belongs to, "" if it belongs
// to IMAP4rev1 (RFC 3501).
func extensionOf(command string) string {
	switch command {
	case "NAMESPACE", "ENABLE", "UNSELECT", "IDLE":
		return command
	case "MOVE", "UID MOVE":
		return "MOVE"
	case "UID EXPUNGE":
		return "UIDPLUS"
	}
	return ""
}

func (f *front) offersTLS() bool {
	security := f.server.opts.Security
	return (security == OfferStartTLS || security == RequireStartTLS) &&
		!f.secure && !f.loggedIn && f.offers("STARTTLS")
}

func (f *front) mustStartTLS() bool {
	return f.server.opts.Security == RequireStartTLS && !f.secure
}

// startTLS answers STARTTLS. What the client sent in the clear behind the
// command is thrown away, as RFC 9051 section 6.2.1 demands.
func (f *front) startTLS(tag string) error {
	f.reply(tag + " OK begin TLS")
	if err := f.Flush(); err != nil {
		return err
	}
	f.fresh = nil
	f.in = framing.NewSplitter(framing.Client)
	conn := tls.Server(f.raw, f.server.tlsConfig())
	if err := conn.Handshake(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.conn, f.secure = conn, true
	return nil
}
