package mbox

import (
	"crypto/sha256"
	"errors"
	"strconv"
	"time"

	"mailferry/transfer/mail"
)

// EOL says how the line ends of a message are written in the file.
type EOL string

const (
	EOLCRLF    EOL = "crlf"    // every LF stands for CRLF
	EOLExact   EOL = "exact"   // the octets as they are
	EOLNoFinal EOL = "nofinal" // as crlf, and the last LF is not in the message
)

// Meta is what the block in front of a message tells of it.
type Meta struct {
	UIDValidity uint32 // of the folder it was first read from
	UID         mail.UID
	Size        int64 // octets of the message
	Sum         [sha256.Size]byte
	Date        time.Time // INTERNALDATE; zero: unknown
	EOL         EOL
	Flags       mail.Flags
	// Rewritten says that another program has written the header again since.
	Rewritten bool
}

// Place is where a message stands in its file. Sum makes sure that it is that message
// which is read or changed, should another program have moved things.
type Place struct {
	At  int64 // offset of the From_ line
	Sum [sha256.Size]byte
}

// ErrNotThere is returned when what stands at a Place is not the message.
var ErrNotThere = errors.New("the message is not at its place in the mbox file")

// Dates are kept as RFC 3339, which has four digits for the year and whole minutes for the zone.
func formatDate(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	if _, zone := t.Zone(); zone%60 != 0 || zone <= -24*3600 || zone >= 24*3600 {
		t = t.UTC()
	}
	if y := t.Year(); y < 0 || y > 9999 {
		return "-"
	}
	return t.Format(time.RFC3339)
}

func parseDate(text string) (time.Time, bool) {
	if text == "-" {
		return time.Time{}, true
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || formatDate(t) != text {
		return time.Time{}, false
	}
	_, zone := t.Zone()
	return t.In(time.FixedZone("", zone)), true
}

// digits reads a number that has no sign and no leading zeros.
func digits(text string, bits int) (uint64, bool) {
	n, err := strconv.ParseUint(text, 10, bits)
	return n, err == nil && (text[0] != '0' || len(text) == 1)
}
