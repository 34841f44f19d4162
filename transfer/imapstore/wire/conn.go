package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strconv"
	"time"

	"mailferry/transfer/mail"
)

// Conn is a logged-in connection. Its methods may be called by one goroutine at
// a time. A context that ends during a call closes the socket; the call then
// returns the context's error.
type Conn struct {
	opts  Options
	sock  net.Conn // the network's connection, below TLS
	tls   *tls.Conn
	rd    reader
	bw    *outlet
	turns *turns
	caps  Caps
	greet Reply
	id    map[string]string

	tag     int
	early   map[string]Reply    // replies that came before they were asked for
	unasked map[string]struct{} // commands whose replies nobody waits for
	ctx     context.Context     // of the call in progress; nil: none
	broken  error               // why the connection can no longer be used
	bye     Reply
	ahead   string      // a FETCH of every body that was sent behind EXAMINE; empty: none
	stash   stash       // bodies of that FETCH which came before they were asked for
	tail    bool        // the last command of the FetchBodies in progress has been sent
	next    []following // folders whose openings have been sent already, the next one first
	box     mailbox
	app     appender
	lib     *library            // nil until it is needed
	seen    struct{ caps bool } // the server told its capabilities since the flag was cleared
	first   Caps                // as told before login
	enabled Caps                // what the server said it has enabled
}

// mailbox is what untagged responses tell of the selected folder.
type mailbox struct {
	exists   uint32
	expunged int // messages that vanished since it was selected
}

// Caps returns what the server offers after login.
func (c *Conn) Caps() Caps { return c.caps }

// Greeting returns the server's first words.
func (c *Conn) Greeting() Reply { return c.greet }

// ID returns what the server says of itself (RFC 2971), by lower-case name.
func (c *Conn) ID() map[string]string { return c.id }

// TLSState returns the state of TLS; ok is false on a connection without.
func (c *Conn) TLSState() (state tls.ConnectionState, ok bool) {
	if c.tls == nil {
		return state, false
	}
	return c.tls.ConnectionState(), true
}

// Usable reports whether commands can still be sent.
func (c *Conn) Usable() bool {
	return c.broken == nil && c.bye.Status == "" && c.app.wide == nil && len(c.app.queue) == 0
}

// Reserved reports whether the next folder has been asked for already.
func (c *Conn) Reserved() bool { return len(c.next) > 0 }

// Exists is the number of messages in the selected folder, as last heard.
func (c *Conn) Exists() uint32 { return c.box.exists }

// Expunged is how many messages vanished from the selected folder since it was
// selected.
func (c *Conn) Expunged() int { return c.box.expunged }

// watch ties the socket to ctx until the returned function is called.
func (c *Conn) watch(ctx context.Context) func() {
	c.ctx = ctx
	cut := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		c.sock.Close()
		close(cut)
	})
	return func() {
		if !stop() {
			<-cut
			c.spoil(ctx.Err())
		}
		c.ctx = nil
	}
}

// spoil puts the connection out of use.
func (c *Conn) spoil(err error) {
	if c.broken == nil {
		c.broken = err
		c.sock.Close()
	}
}

// lost turns a failed read or write into the error to return, and puts the
// connection out of use.
func (c *Conn) lost(op string, err error) error {
	if c.ctx != nil && c.ctx.Err() != nil {
		err = c.ctx.Err()
	}
	c.spoil(err)
	e := &mail.Error{Op: op, Scope: mail.ScopeStore, Retry: mail.RetrySoon, Kind: mail.KindConnect}
	var timeout net.Error
	switch {
	case c.ctx != nil && c.ctx.Err() != nil:
		e.Retry, e.Kind, e.Err = mail.RetryNever, mail.KindOther, c.ctx.Err()
		return e
	case c.bye.Status != "":
		return goodbye(op, c.bye)
	case errors.As(err, &timeout) && timeout.Timeout():
		idle := c.opts.idle()
		if t, ok := c.sock.(*transport); ok {
			idle = t.idle
		}
		e.Err = &idleError{idle, err}
		return e
	}
	e.Err = visible(err)
	return e
}

// goodbye makes an error of a BYE. It passes, more often than not.
func goodbye(op string, bye Reply) *mail.Error {
	e := classify(op, bye)
	e.Scope, e.Uncertain = mail.ScopeStore, false
	if e.Retry != mail.RetryLater {
		e.Kind, e.Retry = mail.KindConnect, mail.RetrySoon
	}
	return e
}

type idleError struct {
	idle time.Duration
	err  error
}

func (e *idleError) Error() string { return "not an octet moved for " + e.idle.String() }
func (e *idleError) Unwrap() error { return e.err }

// outOfStep is for a server whose answer makes no sense at all.
func (c *Conn) outOfStep(op string, err error) error {
	c.spoil(err)
	return &mail.Error{Op: op, Scope: mail.ScopeStore, Retry: mail.RetrySoon, Kind: mail.KindProtocol, Err: visible(err)}
}

// ready returns the error of a connection that cannot take a command.
func (c *Conn) ready(ctx context.Context, op string) error {
	if err := ctx.Err(); err != nil {
		return &mail.Error{Op: op, Scope: mail.ScopeStore, Retry: mail.RetryNever, Err: err}
	}
	if c.broken != nil {
		return c.lost(op, c.broken)
	}
	return nil
}

func (c *Conn) nextTag() string {
	tag := c.upcoming()
	c.tag++
	return tag
}

// upcoming is the tag of the next command.
func (c *Conn) upcoming() string { return "A" + strconv.Itoa(c.tag+1) }
