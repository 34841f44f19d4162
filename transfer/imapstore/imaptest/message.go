package imaptest

import (
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"

	"mailferry/transfer/mail"
)

// Message is one message as it is stored. Raw is what was appended, octet for
// octet; the caller must not change it.
type Message struct {
	UID   mail.UID
	Flags mail.Flags
	Date  time.Time // with the zone it came in
	Raw   []byte
}

// message is shared by the folder and by the sessions that have it selected.
// Flags and gone belong to the account's lock, the rest never changes.
type message struct {
	uid   imap.UID
	raw   []byte
	date  time.Time
	flags mail.Flags // replaced as a whole, never written to
	gone  bool
}

func (m *message) export() Message {
	return Message{UID: mail.UID(m.uid), Flags: m.flags, Date: m.date, Raw: m.raw}
}

func toFlags(flags mail.Flags) []imap.Flag {
	out := make([]imap.Flag, len(flags))
	for i, f := range flags {
		out[i] = imap.Flag(f)
	}
	return out
}

func fromFlags(flags []imap.Flag) mail.Flags {
	out := make([]string, len(flags))
	for i, f := range flags {
		out[i] = string(f)
	}
	return mail.NewFlags(out...)
}

// indexUID returns the place of uid among msgs, which ascend, or where it would
// be.
func indexUID(msgs []*message, uid imap.UID) (int, bool) {
	return slices.BinarySearchFunc(msgs, uid, func(m *message, u imap.UID) int {
		switch {
		case m.uid < u:
			return -1
		case m.uid > u:
			return 1
		}
		return 0
	})
}
