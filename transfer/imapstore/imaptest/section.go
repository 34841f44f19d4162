package imaptest

import (
	"bytes"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
)

// section returns the octets of a BODY[...] item as they are stored. Only what
// lies in a MIME part is left to imapserver, which writes headers anew.
func section(raw []byte, item *imap.FetchItemBodySection) []byte {
	if len(item.Part) > 0 {
		return imapserver.ExtractBodySection(bytes.NewReader(raw), item)
	}
	end := headerEnd(raw)
	switch {
	case len(item.HeaderFields) > 0:
		raw = withBlankLine(fields(raw[:end], item.HeaderFields, true))
	case len(item.HeaderFieldsNot) > 0:
		raw = withBlankLine(fields(raw[:end], item.HeaderFieldsNot, false))
	case item.Specifier == imap.PartSpecifierHeader:
		raw = raw[:end]
	case item.Specifier == imap.PartSpecifierText:
		raw = raw[end:]
	}
	return part(raw, item.Partial)
}

func part(data []byte, p *imap.SectionPartial) []byte {
	if p == nil {
		return data
	}
	if p.Offset >= int64(len(data)) {
		return nil
	}
	data = data[p.Offset:]
	return data[:min(p.Size, int64(len(data)))]
}

// headerEnd is the offset of the body: behind the first empty line, which
// belongs to the header, or the end of a message without one.
func headerEnd(raw []byte) int {
	for at := 0; at < len(raw); {
		i := bytes.IndexByte(raw[at:], '\n')
		if i < 0 {
			break
		}
		line := raw[at : at+i]
		at += i + 1
		if len(line) == 0 || len(line) == 1 && line[0] == '\r' {
			return at
		}
	}
	return len(raw)
}

// fields returns the header's fields that are named (or, with wanted false, all
// others) with their lines as they are.
func fields(header []byte, names []string, wanted bool) []byte {
	var out []byte
	keep := false
	for len(header) > 0 {
		n := bytes.IndexByte(header, '\n') + 1
		if n == 0 {
			n = len(header)
		}
		line := header[:n]
		header = header[n:]
		if len(bytes.TrimRight(line, "\r\n")) == 0 {
			continue // the line that ends the header
		}
		if line[0] != ' ' && line[0] != '\t' {
			keep = named(line, names) == wanted
		}
		if keep {
			out = append(out, line...)
		}
	}
	return out
}

func named(line []byte, names []string) bool {
	name, _, ok := strings.Cut(string(line), ":")
	name = strings.TrimRight(name, " \t")
	return ok && slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}

// withBlankLine ends header lines as BODY[HEADER.FIELDS] demands (RFC 9051
// section 6.4.5).
func withBlankLine(lines []byte) []byte {
	if len(lines) > 0 && lines[len(lines)-1] != '\n' {
		lines = append(lines, "\r\n"...)
	}
	return append(lines, "\r\n"...)
}
