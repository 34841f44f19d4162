package imaptest

import (
	"fmt"
	"io"
	"time"

	"github.com/emersion/go-imap/v2"

	"mailferry/transfer/mail"
)

func (s *session) Append(name string, r imap.LiteralReader, options *imap.AppendOptions) (*imap.AppendData, error) {
	flags, err := s.acceptFlags(options.Flags)
	if err != nil {
		return nil, err
	}
	if limit := s.server.opts.MaxSize; limit > 0 && r.Size() > limit {
		return nil, no(imap.ResponseCodeTooBig, fmt.Sprintf("messages are limited to %d octets", limit))
	}
	path, hook, err := s.target(name)
	if err != nil {
		return nil, err
	}
	raw := make([]byte, r.Size())
	if _, err := io.ReadFull(r, raw); err != nil {
		return nil, err
	}
	if raw, err = s.stored(hook, path, raw); err != nil {
		return nil, err
	}
	return s.store(path, flags, options.Time, raw)
}

// target finds the folder to append to before the message is read.
func (s *session) target(name string) (mail.Path, Hook, error) {
	if s.view != nil && s.view.readOnly && !s.server.opts.AllowWriting {
		return mail.Path{}, nil, errReadOnly()
	}
	a := s.account
	a.mu.Lock()
	defer a.mu.Unlock()
	f, err := s.folder(name)
	if err != nil {
		return mail.Path{}, nil, no(imap.ResponseCodeTryCreate, "there is no such folder")
	}
	return f.path, a.onAppend, nil
}

func (s *session) stored(hook Hook, path mail.Path, raw []byte) ([]byte, error) {
	if hook == nil {
		return raw, nil
	}
	// The hook may wait for something that the client does when it has got the
	// answers to earlier commands.
	if err := s.front.Flush(); err != nil {
		return nil, err
	}
	raw, err := hook(path, raw)
	if err != nil {
		return nil, refused(err)
	}
	return raw, nil
}

func (s *session) store(path mail.Path, flags mail.Flags, date time.Time, raw []byte) (*imap.AppendData, error) {
	if date.IsZero() {
		date = time.Now().Truncate(time.Second)
	}
	a := s.account
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.folders[path]
	if f == nil {
		return nil, no(imap.ResponseCodeTryCreate, "the folder went away")
	}
	m := f.add(flags, date, raw)
	a.wake()
	if !s.tellsUIDs() {
		return nil, nil
	}
	return &imap.AppendData{UID: m.uid, UIDValidity: f.validity}, nil
}

func (s *session) tellsUIDs() bool {
	return s.front.offers("UIDPLUS") && !s.server.opts.NoUIDs
}

// acceptFlags returns the flags to store, or why the command is not obeyed.
func (s *session) acceptFlags(flags []imap.Flag) (mail.Flags, error) {
	set := fromFlags(flags)
	if f := unknownSystemFlag(set); f != "" {
		return nil, bad("there is no system flag " + f)
	}
	if s.server.opts.NoKeywords {
		set = set.Filter(mail.IsSystem)
	}
	return set, nil
}
