package imaptest

import "github.com/emersion/go-imap/v2"

func (s *session) Status(name string, options *imap.StatusOptions) (*imap.StatusData, error) {
	if err := s.checkStatusOptions(options); err != nil {
		return nil, err
	}
	a := s.account
	a.mu.Lock()
	defer a.mu.Unlock()
	f, err := s.folder(name)
	if err != nil {
		return nil, err
	}
	return f.status(a.names.name(f.path)), nil
}

func (s *session) checkStatusOptions(o *imap.StatusOptions) error {
	switch {
	case o.Size && !s.front.offers("STATUS=SIZE"):
		return bad("STATUS=SIZE is not offered")
	case o.AppendLimit, o.DeletedStorage:
		return bad("unknown STATUS item")
	}
	return nil
}

func (f *folder) status(name string) *imap.StatusData {
	messages, unseen, deleted := uint32(len(f.msgs)), f.unseen, f.deleted
	size, recent := f.size, uint32(0)
	return &imap.StatusData{
		Mailbox:     name,
		NumMessages: &messages,
		NumRecent:   &recent,
		UIDNext:     f.next,
		UIDValidity: f.validity,
		NumUnseen:   &unseen,
		NumDeleted:  &deleted,
		Size:        &size,
	}
}
