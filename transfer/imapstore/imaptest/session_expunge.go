package imaptest

import (
	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"

	"mailferry/transfer/mail"
)

// Expunge removes what is marked \Deleted: of uids, or of all with nil.
func (s *session) Expunge(w *imapserver.ExpungeWriter, uids *imap.UIDSet) error {
	// CLOSE comes here too. It is silent, and in a folder opened by EXAMINE it
	// removes nothing (RFC 9051 section 6.4.1).
	closing := s.front.command.Name == "CLOSE"
	if s.view.readOnly {
		if closing {
			return nil
		}
		return errReadOnly()
	}
	s.expunge(uids)
	if closing {
		return nil
	}
	return s.tellExpunges(w.WriteExpunge)
}

func (s *session) expunge(uids *imap.UIDSet) {
	a := s.account
	a.mu.Lock()
	defer a.mu.Unlock()
	var chosen map[*message]bool
	if uids != nil {
		chosen = make(map[*message]bool)
		for _, m := range s.view.pick(*uids) {
			chosen[m.message] = true
		}
	}
	s.view.folder.remove(func(m *message) bool {
		return m.flags.Has(mail.Deleted) && (uids == nil || chosen[m])
	})
	a.wake()
}

func (s *session) tellExpunges(write func(uint32) error) error {
	v := s.view
	s.account.mu.Lock()
	gone := v.dropGone()
	v.expunges = v.folder.expunges
	s.account.mu.Unlock()
	for _, seq := range gone {
		if err := write(seq); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) Copy(set imap.NumSet, dest string) (*imap.CopyData, error) {
	data, _, err := s.copyTo(set, dest, false)
	if err != nil || !s.tellsUIDs() {
		return nil, err
	}
	return data, nil
}

// Move copies and removes with the lock held, so that no session sees a message
// twice or not at all (RFC 6851 section 3.3).
func (s *session) Move(w *imapserver.MoveWriter, set imap.NumSet, dest string) error {
	if s.view.readOnly {
		return errReadOnly()
	}
	data, moved, err := s.copyTo(set, dest, true)
	if err != nil || !moved {
		return err
	}
	if s.tellsUIDs() {
		if err := w.WriteCopyData(data); err != nil {
			return err
		}
	}
	return s.tellExpunges(w.WriteExpunge)
}

// copyTo reports whether there was anything to copy; without, data is nil.
func (s *session) copyTo(set imap.NumSet, dest string, move bool) (data *imap.CopyData, any bool, err error) {
	a := s.account
	a.mu.Lock()
	defer a.mu.Unlock()
	to, err := s.folder(dest)
	if err != nil {
		return nil, false, no(imap.ResponseCodeTryCreate, "there is no such folder")
	}
	data = &imap.CopyData{UIDValidity: to.validity}
	moved := make(map[*message]bool)
	for _, m := range s.view.pick(set) {
		if m.gone {
			continue
		}
		fresh := to.add(m.flags, m.date, m.raw)
		data.SourceUIDs.AddNum(m.uid)
		data.DestUIDs.AddNum(fresh.uid)
		moved[m.message] = true
	}
	if len(moved) == 0 {
		return nil, false, nil
	}
	if move {
		s.view.folder.remove(func(m *message) bool { return moved[m] })
	}
	a.wake()
	return data, true, nil
}
