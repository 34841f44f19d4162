package imaptest

import (
	"slices"

	"github.com/emersion/go-imap/v2"

	"mailferry/transfer/mail"
)

func (s *session) Create(name string, options *imap.CreateOptions) error {
	if name != "" {
		// A final delimiter says that the folder is to have children.
		name = trimSuffix(name, s.account.names.delimiter)
	}
	path, err := s.pathFor(name)
	if err != nil {
		return err
	}
	role, err := s.role(options.SpecialUse)
	if err != nil {
		return err
	}
	a := s.account
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.folders[path] != nil {
		return no(imap.ResponseCodeAlreadyExists, "the folder exists")
	}
	a.makeFolder(path, role)
	for p, ok := path.Parent(); ok && s.server.opts.RealParents; p, ok = p.Parent() {
		if a.folders[p] == nil {
			a.makeFolder(p, "")
		}
	}
	return nil
}

func (s *session) role(use []imap.MailboxAttr) (mail.Role, error) {
	switch {
	case len(use) == 0:
		return "", nil
	case !s.front.offers("CREATE-SPECIAL-USE"):
		return "", bad("CREATE-SPECIAL-USE is not offered")
	case len(use) > 1 || !slices.Contains(mail.Roles(), mail.Role(use[0])):
		return "", no("USEATTR", "a folder can have one of the known uses")
	}
	return mail.Role(use[0]), nil
}

func (s *session) Delete(name string) error {
	a := s.account
	a.mu.Lock()
	defer a.mu.Unlock()
	f, err := s.folder(name)
	switch {
	case err != nil:
		if path, ok := a.names.path(name); ok && a.hasChildren(path) {
			return no(imap.ResponseCodeHasChildren, "folders below it exist")
		}
		return err
	case f.path.IsInbox():
		return no(imap.ResponseCodeCannot, "the INBOX stays")
	}
	f.remove(func(*message) bool { return true })
	delete(a.folders, f.path)
	a.wake()
	return nil
}

func (s *session) Rename(name, newName string, _ *imap.RenameOptions) error {
	from, ok := s.account.names.path(name)
	if !ok {
		return errNoFolder()
	}
	to, err := s.pathFor(newName)
	if err != nil {
		return err
	}
	return s.account.tryRename(from, to)
}

func (s *session) Subscribe(name string) error {
	path, err := s.pathFor(name)
	if err != nil {
		return err
	}
	a := s.account
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.exists(path) {
		return errNoFolder()
	}
	a.subscribed[path] = true
	return nil
}

func (s *session) Unsubscribe(name string) error {
	path, err := s.pathFor(name)
	if err != nil {
		return err
	}
	s.account.Subscribe(path, false)
	return nil
}

func trimSuffix(name, delimiter string) string {
	if len(name) > len(delimiter) && name[len(name)-len(delimiter):] == delimiter {
		return name[:len(name)-len(delimiter)]
	}
	return name
}
