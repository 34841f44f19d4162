package imapstore

import (
	"strings"

	"mailferry/transfer/imapstore/wire"
	"mailferry/transfer/mail"
)

// server is what the first connection told of the server.
type server struct {
	caps     wire.Caps
	greeting string
	id       map[string]string
	prefix   string   // of the personal namespace
	delim    string   // below it; empty: folders have no levels
	foreign  []string // prefixes of other people's namespaces
	letters  alphabet
	tls      string
	traits   mail.Traits // as far as they are the server's
}

func newServer(conn *wire.Conn, spaces wire.Namespaces) *server {
	s := &server{caps: conn.Caps(), greeting: conn.Greeting().Text, id: conn.ID(), tls: tlsVersion(conn)}
	s.traits = mail.Traits{
		KeepsBytes: s.keepsBytes(), UIDPlus: s.caps.Has("UIDPLUS"), ModSeqs: s.caps.Has("CONDSTORE"), Resync: conn.Resync(),
		Appenders: conn.CanLane(), MaxSize: s.caps.AppendLimit(), AutoExpunge: s.caps.Has("X-GM-EXT-1"),
	}
	if len(spaces.Personal) > 0 {
		s.prefix, s.delim = spaces.Personal[0].Prefix, spaces.Personal[0].Delim
	}
	for _, ns := range append(spaces.Other, spaces.Shared...) {
		if ns.Prefix != "" && ns.Prefix != s.prefix {
			s.foreign = append(s.foreign, ns.Prefix)
		}
	}
	return s
}

// personal reports whether a raw name belongs to the personal namespace.
func (s *server) personal(raw string) bool {
	for _, prefix := range s.foreign {
		top := strings.TrimSuffix(prefix, s.delim)
		if (strings.HasPrefix(raw, prefix) || raw == top) && len(prefix) > len(s.prefix) {
			return false
		}
	}
	return true
}

// is reports whether the server calls itself by one of these names.
func (s *server) is(names ...string) bool {
	text := strings.ToLower(s.greeting + " " + s.id["name"] + " " + s.id["vendor"])
	for _, name := range names {
		if strings.Contains(text, name) {
			return true
		}
	}
	return false
}

// keepsBytes is false for servers that render messages anew, with other
// sizes, each time they are fetched.
func (s *server) keepsBytes() bool { return !s.is("microsoft", "exchange", "outlook") }

// encode returns the raw name of a path that spell returned.
func (s *server) encode(path mail.Path) string {
	if path.IsInbox() {
		return "INBOX"
	}
	parts := path.Components()
	for i, part := range parts {
		parts[i] = wire.EncodeName(part)
	}
	return s.prefix + strings.Join(parts, s.delim)
}

// decode returns the path of a raw name with the delimiter that LIST gave.
func (s *server) decode(raw, delim string) mail.Path {
	return mail.NewPath(mapParts(s.split(raw, delim), func(part string) string {
		name, _ := wire.DecodeName(part)
		return name
	})...)
}

func (s *server) split(raw, delim string) []string {
	if strings.EqualFold(raw, "INBOX") {
		return []string{"INBOX"}
	}
	name, below := strings.CutPrefix(raw, s.prefix)
	if !below && len(raw) > len(s.prefix) && strings.EqualFold(raw[:len(s.prefix)], s.prefix) {
		name = raw[len(s.prefix):]
	}
	if delim == "" || name == "" {
		return []string{name}
	}
	return strings.Split(name, delim)
}

func mapParts(parts []string, f func(string) string) []string {
	out := make([]string, len(parts))
	for i, part := range parts {
		out[i] = f(part)
	}
	return out
}
