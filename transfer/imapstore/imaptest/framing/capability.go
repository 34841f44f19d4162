package framing

import (
	"bytes"
	"slices"
	"strings"
)

// EditCapabilities returns line with its capabilities replaced by what edit
// makes of them. They stand in an untagged CAPABILITY response or in the
// CAPABILITY code of a status response; a line without them is returned as it is.
func EditCapabilities(line []byte, edit func([]string) []string) []byte {
	from, to, ok := capabilities(line)
	if !ok {
		return line
	}
	before := strings.Fields(string(line[from:to]))
	after := edit(slices.Clone(before))
	if slices.Equal(before, after) {
		return line
	}
	return slices.Concat(line[:from], []byte(strings.Join(after, " ")), line[to:])
}

func capabilities(line []byte) (from, to int, ok bool) {
	const untagged, code = "* CAPABILITY ", "[CAPABILITY "
	if hasPrefixFold(line, untagged) {
		return len(untagged), len(bytes.TrimRight(line, "\r\n")), true
	}
	if _, _, isStatus := ParseStatus(line); !isStatus {
		return 0, 0, false
	}
	// The code stands directly behind the condition, so that text which happens
	// to mention one is left alone.
	i := bytes.IndexByte(line, '[')
	if i < 0 || bytes.Count(line[:i], []byte(" ")) != 2 || !hasPrefixFold(line[i:], code) {
		return 0, 0, false
	}
	end := bytes.IndexByte(line[i:], ']')
	if end < 0 {
		return 0, 0, false
	}
	return i + len(code), i + end, true
}

func hasPrefixFold(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && strings.EqualFold(string(b[:len(prefix)]), prefix)
}

// Hides reports whether the hidden names cover a capability: by its whole name,
// or by what stands before its "=".
func Hides(hidden []string, capability string) bool {
	before, _, _ := strings.Cut(capability, "=")
	return slices.ContainsFunc(hidden, func(h string) bool {
		return strings.EqualFold(h, capability) || strings.EqualFold(h, before)
	})
}

// Without returns an edit for EditCapabilities that takes the hidden ones out.
func Without(hidden []string) func([]string) []string {
	return func(caps []string) []string {
		return slices.DeleteFunc(caps, func(c string) bool { return Hides(hidden, c) })
	}
}
