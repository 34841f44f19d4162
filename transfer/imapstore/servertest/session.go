package servertest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// session is a connection of the package's own IMAP client. It belongs to one
// goroutine; ending its context closes the connection.
type session struct {
	ctx  context.Context
	conn net.Conn
	in   *parser
	out  *bufio.Writer
	tags int
	caps map[string]bool
	free func() bool

	prefix, delimiter string   // of the personal namespace
	others            []string // prefixes of the other namespaces
}

// status is the end of a command.
type status struct{ kind, text string }

func (s status) ok() bool { return s.kind == "OK" }

// refusal is the error of a command that was answered by NO or BAD.
type refusal struct {
	command string
	status
}

func (r *refusal) Error() string { return fmt.Sprintf("%s: %s %s", r.command, r.kind, r.text) }

// login opens a connection, logs in, and learns capabilities and namespaces.
func login(ctx context.Context, addr, user, password string) (*session, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	s := &session{ctx: ctx, conn: conn, in: newParser(conn), out: bufio.NewWriterSize(conn, 64<<10)}
	s.free = context.AfterFunc(ctx, func() { conn.Close() })
	if err := s.greet(user, password); err != nil {
		s.close()
		return nil, fmt.Errorf("log in to %s as %s: %w", addr, user, err)
	}
	return s, nil
}

func (s *session) greet(user, password string) error {
	greeting, err := s.receive()
	if err != nil {
		return err
	}
	if !greeting.status.ok() {
		return &refusal{"greeting", greeting.status}
	}
	if err := s.must("LOGIN "+quote(user)+" "+quote(password), nil); err != nil {
		return err
	}
	s.caps = map[string]bool{}
	err = s.must("CAPABILITY", func(r response) {
		for _, name := range r.after("CAPABILITY") {
			s.caps[strings.ToUpper(name.text)] = true
		}
	})
	if err != nil {
		return err
	}
	return s.learnNamespaces()
}

func (s *session) close() {
	s.free()
	s.conn.Close()
}

// logout ends the session in good order.
func (s *session) logout() error {
	defer s.close()
	return s.must("LOGOUT", nil)
}

// must runs a command and makes NO and BAD an error (*refusal).
func (s *session) must(command string, untagged func(response)) error {
	st, err := s.run(command, untagged)
	if err == nil && !st.ok() {
		verb, _, _ := strings.Cut(command, " ")
		return &refusal{verb, st}
	}
	return err
}

// run sends a command and hands every untagged response to untagged until the
// tagged one comes.
func (s *session) run(command string, untagged func(response)) (status, error) {
	tag := s.send(command)
	if err := s.out.Flush(); err != nil {
		return status{}, s.cause(err)
	}
	for {
		r, err := s.receive()
		switch {
		case err != nil:
			return status{}, err
		case r.tag == tag:
			return r.status, nil
		case untagged != nil:
			untagged(r)
		}
	}
}

// send writes a command without flushing.
func (s *session) send(command string) (tag string) {
	s.tags++
	tag = "t" + strconv.Itoa(s.tags)
	s.out.WriteString(tag + " " + command + "\r\n")
	return tag
}

func (s *session) receive() (response, error) {
	r, err := s.in.response()
	return r, s.cause(err)
}

func (s *session) cause(err error) error {
	if err != nil && s.ctx.Err() != nil {
		return errors.Join(context.Cause(s.ctx), err)
	}
	return err
}

// quote makes a quoted string. Folder names are ASCII by then; the rest is the
// caller's own.
func quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}
