package imapstore

import (
	"strings"

	"mailferry/transfer/mail"
)

// alphabet is what a server does not take in folder names.
type alphabet struct {
	anywhere string // characters it takes nowhere
	first    string // and at the beginning
	beyond   bool   // characters outside of the Basic Multilingual Plane
}

// knownAlphabet is for servers that tell only when they are asked to create the
// folder.
func knownAlphabet(s *server) alphabet {
	switch {
	case s.is("cyrus"):
		return alphabet{anywhere: "!\"%/;<>\\`{|}"}
	case s.is("courier"):
		return alphabet{anywhere: "/", beyond: true}
	}
	return alphabet{}
}

// suspects are characters that one server or another does not take in names,
// though IMAP allows them.
const suspects = `./\%*~`

// probes are the raw names that tell which characters a server takes: one that
// every server takes, and two for each suspect.
func probes(prefix string) []string {
	raws := []string{prefix + "mailferry"}
	for _, c := range suspects {
		raws = append(raws, prefix+"mail"+string(c)+"ferry", prefix+string(c)+"mailferry")
	}
	return raws
}

// alphabetOf reads the answers to probes. If the harmless name was refused, refusals
// mean something else.
func alphabetOf(srv *server, refused []bool) alphabet {
	a := knownAlphabet(srv)
	if len(refused) == 0 || refused[0] {
		return a
	}
	for i, c := range suspects {
		switch {
		case string(c) == srv.delim:
		case refused[1+2*i]:
			a.anywhere += string(c)
		case refused[2+2*i]:
			a.first += string(c)
		}
	}
	return a
}

// spell returns the path as the server can spell it. A server that is not
// known yet can spell everything but control characters.
func (s *server) spell(path mail.Path) mail.Path {
	if path.IsInbox() || path.IsZero() {
		return path
	}
	parts := path.Components()
	if s != nil && s.delim == "" && len(parts) > 1 {
		parts = []string{strings.Join(parts, "_")}
	}
	for i, part := range parts {
		parts[i] = s.spellPart(part)
	}
	return mail.NewPath(parts...)
}

func (s *server) spellPart(part string) string {
	part = strings.Map(s.spellRune, strings.ToValidUTF8(part, "_"))
	if part == "" || part == "." || part == ".." {
		return strings.Repeat("_", max(1, len(part)))
	}
	if s != nil && strings.IndexByte(s.letters.first, part[0]) >= 0 {
		return "_" + part[1:]
	}
	return part
}

func (s *server) spellRune(r rune) rune {
	switch {
	case r < ' ', r >= 0x7f && r < 0xa0, r == 0x2028, r == 0x2029:
		return '_'
	case s == nil:
		return r
	case s.delim != "" && r == rune(s.delim[0]), strings.ContainsRune(s.letters.anywhere, r):
		return '_'
	case r > 0xffff && s.letters.beyond:
		return '_'
	}
	return r
}
