package imaptest

import (
	"sync"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"

	"mailferry/transfer/mail"
)

// session is what imapserver asks. Its methods run one at a time, but for Idle,
// which runs while nothing else does.
type session struct {
	server  *Server
	front   *front
	account *Account // nil before the login
	view    *view    // nil unless a folder is selected

	changed chan struct{} // something in the account changed

	idle   sync.Mutex // held while Idle runs
	closed bool
}

var (
	_ imapserver.SessionNamespace   = (*session)(nil)
	_ imapserver.SessionMove        = (*session)(nil)
	_ imapserver.SessionAppendLimit = (*session)(nil)
)

func (s *Server) newSession(c *imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
	return &session{
		server:  s,
		front:   c.NetConn().(*front),
		changed: make(chan struct{}, 1),
	}, nil, nil
}

// Close is called once, when the connection is over.
func (s *session) Close() error {
	s.idle.Lock()
	s.closed = true
	s.idle.Unlock()
	s.Unselect()
	if s.account != nil {
		s.account.mu.Lock()
		delete(s.account.sessions, s)
		s.account.mu.Unlock()
	}
	s.server.dismiss(s.front)
	return nil
}

func (s *session) Login(username, password string) error {
	a := s.server.account(username)
	if a == nil || !a.admit(s, password) {
		return imapserver.ErrAuthFailed
	}
	s.account = a
	s.front.loggedIn = true
	return nil
}

func (a *Account) admit(s *session, password string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.password != password {
		return false
	}
	a.sessions[s] = struct{}{}
	return true
}

// AppendLimit lets imapserver answer a literal that is too large with NO in
// place of "+". Every other literal is on its way already: it must be taken to
// its end before it can be refused, which imapserver does not do.
func (s *session) AppendLimit() uint32 {
	const unlimited = 1<<32 - 1
	if limit := s.server.opts.MaxSize; limit > 0 && limit < unlimited && s.front.awaiting {
		return uint32(limit)
	}
	return unlimited
}

func (s *session) Namespace() (*imap.NamespaceData, error) {
	return &imap.NamespaceData{Personal: []imap.NamespaceDescriptor{{
		Prefix: s.account.names.prefix,
		Delim:  s.server.opts.Delimiter,
	}}}, nil
}

// folder finds a folder by a client's name. It is called with the account's lock
// held.
func (s *session) folder(name string) (*folder, error) {
	path, ok := s.account.names.path(name)
	if f := s.account.folders[path]; ok && f != nil {
		return f, nil
	}
	return nil, errNoFolder()
}

// pathFor reads the name of a folder that is to be.
func (s *session) pathFor(name string) (mail.Path, error) {
	path, ok := s.account.names.path(name)
	if !ok {
		return mail.Path{}, no(imap.ResponseCodeCannot, "no folder can have that name here")
	}
	return path, nil
}
