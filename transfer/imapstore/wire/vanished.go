package wire

import (
	"strings"

	"mailferry/transfer/mail"
)

// gone notes that messages of the selected folder are there no more.
func (b *mailbox) gone(n int) {
	b.expunged += n
	b.exists -= min(b.exists, clip32(uint64(n)))
}

// vanished takes in a VANISHED response (RFC 7162 section 3.2.10), which stands in the
// place of EXPUNGE once QRESYNC is enabled. done is false for one of the (EARLIER)
// kind: it tells of messages that were gone before the folder was opened.
func (b *mailbox) vanished(s *response) (done bool) {
	s.spaces()
	if s.peek() == '(' {
		return false
	}
	if set, err := mail.ParseUIDSet(strings.TrimSpace(string(s.rest()))); err == nil {
		b.gone(set.Len())
	}
	return true
}

// vanishedEarlier adds the UIDs of a VANISHED (EARLIER) response.
func (s *response) vanishedEarlier(found *mail.UIDSet) {
	s.words()
	s.spaces()
	if set, err := mail.ParseUIDSet(strings.TrimSpace(string(s.rest()))); err == nil {
		found.Union(set)
	}
}
