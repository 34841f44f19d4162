package wire

import (
	"slices"
	"strconv"
	"strings"
)

// Caps is the set of capabilities a server offers, in upper case. What IMAP4rev2
// contains (RFC 9051 appendix E) is not implied: without ENABLE a server may
// speak IMAP4rev1 only.
type Caps map[string]struct{}

// ParseCaps reads the words of a CAPABILITY response.
func ParseCaps(text string) Caps {
	caps := make(Caps)
	for word := range strings.FieldsSeq(text) {
		caps[strings.ToUpper(word)] = struct{}{}
	}
	return caps
}

// Has reports whether the server offers name, or an extension that implies it.
func (c Caps) Has(name string) bool {
	name = strings.ToUpper(name)
	if _, ok := c[name]; ok {
		return true
	}
	switch name {
	case "CONDSTORE": // RFC 7162 section 3.2
		return c.Has("QRESYNC")
	case "LITERAL-": // RFC 7888 section 5
		return c.Has("LITERAL+")
	}
	return false
}

// Mechanisms lists the SASL mechanisms offered, sorted.
func (c Caps) Mechanisms() []string {
	var out []string
	for name := range c {
		if mech, ok := strings.CutPrefix(name, "AUTH="); ok {
			out = append(out, mech)
		}
	}
	slices.Sort(out)
	return out
}

// AppendLimit returns the greatest message the whole account takes, or zero
// when the server does not say (RFC 7889).
func (c Caps) AppendLimit() int64 {
	for name := range c {
		if text, ok := strings.CutPrefix(name, "APPENDLIMIT="); ok {
			if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > 0 {
				return n
			}
		}
	}
	return 0
}

// List returns the capabilities, sorted.
func (c Caps) List() []string {
	out := make([]string, 0, len(c))
	for name := range c {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}
