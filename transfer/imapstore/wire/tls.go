package wire

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"mailferry/transfer/mail"
)

// errFingerprint is a certificate that is not the pinned one.
var errFingerprint = errors.New("the server's certificate is not the pinned one")

func (o *Options) tlsConfig() (*tls.Config, error) {
	cfg := &tls.Config{ServerName: o.Host, MinVersion: tls.VersionTLS12, NextProtos: []string{"imap"}}
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, err
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate in PEM", o.CAFile)
		}
	}
	if o.CertFile != "" {
		key := o.KeyFile
		if key == "" {
			key = o.CertFile
		}
		pair, err := tls.LoadX509KeyPair(o.CertFile, key)
		if err != nil {
			return nil, err
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	if o.Fingerprint != "" {
		return cfg, pin(cfg, o.Fingerprint)
	}
	return cfg, nil
}

// pin accepts one certificate, whoever signed it and whatever name it bears.
func pin(cfg *tls.Config, fingerprint string) error {
	want, err := ParseFingerprint(fingerprint)
	if err != nil {
		return err
	}
	cfg.InsecureSkipVerify = true
	cfg.VerifyConnection = func(state tls.ConnectionState) error {
		got := sha256.Sum256(state.PeerCertificates[0].Raw)
		if got != want {
			return fmt.Errorf("%w: its fingerprint is %s", errFingerprint, formatFingerprint(got))
		}
		return nil
	}
	return nil
}

// ParseFingerprint reads a SHA-256 fingerprint: 64 hex digits, with or without
// colons, in any case.
func ParseFingerprint(text string) (sum [32]byte, err error) {
	digits := strings.ReplaceAll(strings.TrimPrefix(strings.ToLower(text), "sha256:"), ":", "")
	raw, err := hex.DecodeString(digits)
	if err != nil || len(raw) != len(sum) {
		return sum, fmt.Errorf("not a SHA-256 fingerprint of 64 hex digits: %q", text)
	}
	return [32]byte(raw), nil
}

func formatFingerprint(sum [32]byte) string { return hex.EncodeToString(sum[:]) }

func (o *Options) handshake(ctx context.Context, conn net.Conn) (*tls.Conn, error) {
	cfg, err := o.tlsConfig()
	if err != nil {
		return nil, &mail.Error{Op: "connect", Scope: mail.ScopeStore, Retry: mail.RetryNever, Kind: mail.KindTLS, Err: err}
	}
	secured := tls.Client(conn, cfg)
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, tlsError(o, err)
	}
	return secured, nil
}

// tlsError says which check failed. A network that failed during the handshake
// is no TLS error.
func tlsError(o *Options, err error) *mail.Error {
	e := &mail.Error{Op: "connect", Scope: mail.ScopeStore, Retry: mail.RetryNever, Kind: mail.KindTLS}
	var (
		host    x509.HostnameError
		unknown x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
		record  tls.RecordHeaderError
		alert   tls.AlertError
	)
	switch {
	case errors.Is(err, errFingerprint):
		e.Err = err
		e.Hint = "if the server's certificate was renewed, check the new fingerprint with its operator and pin that"
	case errors.As(err, &host):
		e.Err = fmt.Errorf("certificate refused: wrong host name: %w", visible(host))
		e.Hint = "use the name the certificate is made for, or pin it: " + fingerprintHint(err)
	case errors.As(err, &unknown):
		e.Err = fmt.Errorf("certificate refused: signed by an unknown authority: %w", visible(unknown))
		e.Hint = "give the authority's certificate with ca=FILE, or pin the server's: " + fingerprintHint(err)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		e.Err = fmt.Errorf("certificate refused: expired or not valid yet: %w", visible(invalid))
		e.Hint = "the server's operator has to renew it; check this machine's clock too; to go on, pin it: " + fingerprintHint(err)
	case errors.As(err, &invalid):
		e.Err = fmt.Errorf("certificate refused: %w", visible(invalid))
		e.Hint = "the server's operator has to mend it; to go on, pin it: " + fingerprintHint(err)
	case errors.As(err, &record):
		e.Err = errors.New("the server does not speak TLS on this port")
		e.Hint = "imap:// uses STARTTLS on port 143; imaps:// needs a port that speaks TLS at once, usually 993"
	case errors.As(err, &alert):
		e.Err = fmt.Errorf("the server refused the TLS handshake: %w", visible(alert))
		e.Hint = "it may want a client certificate: cert=FILE and key=FILE"
	default:
		return dialError(o, fmt.Errorf("TLS handshake: %w", err))
	}
	return e
}

func fingerprintHint(err error) string {
	var failed *tls.CertificateVerificationError
	if !errors.As(err, &failed) || len(failed.UnverifiedCertificates) == 0 {
		return "fingerprint=SHA256"
	}
	return "fingerprint=" + formatFingerprint(sha256.Sum256(failed.UnverifiedCertificates[0].Raw))
}

// visibleError keeps an error's identity and makes its text safe to print.
type visibleError struct{ err error }

func visible(err error) error { return visibleError{err} }

func (v visibleError) Error() string { return mail.Visible(v.err.Error()) }
func (v visibleError) Unwrap() error { return v.err }
