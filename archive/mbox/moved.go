package mbox

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"unicode"
)

// Programs that save a change write the header of a message again: mutt leaves out the Status and
// X-Status of our block and puts its own at the end of the header, with Content-Length and Lines; Dovecot
// moves X-UID and X-Keywords there too. What is left in front ends with X-Mailferry, and the message's own
// header is between the two.

// addedNames are the fields that programs add to a header in an mbox file.
func addedNames() []string {
	return []string{statusName, xStatusName, keywordsName, uidName, "Content-Length: ", "Lines: ",
		"X-IMAP: ", "X-IMAPbase: ", "X-Mozilla-Status: ", "X-Mozilla-Status2: ", "X-Mozilla-Keys: "}
}

// addedName returns which of the added fields a line is; "" for none.
func addedName(line []byte) string {
	for _, name := range addedNames() {
		field := strings.TrimSuffix(name, " ")
		if len(line) >= len(field) && strings.EqualFold(string(line[:len(field)]), field) {
			return name
		}
	}
	return ""
}

// parseMoved reads a block of which another program has left the X-Mailferry line at its end.
func parseMoved(text []byte) (*block, bool) {
	b, rest := &block{moved: &moved{}}, text
	if _, ok := takeLine(&rest, fromWord); !ok {
		return nil, false
	}
	for {
		b.ferry = len(text) - len(rest)
		b.superseded = bytes.HasPrefix(rest, []byte(supersededName))
		ours, ok := takeLine(&rest, mailferryName)
		if !ok && b.superseded {
			ours, ok = takeLine(&rest, supersededName)
		}
		if ok {
			b.size = len(text) - len(rest)
			b.meta.Rewritten = true
			b.moved.readFlags(text[:b.size], rest, &b.meta)
			return b, parseMailferry(&b.meta, string(ours))
		}
		line, after, ok := bytes.Cut(rest, []byte("\n"))
		name := addedName(line)
		if !ok || name == "" || slices.Contains(b.moved.front, name) || bytes.ContainsFunc(line, isTorn) {
			return nil, false
		}
		b.moved.front = append(b.moved.front, name)
		rest = after
	}
}

// isTorn reports whether r is a character that no program writes into a header, but that
// stands where a power cut has left a hole.
func isTorn(r rune) bool { return unicode.IsControl(r) && r != '\t' && r != '\r' }

// moved takes out of a header what another program has added at its end.
type moved struct {
	front []string // the added fields that stand in front, and so not at the end
	head  []byte   // of the message's own header, to be delivered
	read  bool
}

// readFlags reads the flags where they stand now, as far as text has them.
func (m *moved) readFlags(front, behind []byte, meta *Meta) {
	header, _, _ := bytes.Cut(behind, []byte("\n\n"))
	var values [3]string
	for line := range bytes.Lines(append(bytes.Clone(front), header...)) {
		for i, name := range []string{statusName, xStatusName, keywordsName} {
			if addedName(line) == name {
				values[i] = strings.TrimSpace(string(line[len(name)-1:]))
			}
		}
	}
	meta.Flags = parseStatus(values)
}

// Read delivers the header without what was added, then nothing.
func (m *moved) Read(p []byte, from *text) (n int, err error) {
	if !m.read {
		m.read = true
		if m.head, err = readHeader(from); err != nil {
			return 0, err
		}
		m.head = m.strip(m.head)
	}
	n = copy(p, m.head)
	m.head = m.head[n:]
	return n, nil
}

// readHeader reads up to and with the empty line, and no octet more.
func readHeader(from *text) ([]byte, error) {
	var head []byte
	var one [1]byte
	line := 0 // where the last one begins
	for len(head) < maxHeader {
		n, err := from.Read(one[:])
		if n == 0 {
			if err == io.EOF {
				err = nil
			}
			return head, err
		}
		head = append(head, one[0])
		if one[0] != '\n' {
			continue
		}
		if len(bytes.TrimRight(head[line:], "\r\n")) == 0 {
			break
		}
		line = len(head)
	}
	return head, nil
}

// strip takes the added fields from the end of a header, each of them once.
func (m *moved) strip(head []byte) []byte {
	taken := slices.Clone(m.front)
	lines := slices.Collect(bytes.Lines(head))
	if len(lines) == 0 {
		return head
	}
	end := len(lines)
	if len(bytes.TrimRight(lines[end-1], "\r\n")) == 0 {
		end--
	}
	first := end
	for first > 0 {
		name := addedName(lines[first-1])
		if name == "" || slices.Contains(taken, name) {
			break
		}
		taken = append(taken, name)
		first--
	}
	return slices.Concat(append(slices.Clone(lines[:first]), lines[end:]...)...)
}
