package foreign

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"

	"mailferry/archive/mbox/internal/quote"
	"mailferry/transfer/mail"
)

// findFirst returns the offset of the first From_ line, behind empty lines and a byte order
// mark; the file's size if it is empty. Everything else is refused.
func (m *Mbox) findFirst() (int64, error) {
	head := make([]byte, min(4<<10, m.size))
	n, err := m.data.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return 0, err
	}
	head = head[:n]
	if found := whatItIs(head); found != "" {
		return 0, refusal(found)
	}
	m.kind.CRLF = bytes.HasSuffix(head[:lineEnd(head)], []byte("\r\n"))
	return leading(head), nil
}

const byteOrderMark = "\xef\xbb\xbf"

// leading is how many octets stand in front of the first From_ line.
func leading(head []byte) int64 {
	rest := bytes.TrimLeft(bytes.TrimPrefix(head, []byte(byteOrderMark)), "\r\n")
	return int64(len(head) - len(rest))
}

// whatItIs describes the beginning of a file that is no mbox; empty: it may be one.
func whatItIs(head []byte) string {
	text := head[leading(head):]
	if len(text) == 0 && len(head) < 4<<10 {
		return ""
	}
	if bytes.HasPrefix(text, []byte(quote.From)) {
		if s := look(text); s.date || s.follows {
			return ""
		}
		return fmt.Sprintf("text whose first line only begins like a From_ line: %s", shortened(text))
	}
	for _, k := range known() {
		if bytes.HasPrefix(head, []byte(k.magic)) {
			return k.name
		}
	}
	if len(head) > 262 && string(head[257:262]) == "ustar" {
		return "a tar archive"
	}
	if fieldName(text[:lineEnd(text)]) != "" {
		return fmt.Sprintf("a single message: its first line is %s", shortened(text))
	}
	if kind := http.DetectContentType(head); !strings.HasPrefix(kind, "text/plain") {
		return "a file of type " + kind
	}
	return fmt.Sprintf("text whose first line is no From_ line: %s", shortened(text))
}

type magic struct{ magic, name string }

func known() []magic {
	return []magic{
		{"SQLite format 3\x00", "an SQLite database"},
		{"PK\x03\x04", "a zip archive (unpack it first)"},
		{"!BDN", "an Outlook data file (PST or OST)"},
		{"\xcf\xad\x12\xfe", "an Outlook Express folder (DBX)"},
		{"// <!-- <mdb:mork", "an index of Thunderbird (.msf); the mail is in the file beside it without .msf"},
		{"\x01\x01\x01\x01\n", "an MMDF folder"},
		{"BABYL OPTIONS", "a Babyl folder of Emacs"},
		{"*mbx*\r\n", "an mbx folder of UW IMAP or Pine"},
		{"BZh", "a file compressed by bzip2 (unpack it first)"},
		{"\xfd7zXZ\x00", "a file compressed by xz (unpack it first)"},
		{"\x28\xb5\x2f\xfd", "a file compressed by zstd (unpack it first)"},
		{"7z\xbc\xaf\x27\x1c", "a 7-Zip archive (unpack it first)"},
		{"\x1f\x8b\x08", "compressed by gzip twice"},
	}
}

func describeMode(mode fs.FileMode) string {
	if mode.IsDir() {
		return "a directory"
	}
	return "no regular file"
}

// shortened is the first line, fit to be shown.
func shortened(text []byte) string {
	const most = 60
	line := strings.TrimRight(string(text[:lineEnd(text)]), "\r\n")
	if len(line) > most {
		line = strings.ToValidUTF8(line[:most], "") + "..."
	}
	return `"` + mail.Visible(line) + `"`
}
