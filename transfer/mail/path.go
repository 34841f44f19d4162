package mail

import "strings"

// Path names a folder by its components, outermost first, without the personal
// namespace's prefix and whatever the hierarchy delimiter is. Components are
// UTF-8 where the store could decode them and the raw bytes where it could not.
// Paths are comparable and may be map keys. The zero Path is no folder.
//
// A first component INBOX, in any case, is spelt "INBOX" (RFC 9051 section 5.1).
type Path struct{ joined string }

// A component may hold any byte but NUL, which IMAP forbids in names
// (RFC 9051 section 9, CHAR8).
const pathSep = "\x00"

// NewPath makes a path of components. NUL bytes in them are dropped.
func NewPath(components ...string) Path {
	parts := make([]string, len(components))
	for i, c := range components {
		parts[i] = strings.ReplaceAll(c, pathSep, "")
	}
	if len(parts) > 0 && strings.EqualFold(parts[0], "INBOX") {
		parts[0] = "INBOX"
	}
	return Path{strings.Join(parts, pathSep)}
}

// ParsePath splits text at "/", the separator of command lines and reports.
func ParsePath(text string) Path {
	if text == "" {
		return Path{}
	}
	return NewPath(strings.Split(text, "/")...)
}

// Components returns the names from the outermost to the innermost.
func (p Path) Components() []string {
	if p.joined == "" {
		return nil
	}
	return strings.Split(p.joined, pathSep)
}

// String joins the components by "/". It is for people: a component may hold a
// "/" itself, so the text does not always lead back to the path.
func (p Path) String() string { return strings.ReplaceAll(p.joined, pathSep, "/") }

// Key is a text from which PathFromKey gives the same path back, for storage.
func (p Path) Key() string { return p.joined }

// PathFromKey reads what Key returned.
func PathFromKey(key string) Path { return Path{key} }

// IsZero reports whether p names no folder.
func (p Path) IsZero() bool { return p.joined == "" }

// IsInbox reports whether p is the INBOX.
func (p Path) IsInbox() bool { return p.joined == "INBOX" }

// Parent returns the path without its last component; ok is false at the top.
func (p Path) Parent() (parent Path, ok bool) {
	i := strings.LastIndex(p.joined, pathSep)
	if i < 0 {
		return Path{}, false
	}
	return Path{p.joined[:i]}, true
}

// Join returns the path of a folder below p. Joining to the zero Path gives
// child, whose first component is then spelt "INBOX" if it is one.
func (p Path) Join(child Path) Path {
	switch {
	case p.IsZero():
		return NewPath(child.Components()...)
	case child.IsZero():
		return p
	}
	return Path{p.joined + pathSep + child.joined}
}

// Below returns what follows when p is ancestor itself (the zero Path) or lies
// below it.
func (p Path) Below(ancestor Path) (rest Path, ok bool) {
	if p == ancestor {
		return Path{}, true
	}
	tail, ok := strings.CutPrefix(p.joined, ancestor.joined+pathSep)
	return Path{tail}, ok && !ancestor.IsZero()
}

// Compare orders paths so that a parent stands before its children and
// siblings stand together.
func (p Path) Compare(q Path) int { return strings.Compare(p.joined, q.joined) }
