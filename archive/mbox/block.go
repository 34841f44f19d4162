package mbox

import (
	"bytes"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
	"unicode"

	"mailferry/archive/mbox/internal/quote"
	"mailferry/transfer/mail"
)

const (
	fromWord   = quote.From
	fromSender = "From MAILER-DAEMON "

	statusName    = "Status: "
	xStatusName   = "X-Status: "
	keywordsName  = "X-Keywords: "
	uidName       = "X-UID: "
	mailferryName = "X-Mailferry: "
	// supersededName stands in its place, and has its length, when the message was put in another place.
	supersededName = "X-Superseded:"

	statusWidth  = 2 // RO
	xStatusWidth = 4 // AFDT

	blockLines = 6

	// maxBlock bounds a From_ line with its block.
	maxBlock = 16 << 10
)

// block is the From_ line and the status block of a message of ours, as it stands in the file.
type block struct {
	meta Meta
	size int // octets up to the message's own header
	// status is where the three status lines begin, behind the From_ line; widths
	// is the room for their values.
	status int
	widths [3]int
	// ferry is where the X-Mailferry line begins.
	ferry      int
	superseded bool
	moved      *moved // nil: the block is as it was written
}

// readBlock reads the block of a message of ours, also when another program has written it again.
func readBlock(text []byte) (*block, bool) {
	if b, ok := parseBlock(text); ok {
		return b, true
	}
	return parseMoved(text)
}

// formatBlock writes the From_ line and the block. It reports whether all keywords fit.
func formatBlock(m *Meta) (text []byte, fits bool) {
	return formatBlockIn(m, [3]int{statusWidth, xStatusWidth, keywordsRoom(m.Flags)})
}

// formatBlockIn writes status values of exactly these widths.
func formatBlockIn(m *Meta, widths [3]int) (text []byte, fits bool) {
	date := m.Date.UTC()
	if y := date.Year(); m.Date.IsZero() || y < 0 || y > 9999 {
		date = time.Unix(0, 0).UTC()
	}
	text = append(make([]byte, 0, 512), fromSender...)
	text = append(date.AppendFormat(text, time.ANSIC), '\n')
	text, fits = appendStatus(text, m.Flags, widths)
	text = append(text, uidName...)
	text = append(strconv.AppendUint(text, uint64(m.UID), 10), "\n"+mailferryName...)
	text = append(strconv.AppendUint(text, uint64(m.UIDValidity), 10), ' ')
	text = append(strconv.AppendUint(text, uint64(m.UID), 10), ' ')
	text = append(strconv.AppendInt(text, m.Size, 10), ' ')
	text = append(hex.AppendEncode(text, m.Sum[:]), ' ')
	text = append(append(text, formatDate(m.Date)...), ' ')
	return append(append(text, m.EOL...), '\n'), fits
}

// parseBlock reads what formatBlock wrote, from the beginning of text. Other
// programs may have changed the values and the padding of the status lines, but
// with control characters in it the block is damaged.
func parseBlock(text []byte) (*block, bool) {
	b, values, ok := parseLines(text)
	if !ok {
		return nil, false
	}
	b.meta.Flags = parseStatus([3]string{string(values[0]), string(values[1]), string(values[2])})
	return b, true
}

// parseLines is parseBlock without the flags, which are in values.
func parseLines(text []byte) (b *block, values [3][]byte, ok bool) {
	b, rest := new(block), text
	from, ok := takeLine(&rest, fromWord)
	if !ok {
		return nil, values, false
	}
	b.status = len(fromWord) + len(from) + 1
	for i, name := range [3]string{statusName, xStatusName, keywordsName} {
		if values[i], ok = takeLine(&rest, name); !ok {
			return nil, values, false
		}
		b.widths[i] = len(values[i])
	}
	uid, ok := takeLine(&rest, uidName)
	if !ok {
		return nil, values, false
	}
	b.ferry = len(text) - len(rest)
	ours, ok := takeLine(&rest, mailferryName)
	if !ok || !parseMailferry(&b.meta, string(ours)) || string(strconv.AppendUint(nil, uint64(b.meta.UID), 10)) != string(uid) {
		return nil, values, false
	}
	b.size = len(text) - len(rest)
	return b, values, true
}

// takeLine cuts a line that begins with name from text and returns what follows the name.
func takeLine(text *[]byte, name string) ([]byte, bool) {
	line, rest, ok := bytes.Cut(*text, []byte("\n"))
	if !ok || !bytes.HasPrefix(line, []byte(name)) || hasControl(line) {
		return nil, false
	}
	*text = rest
	return line[len(name):], true
}

func hasControl(line []byte) bool {
	for _, c := range line {
		switch {
		case c < ' ' || c == 0x7f:
			return true
		case c >= 0x80:
			return bytes.ContainsFunc(line, unicode.IsControl)
		}
	}
	return false
}

func parseMailferry(m *Meta, text string) bool {
	var fields [6]string
	n := 0
	for field := range strings.SplitSeq(text, " ") {
		if n == len(fields) {
			return false
		}
		fields[n] = field
		n++
	}
	validity, ok1 := digits(fields[0], 32)
	uid, ok2 := digits(fields[1], 32)
	size, ok3 := digits(fields[2], 63)
	date, ok4 := parseDate(fields[4])
	if !ok1 || !ok2 || !ok3 || !ok4 || len(fields[3]) != hex.EncodedLen(len(m.Sum)) {
		return false
	}
	if _, err := hex.Decode(m.Sum[:], []byte(fields[3])); err != nil {
		return false
	}
	m.UIDValidity, m.Size, m.Date, m.EOL = uint32(validity), int64(size), date, EOL(fields[5])
	m.UID = mail.UID(uid)
	return m.EOL == EOLCRLF || m.EOL == EOLExact || m.EOL == EOLNoFinal && size > 0
}
