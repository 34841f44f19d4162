package imaptest

import (
	"fmt"
	"strings"

	"mailferry/transfer/mail"
)

// names turns paths into the names a client sees, and back. The INBOX has no
// prefix; with a prefix every other folder has it.
type names struct {
	delimiter string
	prefix    string
}

func (n names) name(path mail.Path) string {
	if path.IsInbox() {
		return "INBOX"
	}
	return n.prefix + strings.Join(path.Components(), n.delimiter)
}

// path reads a client's name. ok is false for names that no folder can have.
func (n names) path(name string) (path mail.Path, ok bool) {
	if strings.EqualFold(name, "INBOX") {
		return mail.NewPath("INBOX"), true
	}
	rest, ok := cutPrefixFold(name, n.prefix)
	if !ok || rest == "" {
		return mail.Path{}, false
	}
	components := strings.Split(rest, n.delimiter)
	for _, c := range components {
		if c == "" {
			return mail.Path{}, false
		}
	}
	path = mail.NewPath(components...)
	// "INBOX.INBOX" would be a second INBOX.
	return path, n.prefix == "" || !path.IsInbox()
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// check reports why a path cannot be a folder here.
func (n names) check(path mail.Path) error {
	for _, c := range path.Components() {
		if c == "" || strings.Contains(c, n.delimiter) {
			return fmt.Errorf("no folder can be named %q here: the delimiter is %q", c, n.delimiter)
		}
	}
	if path.IsZero() {
		return fmt.Errorf("no folder can have an empty name")
	}
	return nil
}
