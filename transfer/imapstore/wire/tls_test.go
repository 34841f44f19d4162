package wire

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mailferry/transfer/mail"
)

// certificate is a self-signed one, as a server and as a file.
func certificate(t *testing.T, name string, until time.Time) (cert tls.Certificate, caFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: until.Add(-48 * time.Hour), NotAfter: until, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	if ip := net.ParseIP(name); ip != nil {
		template.DNSNames, template.IPAddresses = nil, []net.IP{ip}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := os.WriteFile(caFile, block, 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, caFile
}

// scriptedTLS is scripted with a certificate for the step "tls". The server's own
// view of the conversation does not matter: clients hang up on it.
func scriptedTLS(t *testing.T, script string, cert tls.Certificate) Options {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- playOnce(listener, script, &tls.Config{Certificates: []tls.Certificate{cert}}) }()
	t.Cleanup(func() {
		listener.Close()
		if err := <-done; err != nil {
			t.Logf("the server's view: %v", err)
		}
	})
	opts := optionsFor(listener)
	opts.Security = TLS
	return opts
}

func TestCertificates(t *testing.T) {
	tomorrow, yesterday := time.Now().Add(24*time.Hour), time.Now().Add(-time.Hour)
	good, goodCA := certificate(t, "127.0.0.1", tomorrow)
	other, otherCA := certificate(t, "mail.example.org", tomorrow)
	old, oldCA := certificate(t, "127.0.0.1", yesterday)
	sum := sha256.Sum256(good.Certificate[0])
	fingerprint := formatFingerprint(sum)
	for _, tc := range []struct {
		name  string
		cert  tls.Certificate
		edit  func(*Options)
		words []string // of the refusal; nil: accepted
	}{
		{"trusted", good, func(o *Options) { o.CAFile = goodCA }, nil},
		{"pinned", good, func(o *Options) { o.Fingerprint = fingerprint }, nil},
		{"pinned with colons", good, func(o *Options) { o.Fingerprint = "SHA256:" + colons(strings.ToUpper(fingerprint)) }, nil},
		{"pinned, name and date wrong", old, func(o *Options) {
			o.Fingerprint = formatFingerprint(sha256.Sum256(old.Certificate[0]))
		}, nil},
		{"unknown authority", good, nil, []string{"unknown authority", "ca=FILE", "fingerprint=" + fingerprint}},
		{"another authority", good, func(o *Options) { o.CAFile = otherCA }, []string{"unknown authority"}},
		{"wrong name", other, func(o *Options) { o.CAFile = otherCA }, []string{"wrong host name", "use the name"}},
		{"expired", old, func(o *Options) { o.CAFile = oldCA }, []string{"expired", "clock"}},
		{"another certificate than pinned", other, func(o *Options) { o.Fingerprint = fingerprint }, []string{"not the pinned one", "renewed"}},
		{"a pin that is none", good, func(o *Options) { o.Fingerprint = "abc" }, []string{"64 hex digits"}},
		{"no CA file", good, func(o *Options) { o.CAFile = goodCA + "x" }, []string{"no such file"}},
		{"an empty CA file", good, func(o *Options) { o.CAFile = os.DevNull }, []string{"no certificate"}},
		{"no key", good, func(o *Options) { o.CertFile = goodCA }, []string{"private key"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			opts := scriptedTLS(t, "tls\n"+preauth+"wait", tc.cert)
			if tc.edit != nil {
				tc.edit(&opts)
			}
			c, err := Dial(t.Context(), opts)
			if tc.words != nil {
				wantError(t, err, mail.ScopeStore, mail.RetryNever, mail.KindTLS, tc.words...)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer c.cutOff()
			if _, secured := c.TLSState(); !secured {
				t.Error("there is no TLS")
			}
		})
	}
}

func colons(hex string) string {
	var parts []string
	for ; hex != ""; hex = hex[2:] {
		parts = append(parts, hex[:2])
	}
	return strings.Join(parts, ":")
}

func TestStartTLS(t *testing.T) {
	cert, ca := certificate(t, "127.0.0.1", time.Now().Add(24*time.Hour))
	for _, tc := range []struct {
		name, script string
		words        []string // of the refusal; nil: accepted
	}{
		{"capabilities from before count no more", `
			S: * OK [CAPABILITY IMAP4rev1 STARTTLS AUTH=XOAUTH2 EVIL] hi
			C: A1 STARTTLS
			S: A1 OK go
			tls
			C: A2 CAPABILITY
			S: * CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR
			S: A2 OK
			C: A3 AUTHENTICATE PLAIN
			S: A3 OK [CAPABILITY IMAP4rev1] in
			wait`, nil},
		{"asked for although not offered", `
			S: * OK [CAPABILITY IMAP4rev1] hi
			C: A1 STARTTLS
			S: A1 BAD what
			wait`, []string{"BAD what", "imaps://"}},
		{"octets in front of the handshake", `
			S: * OK [CAPABILITY IMAP4rev1] hi
			C: A1 STARTTLS
			S: "A1 OK go\r\n* CAPABILITY EVIL\r\n"
			wait`, []string{"in front of the TLS handshake"}},
		{"logged in before", "S: * PREAUTH welcome\nwait", []string{"before TLS"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			opts := scriptedTLS(t, tc.script, cert)
			opts.Security, opts.CAFile = StartTLS, ca
			c, err := Dial(t.Context(), opts)
			if tc.words != nil {
				wantError(t, err, mail.ScopeStore, mail.RetryNever, mail.KindTLS, tc.words...)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer c.cutOff()
			if c.Caps().Has("EVIL") {
				t.Error("a capability from before TLS survived")
			}
		})
	}
}

// TestNothingInClearText: whatever the server does instead of TLS, the password
// stays at home.
func TestNothingInClearText(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var heard bytes.Buffer
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = conn.Write([]byte("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi\r\nA1 NO not today\r\nA2 OK\r\n"))
		_, _ = heard.ReadFrom(conn)
	}()
	opts := optionsFor(listener)
	opts.Security = StartTLS
	_, err = Dial(t.Context(), opts)
	<-done
	wantError(t, err, mail.ScopeStore, mail.RetryNever, mail.KindTLS, "nothing was sent in clear text")
	if got := heard.String(); got != "A1 STARTTLS\r\n" {
		t.Errorf("the server heard %q", got)
	}
}

func TestTLSOnAPlainPort(t *testing.T) {
	opts := scriptedTLS(t, "S: * OK hi\nwait", tls.Certificate{})
	_, err := Dial(t.Context(), opts)
	wantError(t, err, mail.ScopeStore, mail.RetryNever, mail.KindTLS, "does not speak TLS", "993")
}

func TestNobodyThere(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	opts := optionsFor(listener)
	listener.Close()
	_, err = Dial(t.Context(), opts)
	wantError(t, err, mail.ScopeStore, mail.RetrySoon, mail.KindConnect, "nothing accepts connections at 127.0.0.1", "993")
}
