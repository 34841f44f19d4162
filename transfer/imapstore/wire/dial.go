package wire

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"mailferry/transfer/mail"
)

// Dial connects, secures the connection and logs in, with one attempt. The
// caller closes the Conn.
func Dial(ctx context.Context, opts Options) (*Conn, error) {
	sock, err := connect(ctx, &opts)
	if err != nil {
		return nil, err
	}
	c := &Conn{opts: opts, sock: sock}
	c.attach(sock)
	if opts.Security == TLS {
		if err := c.secure(ctx, "connect"); err != nil {
			sock.Close()
			return nil, err
		}
	}
	if err := c.start(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Conn) secure(ctx context.Context, op string) error {
	secured, err := c.opts.handshake(ctx, c.sock)
	if err != nil {
		return withContext(ctx, op, err)
	}
	c.tls = secured
	c.attach(secured)
	return nil
}

// attach reads and writes stream from now on. What was read before is dropped
// with its buffer: behind STARTTLS that is what an attacker put there.
func (c *Conn) attach(stream net.Conn) {
	if c.turns == nil {
		c.turns = &turns{trace: &tracer{w: c.opts.Trace, number: c.opts.Number}}
	}
	c.turns.Conn = stream
	c.rd = reader{br: bufio.NewReaderSize(c.turns, bufferSize), trace: *c.turns.trace}
	c.bw = newOutlet(c.turns)
}

// greetingIdle is how long a server may keep silent before its first words. One that
// waits for a TLS handshake says nothing at all.
const greetingIdle = 30 * time.Second

func connect(ctx context.Context, o *Options) (net.Conn, error) {
	dial := o.Dial
	if dial == nil {
		dialer := &net.Dialer{Timeout: min(o.idle(), time.Minute)}
		dial = dialer.DialContext
	}
	conn, err := dial(ctx, "tcp", o.address())
	if err != nil {
		return nil, withContext(ctx, "connect", dialError(o, err))
	}
	return &transport{Conn: conn, idle: min(o.idle(), greetingIdle)}, nil
}

// withContext prefers the context's error: it is the cause of the other.
func withContext(ctx context.Context, op string, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return &mail.Error{Op: op, Scope: mail.ScopeStore, Retry: mail.RetryNever, Err: ctx.Err()}
}

func dialError(o *Options, err error) *mail.Error {
	e := &mail.Error{Op: "connect", Scope: mail.ScopeStore, Retry: mail.RetrySoon, Kind: mail.KindConnect}
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		e.Err = fmt.Errorf("no address found for %s: %w", o.Host, err)
		e.Hint = "check the host name, and that this machine can resolve names"
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Err = fmt.Errorf("nothing accepts connections at %s: %w", o.address(), err)
		e.Hint = "check host and port: imaps:// uses 993, imap:// uses 143"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		e.Err = fmt.Errorf("no answer from %s: %w", o.address(), err)
		e.Hint = "check host and port, and whether a firewall is in between"
	default:
		e.Err = fmt.Errorf("%s: %w", o.address(), err)
		e.Hint = "check host and port: imaps:// uses 993, imap:// uses 143"
	}
	e.Err = visible(e.Err)
	return e
}

// start takes a fresh connection from its greeting to the authenticated state.
// It closes the connection when that fails.
func (c *Conn) start(ctx context.Context) (err error) {
	stop := c.watch(ctx)
	defer func() {
		stop()
		if err != nil {
			c.spoil(err)
		}
	}()
	if err := c.greeting(); err != nil {
		return err
	}
	if t, ok := c.sock.(*transport); ok {
		t.idle = c.opts.idle()
	}
	if c.opts.Security == StartTLS {
		if err := c.startTLS(ctx); err != nil {
			return err
		}
	}
	switch {
	case c.seen.caps:
	case c.opts.Known != nil && c.greet.Status != "PREAUTH":
		c.caps = c.opts.Known.beforeLogin
	default:
		if err := c.capability(); err != nil {
			return err
		}
	}
	c.first = c.caps
	if c.greet.Status != "PREAUTH" {
		if err := c.login(ctx); err != nil {
			return err
		}
	}
	return c.afterLogin()
}

func (c *Conn) greeting() error {
	const op = "connect"
	s, err := c.rd.next()
	if err != nil {
		return c.lost(op, err)
	}
	if s.Tag != "*" || !isStatus(s.Name) {
		e := c.outOfStep(op, fmt.Errorf("this is no IMAP server: it says %q", string(s.seg[:min(len(s.seg), 80)])))
		mail.ErrorOf(e).Retry = mail.RetryNever
		return e
	}
	c.greet = s.reply()
	c.noteReply(c.greet)
	switch c.greet.Status {
	case "OK", "PREAUTH":
		return nil
	}
	return goodbye(op, c.greet)
}

func (c *Conn) capability() error {
	_, err := c.exec("ask for capabilities", newCommand("CAPABILITY"), nil)
	return widen(err)
}

// startTLS leaves nothing of the clear-text conversation behind (RFC 9051
// section 11.1): neither buffered octets nor capabilities.
func (c *Conn) startTLS(ctx context.Context) error {
	const op = "start TLS"
	if c.greet.Status == "PREAUTH" {
		return tlsMissing(op, errors.New("the server claims that the connection is logged in before TLS"))
	}
	rep, err := c.exec(op, newCommand("STARTTLS"), nil)
	if err != nil {
		if rep.Status != "" {
			return tlsMissing(op, err)
		}
		return err
	}
	if c.rd.br.Buffered() > 0 {
		return tlsMissing(op, errors.New("octets were put in front of the TLS handshake"))
	}
	c.caps, c.seen.caps = nil, false
	return c.secure(ctx, op)
}

func tlsMissing(op string, err error) error {
	var e *mail.Error
	if errors.As(err, &e) {
		err = e.Err
	}
	return &mail.Error{
		Op: op, Scope: mail.ScopeStore, Retry: mail.RetryNever, Kind: mail.KindTLS, Err: err,
		Hint: "try imaps://, which uses TLS from the first octet; nothing was sent in clear text",
	}
}

// widen makes an error one of the whole store.
func widen(err error) error {
	var e *mail.Error
	if errors.As(err, &e) {
		e.Scope = mail.ScopeStore
	}
	return err
}
