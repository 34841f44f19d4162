package foreign

import (
	"bytes"
	"net/mail"
	"strings"
	"time"
)

// field is a header field with its folded lines.
type field struct {
	name  string // in lower case; empty: the line is no header field
	value string // unfolded
	raw   []byte
}

// fields splits a header, which may end in an empty line. Lines that are no fields stand for themselves.
func fields(header []byte) (out []field) {
	for len(header) > 0 {
		n := lineEnd(header)
		name := fieldName(header[:n])
		for name != "" && n < len(header) && (header[n] == ' ' || header[n] == '\t') {
			n += lineEnd(header[n:])
		}
		f := field{name: name, raw: header[:n]}
		if name != "" {
			f.value = unfold(header[bytes.IndexByte(header, ':')+1 : n])
		}
		out, header = append(out, f), header[n:]
	}
	return out
}

func lineEnd(text []byte) int {
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		return i + 1
	}
	return len(text)
}

func unfold(value []byte) string {
	var lines []string
	for line := range bytes.Lines(value) {
		if s := strings.TrimSpace(string(line)); s != "" {
			lines = append(lines, s)
		}
	}
	return strings.Join(lines, " ")
}

// fieldName returns the name of the header field in a line, in lower case, or
// nothing if it is none (RFC 5322 section 2.2).
func fieldName(line []byte) string {
	i := bytes.IndexByte(line, ':')
	if i <= 0 {
		return ""
	}
	name := bytes.TrimRight(line[:i], " \t")
	for _, c := range name {
		if c <= ' ' || c >= 0x7f {
			return ""
		}
	}
	return strings.ToLower(string(name))
}

// headerDate is the date of the newest Received field, else that of Date.
func headerDate(header []field) time.Time {
	for _, f := range header {
		if f.name == "received" {
			if i := strings.LastIndexByte(f.value, ';'); i >= 0 {
				if t, err := mail.ParseDate(strings.TrimSpace(f.value[i+1:])); err == nil {
					return t
				}
			}
			break
		}
	}
	if t, err := mail.ParseDate(first(header, "date")); err == nil {
		return t
	}
	return time.Time{}
}

func first(header []field, name string) string {
	for _, f := range header {
		if f.name == name {
			return f.value
		}
	}
	return ""
}
