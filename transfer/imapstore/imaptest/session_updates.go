package imaptest

import (
	"slices"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"

	"mailferry/transfer/mail"
)

// news is what a client must be told of its selected folder, in this order.
type news struct {
	expunged []uint32 // sequence numbers, descending
	exists   bool
	count    uint32
	flags    []flagNews
}

type flagNews struct {
	seq   uint32
	uid   imap.UID
	flags mail.Flags
}

// catchUp brings the view up to date and returns what the client must be told.
// The cost follows the changes, but for an expunge, which renumbers.
func (s *session) catchUp(allowExpunge bool) news {
	a, v := s.account, s.view
	a.mu.Lock()
	defer a.mu.Unlock()
	var out news
	f := v.folder
	if allowExpunge && v.expunges != f.expunges {
		out.expunged = v.dropGone()
		v.expunges = f.expunges
	}
	from, _ := indexUID(f.msgs, v.last+1)
	if fresh := f.msgs[from:]; len(fresh) > 0 {
		v.msgs = append(v.msgs, fresh...)
		v.last = fresh[len(fresh)-1].uid
		out.exists = true
	}
	out.count = uint32(len(v.msgs))
	for _, c := range f.changes[v.changes:] {
		if i, ok := indexUID(v.msgs, c.msg.uid); ok && c.by != s && !c.msg.gone {
			out.flags = append(out.flags, flagNews{uint32(i + 1), c.msg.uid, c.msg.flags})
		}
	}
	v.changes = len(f.changes)
	return out
}

// dropGone takes out the messages that are gone and returns the numbers they
// had, descending, so that each is right when the client hears of it.
func (v *view) dropGone() []uint32 {
	var out []uint32
	kept := v.msgs[:0]
	for i, m := range v.msgs {
		if m.gone {
			out = append(out, uint32(i+1))
		} else {
			kept = append(kept, m)
		}
	}
	clear(v.msgs[len(kept):])
	v.msgs = kept
	slices.Reverse(out)
	return out
}

func (s *session) Poll(w *imapserver.UpdateWriter, allowExpunge bool) error {
	if s.view == nil {
		return nil
	}
	n := s.catchUp(allowExpunge)
	for _, seq := range n.expunged {
		if err := w.WriteExpunge(seq); err != nil {
			return err
		}
	}
	if n.exists {
		if err := w.WriteNumMessages(n.count); err != nil {
			return err
		}
	}
	for _, m := range n.flags {
		if err := w.WriteMessageFlags(m.seq, m.uid, toFlags(m.flags)); err != nil {
			return err
		}
	}
	return nil
}

// Idle may still run, or not have begun, when imapserver closes the session of a
// client that went away; Close waits for it.
func (s *session) Idle(w *imapserver.UpdateWriter, stop <-chan struct{}) error {
	s.idle.Lock()
	defer s.idle.Unlock()
	for !s.closed {
		if err := s.Poll(w, true); err != nil {
			return err
		}
		select {
		case <-stop:
			return nil
		case <-s.changed:
		}
	}
	return nil
}
