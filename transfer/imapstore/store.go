package imapstore

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"mailferry/transfer/imapstore/wire"
	"mailferry/transfer/mail"
)

// Store is an IMAP account. It connects on first use.
type Store struct {
	opts     Options
	address  string // see String
	pool     *pool
	lanes    *lanes
	queue    queue
	slices   sliceBounds
	alone    atomic.Bool // a connection that helped to read came to grief: no more of that
	readOnly bool        // nothing will be created

	mu         sync.Mutex
	missed     error                     // what Connect met and nobody has been told
	server     *server                   // nil until the first connection
	names      *names                    // nil until the folders were listed
	empty      map[mail.Path]mail.Status // folders that were listed behind a creation and not opened since
	emptySince time.Time
}

var (
	_ mail.Store       = (*Store)(nil)
	_ mail.Subscriber  = (*Store)(nil)
	_ mail.FolderMaker = (*Store)(nil)
	_ mail.Describer   = (*Store)(nil)
)

// New returns the account that opts describes. It does not connect.
func New(opts Options) *Store {
	if opts.Connections <= 0 {
		opts.Connections = defaultConnections
	}
	opts.Trace = wire.SyncWriter(opts.Trace)
	pool := newPool(opts)
	return &Store{opts: opts, address: opts.address(), pool: pool, lanes: &lanes{pool: pool}, slices: usualSlices}
}

// Source is an account that can only be read: it has no method that could
// change anything, nor do its handles.
type Source struct{ store *Store }

var (
	_ mail.Source    = (*Source)(nil)
	_ mail.Describer = (*Source)(nil)
)

// NewSource returns the account that opts describes, for reading only. It does not
// connect.
func NewSource(opts Options) *Source {
	store := New(opts)
	store.readOnly = true
	return &Source{store}
}

func (s *Source) Folders(ctx context.Context) ([]mail.Folder, error) { return s.store.Folders(ctx) }
func (s *Source) OpenReader(ctx context.Context, path mail.Path) (mail.Reader, error) {
	return s.store.OpenReader(ctx, path)
}
func (s *Source) Traits() mail.Traits                               { return s.store.Traits() }
func (s *Source) Close() error                                      { return s.store.Close() }
func (s *Source) String() string                                    { return s.store.String() }
func (s *Source) Describe(ctx context.Context) ([]mail.Fact, error) { return s.store.Describe(ctx) }

// String is the account's address without secrets.
func (s *Store) String() string { return s.address }

// Close logs out. Handles that are still open end their own connections.
func (s *Store) Close() error {
	s.pool.close()
	return nil
}

// arrive takes a connection from the pool and learns from the first one what the
// server is. With listing it lists the folders then, too: found is not nil if they
// were listed on this occasion, which costs no round trip of its own.
func (s *Store) arrive(ctx context.Context, listing bool) (conn *wire.Conn, found *roll, err error) {
	if err := s.tellMissed(); err != nil {
		return nil, nil, err
	}
	if conn, err = s.pool.acquire(ctx); err != nil {
		return nil, nil, err
	}
	if s.known() != nil {
		return conn, nil, nil
	}
	if found, err = s.meet(ctx, conn, listing); err != nil {
		s.pool.release(conn)
		return nil, nil, err
	}
	return conn, found, nil
}

// Connect implements mail.Connector: it logs in.
func (s *Store) Connect(ctx context.Context) {
	conn, err := s.pool.acquire(ctx)
	if err == nil {
		s.pool.release(conn)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.missed = err
}

// Connect is the Store's.
func (s *Source) Connect(ctx context.Context) { s.store.Connect(ctx) }

func (s *Store) tellMissed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.missed
	s.missed = nil
	return err
}

// meet asks what there is to know before the first folder.
func (s *Store) meet(ctx context.Context, conn *wire.Conn, listing bool) (*roll, error) {
	errand := wire.Errand{Folders: listing}
	if !s.readOnly {
		errand.Names = probes("")
	}
	survey, err := conn.Survey(ctx, errand)
	if err != nil {
		return nil, err
	}
	srv := newServer(conn, survey.Namespaces)
	if !s.readOnly && srv.prefix != "" { // names outside of it say nothing of those below
		below, err := conn.Survey(ctx, wire.Errand{Names: probes(srv.prefix)})
		if err != nil {
			return nil, err
		}
		survey.Refused = below.Refused
	}
	srv.letters = alphabetOf(srv, survey.Refused)
	s.mu.Lock()
	if s.server == nil {
		s.server = srv
	}
	s.mu.Unlock()
	if !listing {
		return nil, nil
	}
	return s.learn(survey.Mailboxes), nil
}

func (s *Store) known() *server {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.server
}

// spelled runs f on a connection of its own, with the spelling of names.
func (s *Store) spelled(ctx context.Context, f func(*wire.Conn, *names) error) error {
	conn, _, err := s.arrive(ctx, true)
	if err != nil {
		return err
	}
	defer s.pool.release(conn)
	names, err := s.spelling(ctx, conn)
	if err != nil {
		return err
	}
	return f(conn, names)
}

// Traits connects if nobody has before: they are the server's. They are
// the most cautious ones as long as it cannot be reached.
func (s *Store) Traits() mail.Traits {
	var traits mail.Traits
	srv := s.known()
	if srv == nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if conn, _, err := s.arrive(ctx, false); err == nil {
			s.pool.release(conn)
			srv = s.known()
		}
	}
	if srv != nil {
		traits = srv.traits
	}
	traits.DurableUIDs, traits.Connections = true, s.opts.Connections
	return traits
}

// Name replaces what the server cannot spell in a component by "_".
func (s *Store) Name(path mail.Path) mail.Path {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.names != nil {
		if _, exists := s.names.rawOf(path); exists {
			return path
		}
	}
	return s.server.spell(path)
}

// at says in an error which folder it concerns.
func at(err error, path mail.Path) error {
	var e *mail.Error
	if !errors.As(err, &e) || !e.Folder.IsZero() {
		return err
	}
	located := *e
	located.Folder = path
	return &located
}
