package imaptest

import (
	"slices"

	"github.com/emersion/go-imap/v2"

	"mailferry/transfer/mail"
)

// view is a selected folder as its session's client knows it.
type view struct {
	folder   *folder
	readOnly bool

	msgs     []*message // by sequence number, from 1 on
	last     imap.UID   // greatest UID the client was told of
	expunges int        // of the folder, as far as the client was told
	changes  int        // of the folder, as far as the client was told
}

func (s *session) Select(name string, options *imap.SelectOptions) (*imap.SelectData, error) {
	a := s.account
	a.mu.Lock()
	defer a.mu.Unlock()
	f, err := s.folder(name)
	if err != nil {
		return nil, err
	}
	f.viewers++
	s.view = &view{
		folder: f, readOnly: options.ReadOnly,
		msgs: slices.Clone(f.msgs), last: f.next - 1,
		expunges: f.expunges, changes: len(f.changes),
	}
	return &imap.SelectData{
		Flags:          toFlags(f.shownFlags()),
		PermanentFlags: s.permanentFlags(options.ReadOnly),
		NumMessages:    uint32(len(f.msgs)),
		UIDNext:        f.next,
		UIDValidity:    f.validity,
	}, nil
}

func (s *session) permanentFlags(readOnly bool) []imap.Flag {
	if readOnly {
		return nil
	}
	flags := toFlags(mail.NewFlags(mail.Seen, mail.Answered, mail.Flagged, mail.Deleted, mail.Draft))
	if !s.server.opts.NoKeywords {
		flags = append(flags, imap.FlagWildcard)
	}
	return flags
}

func (s *session) Unselect() error {
	if s.view == nil {
		return nil
	}
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	s.view.folder.leave()
	s.view = nil
	return nil
}

// numbered is a message and its sequence number in a session.
type numbered struct {
	seq uint32
	*message
}

// pick returns the messages of a set in ascending order, also those that are
// gone. The view belongs to its session, so it takes no lock.
func (v *view) pick(set imap.NumSet) []numbered {
	var out []numbered
	add := func(from, to int) { // [from, to)
		for i := from; i < to; i++ {
			out = append(out, numbered{uint32(i + 1), v.msgs[i]})
		}
	}
	n := len(v.msgs)
	switch set := set.(type) {
	case imap.SeqSet:
		for _, r := range set {
			first, last := bounds(r.Start, r.Stop, uint32(n))
			add(int(first)-1, min(int(last), n))
		}
	case imap.UIDSet:
		greatest := uint32(0)
		if n > 0 {
			greatest = uint32(v.msgs[n-1].uid)
		}
		for _, r := range set {
			first, last := bounds(uint32(r.Start), uint32(r.Stop), greatest)
			from, _ := indexUID(v.msgs, imap.UID(first))
			to, found := indexUID(v.msgs, imap.UID(last))
			if found {
				to++
			}
			add(from, to)
		}
	}
	return distinct(out)
}

// bounds resolves "*", which is 0 in a range, to the greatest number in use.
// "9:*" means "4:9" where 4 is the greatest (RFC 9051 section 9, seq-range).
func bounds(first, last, greatest uint32) (uint32, uint32) {
	if first == 0 {
		first = greatest
	}
	if last == 0 {
		last = greatest
	}
	return max(min(first, last), 1), max(first, last)
}

// distinct drops messages that several ranges of a set named.
func distinct(msgs []numbered) []numbered {
	ascends := slices.IsSortedFunc(msgs, func(a, b numbered) int { return int(a.seq) - int(b.seq) })
	if !ascends {
		slices.SortFunc(msgs, func(a, b numbered) int { return int(a.seq) - int(b.seq) })
	}
	return slices.CompactFunc(msgs, func(a, b numbered) bool { return a.seq == b.seq })
}
