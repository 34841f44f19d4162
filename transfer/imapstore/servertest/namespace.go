package servertest

import (
	"fmt"
	"strings"

	"mailferry/transfer/mail"
)

// learnNamespaces asks for the personal namespace (RFC 2342); without the
// extension it is everything, with the delimiter of LIST "" "".
func (s *session) learnNamespaces() error {
	if !s.caps["NAMESPACE"] {
		return s.must(`LIST "" ""`, func(r response) {
			if v := r.after("LIST"); len(v) == 3 {
				s.delimiter = v[1].text
			}
		})
	}
	return s.must("NAMESPACE", func(r response) {
		v := r.after("NAMESPACE")
		for i, group := range v {
			for _, ns := range group.list {
				if len(ns.list) < 2 {
					continue
				}
				if i == 0 && s.delimiter == "" {
					s.prefix, s.delimiter = ns.list[0].text, ns.list[1].text
				} else if prefix := ns.list[0].text; prefix != "" {
					s.others = append(s.others, prefix)
				}
			}
		}
	})
}

// rawName spells a path for the server.
func (s *session) rawName(path mail.Path) (string, error) {
	if path.IsInbox() {
		return "INBOX", nil
	}
	parts := path.Components()
	for i, c := range parts {
		if s.delimiter != "" && strings.Contains(c, s.delimiter) {
			return "", fmt.Errorf("folder %q: a component holds the delimiter %q", path, s.delimiter)
		}
		parts[i] = encodeName(c)
	}
	return s.prefix + strings.Join(parts, s.delimiter), nil
}

// path normalises a server's name; ok is false for what is not in the personal
// namespace, or is its prefix and no folder.
func (s *session) path(raw string) (path mail.Path, ok bool) {
	if strings.EqualFold(raw, "INBOX") {
		return mail.NewPath("INBOX"), true
	}
	for _, other := range s.others {
		if strings.HasPrefix(raw+s.delimiter, other) {
			return mail.Path{}, false
		}
	}
	name, ok := strings.CutPrefix(raw, s.prefix)
	if !ok || name == "" {
		return mail.Path{}, false
	}
	parts := []string{name}
	if s.delimiter != "" {
		parts = strings.Split(name, s.delimiter)
	}
	for i, c := range parts {
		if decoded, err := decodeName(c); err == nil {
			parts[i] = decoded
		}
	}
	return mail.NewPath(parts...), true
}
