package wire

import (
	"context"
	"strings"

	"mailferry/transfer/mail"
)

// Search returns the UIDs that match criteria, in ASCII ("ALL", "UID 5:*").
func (c *Conn) Search(ctx context.Context, criteria string) (mail.UIDSet, error) {
	if err := c.ready(ctx, "search"); err != nil {
		return mail.UIDSet{}, err
	}
	defer c.watch(ctx)()
	return c.search(criteria)
}

func (c *Conn) search(criteria string) (mail.UIDSet, error) {
	var found mail.UIDSet
	m := newCommand("UID SEARCH ")
	if c.caps.Has("ESEARCH") { // ranges instead of a list (RFC 4731)
		m.add("RETURN (ALL) ")
	}
	_, err := c.exec("search", m.add(criteria), func(s *response) error {
		switch s.Name {
		case "SEARCH":
			searchNumbers(s, &found)
		case "ESEARCH":
			esearchAll(s, &found)
		}
		return nil
	})
	return found, err
}

func searchNumbers(s *response, found *mail.UIDSet) {
	for !s.atEnd() && s.err == nil {
		s.items(func() {
			if s.peek() == '(' { // (MODSEQ n), RFC 7162
				s.skipValue()
			} else if n, ok := number(s.atom()); ok {
				found.Add(mail.UID(clip32(uint64(n))))
			}
		})
	}
}

func esearchAll(s *response, found *mail.UIDSet) {
	s.items(func() {
		if s.peek() == '(' { // (TAG "A1")
			s.skipValue()
			return
		}
		switch strings.ToUpper(string(s.atom())) {
		case "UID":
		case "ALL":
			s.spaces()
			if set, err := mail.ParseUIDSet(string(s.atom())); err == nil {
				found.Union(set)
			}
		default:
			s.skipValue()
		}
	})
}

// Noop lets the server tell what is new in the selected folder.
func (c *Conn) Noop(ctx context.Context) error {
	_, err := c.run(ctx, "noop", newCommand("NOOP"), nil)
	return err
}
