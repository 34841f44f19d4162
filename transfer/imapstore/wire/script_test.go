package wire

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"mailferry/transfer/mail"
)

// preauth is a server that needs no login and offers what most do.
const preauth = "S: * PREAUTH [CAPABILITY IMAP4rev1 LITERAL+ UIDPLUS] hello\n"

// scripted plays the server's side of a conversation, given line by line:
//
//	S: text   the server sends a line; "..." is unquoted as in Go and sent without line end
//	C: text   the client must send a line that begins so
//	L: n      the client must send n octets
//	wait      nothing more is said until the client goes
//	tls       the server's side of a TLS handshake
//
// When the script is over the server closes the connection. A client that
// departs from the script fails the test.
func scripted(t *testing.T, script string) Options {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- playOnce(listener, script, nil) }()
	t.Cleanup(func() {
		listener.Close()
		if err := <-done; err != nil {
			t.Errorf("the conversation went wrong: %v", err)
		}
	})
	return optionsFor(listener)
}

func optionsFor(listener net.Listener) Options {
	addr := listener.Addr().(*net.TCPAddr)
	return Options{
		Host: "127.0.0.1", Port: addr.Port, Security: Plain, User: "ann", IdleTimeout: 5 * time.Second,
		Password: func(context.Context) (string, error) { return "secret", nil },
	}
}

func playOnce(listener net.Listener, script string, cfg *tls.Config) error {
	conn, err := listener.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	return (&player{conn: conn, br: bufio.NewReader(conn), tls: cfg}).play(script)
}

type player struct {
	conn net.Conn
	br   *bufio.Reader
	tls  *tls.Config
}

func (p *player) play(script string) error {
	for i, line := range strings.Split(strings.TrimSpace(script), "\n") {
		if err := p.step(strings.TrimSpace(line)); err != nil {
			return fmt.Errorf("line %d, %q: %w", i+1, line, err)
		}
	}
	return nil
}

func (p *player) step(line string) error {
	verb, text, _ := strings.Cut(line, " ")
	switch verb {
	case "S:":
		if strings.HasPrefix(text, `"`) {
			raw, err := strconv.Unquote(text)
			if err != nil {
				return err
			}
			_, err = io.WriteString(p.conn, raw)
			return err
		}
		_, err := io.WriteString(p.conn, text+"\r\n")
		return err
	case "C:":
		got, err := p.br.ReadString('\n')
		if err != nil {
			return err
		}
		if !strings.HasPrefix(got, text) {
			return fmt.Errorf("the client said %q", got)
		}
	case "L:":
		n, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		_, err = io.CopyN(io.Discard, p.br, int64(n))
		return err
	case "tls":
		secured := tls.Server(p.conn, p.tls)
		p.conn, p.br = secured, bufio.NewReader(secured)
		return secured.Handshake()
	case "wait":
		_, _ = io.Copy(io.Discard, p.br)
	case "":
	default:
		return fmt.Errorf("no such step")
	}
	return nil
}

// dial connects to a scripted server. The connection is closed with the test.
func dial(t *testing.T, script string) *Conn {
	t.Helper()
	c, err := Dial(t.Context(), scripted(t, script))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.cutOff() })
	return c
}

// cutOff closes the socket without taking leave.
func (c *Conn) cutOff() {
	c.spoil(errLoggedOut)
	c.Close()
}

// wantError checks what an error says of itself and returns it.
func wantError(t *testing.T, err error, scope mail.Scope, retry mail.Retry, kind mail.Kind, words ...string) *mail.Error {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	e := mail.ErrorOf(err)
	if e.Scope != scope || e.Retry != retry || e.Kind != kind {
		t.Errorf("error %q: scope %d, retry %d, kind %d; want %d, %d, %d", err, e.Scope, e.Retry, e.Kind, scope, retry, kind)
	}
	for _, word := range words {
		if !strings.Contains(err.Error()+" "+e.Hint, word) {
			t.Errorf("error %q (hint %q) does not say %q", err, e.Hint, word)
		}
	}
	return e
}
