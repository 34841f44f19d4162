package wire

import (
	"context"
	"errors"
)

// Namespace is a prefix of folder names and the delimiter below it (RFC 2342).
type Namespace struct {
	Prefix string
	Delim  string // one octet; empty: NIL
}

// Namespaces are the personal ones, and those of other users and of everybody.
type Namespaces struct{ Personal, Other, Shared []Namespace }

// Namespaces asks for the namespaces; a server without NAMESPACE, or that
// refuses to tell, has one without prefix whose delimiter LIST tells.
func (c *Conn) Namespaces(ctx context.Context) (Namespaces, error) {
	const op = "ask for namespaces"
	var ns Namespaces
	m, name := newCommand(`LIST "" ""`), "LIST"
	if c.caps.Has("NAMESPACE") {
		m, name = newCommand("NAMESPACE"), "NAMESPACE"
	}
	_, err := c.run(ctx, op, m, func(s *response) error {
		switch {
		case s.Name != name:
		case name == "LIST":
			s.words()
			delim, _ := s.value()
			ns.Personal = []Namespace{{Delim: firstOctet(delim)}}
		default:
			ns.Personal, ns.Other, ns.Shared = s.namespaces(), s.namespaces(), s.namespaces()
		}
		return nil
	})
	var refused *ReplyError
	if errors.As(err, &refused) && c.broken == nil {
		err = nil
	}
	return ns, widen(err)
}

func firstOctet(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	return string(b[:1])
}

// namespaces reads one of the three lists of NAMESPACE.
func (s *response) namespaces() []Namespace {
	var out []Namespace
	if !s.accept('(') {
		s.skipValue()
		return nil
	}
	s.items(func() {
		if !s.accept('(') {
			s.skipValue()
			return
		}
		prefix, _ := s.value()
		delim, _ := s.value()
		s.items(s.skipValue) // extensions
		out = append(out, Namespace{string(prefix), firstOctet(delim)})
	})
	return out
}
