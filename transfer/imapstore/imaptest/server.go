package imaptest

import (
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"

	"mailferry/transfer/mail"
)

// Server is an IMAP server on loopback with mail in memory.
type Server struct {
	opts Options
	imap *imapserver.Server
	log  transcript
	wait sync.WaitGroup // listeners, connections, and sessions that idle

	validity atomic.Uint32 // of the folder made last

	mu       sync.Mutex
	accounts map[string]*Account
	fronts   map[*front]struct{}
	cert     *tls.Certificate
	ca       []byte
	closed   bool
}

// New makes a server that listens nowhere yet.
func New(opts Options) *Server {
	opts.fill()
	s := &Server{
		opts:     opts,
		accounts: make(map[string]*Account),
		fronts:   make(map[*front]struct{}),
		cert:     opts.Certificate,
	}
	if opts.UIDValidity == 0 {
		opts.UIDValidity = 1<<24 + rand.Uint32N(1<<28)
	}
	s.validity.Store(opts.UIDValidity - 1)
	s.imap = imapserver.New(&imapserver.Options{
		NewSession:   s.newSession,
		Caps:         capabilities(),
		Logger:       logger(opts.Logf),
		InsecureAuth: true, // the front guards the login where TLS is required
	})
	return s
}

// capabilities are all that the sessions can do. What is hidden is taken out by
// the front, because imapserver offers some without being asked.
func capabilities() imap.CapSet {
	set := make(imap.CapSet)
	for _, c := range []imap.Cap{
		imap.CapIMAP4rev1, imap.CapNamespace, imap.CapUIDPlus, imap.CapESearch, imap.CapListExtended,
		imap.CapListStatus, imap.CapMove, imap.CapStatusSize, imap.CapChildren, imap.CapSpecialUse,
		imap.CapCreateSpecialUse, imap.CapLiteralPlus,
	} {
		set[c] = struct{}{}
	}
	return set
}

type logger func(format string, args ...any)

func (l logger) Printf(format string, args ...any) { l(format, args...) }

// AddUser makes an account with an empty INBOX, or returns the one of that name
// with its password changed.
func (s *Server) AddUser(user, password string) *Account {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.accounts[user]; a != nil {
		a.setPassword(password)
		return a
	}
	a := newAccount(s, user, password)
	s.accounts[user] = a
	a.makeFolder(mail.NewPath("INBOX"), "")
	return a
}

func (s *Server) account(user string) *Account {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accounts[user]
}

// nextValidity is distinct and growing over all accounts, so that a client that
// takes one folder or account for another is found out.
func (s *Server) nextValidity() uint32 { return s.validity.Add(1) }

// Start listens on a free port of 127.0.0.1 and returns its address. It may be
// called again for another port.
func (s *Server) Start() (addr string, err error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	if s.opts.Security != Plain {
		if err := s.ensureCertificate(); err != nil {
			ln.Close()
			return "", err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		ln.Close()
		return "", net.ErrClosed
	}
	s.wait.Add(1)
	go func() {
		defer s.wait.Done()
		if err := s.imap.Serve(&listener{Listener: ln, server: s}); err != nil {
			s.opts.Logf("serve: %v", err)
			ln.Close()
		}
	}()
	return ln.Addr().String(), nil
}

// CA returns the PEM text of the certificate that the server shows, which is
// its own authority.
func (s *Server) CA() ([]byte, error) {
	if err := s.ensureCertificate(); err != nil {
		return nil, err
	}
	return s.ca, nil
}

func (s *Server) ensureCertificate() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ca != nil:
	case s.cert != nil:
		if len(s.cert.Certificate) == 0 {
			return errors.New("the certificate is empty")
		}
		s.ca = certificatePEM(s.cert.Certificate[len(s.cert.Certificate)-1])
	default:
		cert, ca, err := SelfSigned(time.Now().Add(24*time.Hour), "127.0.0.1", "::1", "localhost")
		if err != nil {
			return err
		}
		s.cert, s.ca = &cert, ca
	}
	return nil
}

func (s *Server) tlsConfig() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{*s.cert}, MinVersion: tls.VersionTLS12}
}

// Drop ends every open connection, as a crash of the server would. The accounts
// and the listeners stay.
func (s *Server) Drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for f := range s.fronts {
		f.abort()
	}
}

// Close ends the listeners and every connection and waits for all goroutines.
// The accounts stay readable. Calling it twice is allowed.
func (s *Server) Close() error {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	s.mu.Unlock()
	var err error
	if first {
		s.Drop()
		err = s.imap.Close()
	}
	s.wait.Wait()
	return err
}
