package imaptest

import (
	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"

	"mailferry/transfer/mail"
)

func (s *session) Store(w *imapserver.FetchWriter, set imap.NumSet, change *imap.StoreFlags, _ *imap.StoreOptions) error {
	if s.view.readOnly {
		return errReadOnly()
	}
	flags, err := s.acceptFlags(change.Flags)
	if err != nil {
		return err
	}
	_, byUID := set.(imap.UIDSet)
	for _, m := range s.change(set, change.Op, flags) {
		if change.Silent {
			break
		}
		r := w.CreateMessage(m.seq)
		if byUID {
			r.WriteUID(m.uid)
		}
		r.WriteFlags(toFlags(m.flags))
		if err := r.Close(); err != nil {
			return err
		}
	}
	return nil
}

// change gives the messages their flags and returns what they have then.
func (s *session) change(set imap.NumSet, op imap.StoreFlagsOp, flags mail.Flags) []flagNews {
	a, v := s.account, s.view
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []flagNews
	for _, m := range v.pick(set) {
		if m.gone {
			continue
		}
		v.folder.setFlags(m.message, combine(m.flags, op, flags), s)
		out = append(out, flagNews{m.seq, m.uid, m.flags})
	}
	a.wake()
	return out
}

func combine(have mail.Flags, op imap.StoreFlagsOp, flags mail.Flags) mail.Flags {
	switch op {
	case imap.StoreFlagsAdd:
		return have.Union(flags)
	case imap.StoreFlagsDel:
		return have.Minus(flags)
	}
	return flags
}
