package imaptest

import (
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"

	"mailferry/transfer/mail"
)

// folder is guarded by its account's lock.
type folder struct {
	path     mail.Path
	role     mail.Role
	validity uint32
	next     imap.UID
	msgs     []*message // ascending, without those gone
	unseen   uint32
	deleted  uint32
	size     int64
	keywords mail.Flags // every keyword ever stored here

	// What sessions that have the folder selected must hear of. Each session
	// remembers how far it has read, so that a change costs the same however
	// many messages there are.
	viewers  int
	expunges int      // number of messages gone so far
	changes  []change // of flags, since the folder was last selected by nobody
}

type change struct {
	msg *message
	by  *session // knows already; nil: nobody does
}

func (f *folder) add(flags mail.Flags, date time.Time, raw []byte) *message {
	m := &message{uid: f.next, raw: raw, date: date, flags: flags}
	f.next++
	f.msgs = append(f.msgs, m)
	f.count(m, 1)
	f.learn(flags)
	return m
}

// count takes a message into the sums (n = 1) or out of them (n = -1).
func (f *folder) count(m *message, n int) {
	f.size += int64(n * len(m.raw))
	if !m.flags.Has(mail.Seen) {
		f.unseen += uint32(n)
	}
	if m.flags.Has(mail.Deleted) {
		f.deleted += uint32(n)
	}
}

func (f *folder) learn(flags mail.Flags) {
	for _, k := range flags {
		if !mail.IsSystem(k) && !f.keywords.Has(k) {
			f.keywords = f.keywords.Union(mail.NewFlags(k))
		}
	}
}

// setFlags reports whether anything changed.
func (f *folder) setFlags(m *message, flags mail.Flags, by *session) bool {
	if m.flags.Equal(flags) {
		return false
	}
	f.count(m, -1)
	m.flags = flags
	f.count(m, 1)
	f.learn(flags)
	if f.viewers > 0 {
		f.changes = append(f.changes, change{m, by})
	}
	return true
}

// remove takes the messages out for which out is true.
func (f *folder) remove(out func(*message) bool) {
	f.msgs = slices.DeleteFunc(f.msgs, func(m *message) bool {
		if !out(m) {
			return false
		}
		f.count(m, -1)
		m.gone = true
		f.expunges++
		return true
	})
}

func (f *folder) leave() {
	if f.viewers--; f.viewers == 0 {
		f.changes = nil
	}
}

// shownFlags are the flags of the FLAGS response (RFC 9051 section 7.3.5).
func (f *folder) shownFlags() mail.Flags {
	return mail.NewFlags(mail.Seen, mail.Answered, mail.Flagged, mail.Deleted, mail.Draft).Union(f.keywords)
}

// unknownSystemFlag returns a flag that begins with a backslash and is none
// that a message can have, or "".
func unknownSystemFlag(flags mail.Flags) string {
	known := mail.NewFlags(mail.Seen, mail.Answered, mail.Flagged, mail.Deleted, mail.Draft)
	for _, f := range flags {
		if strings.HasPrefix(f, `\`) && !known.Has(f) {
			return f
		}
	}
	return ""
}
