package mailtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"mailferry/transfer/mail"
)

// Memory is an account in memory. Its methods may be called from several
// goroutines at once, also while handles are in use: that is another client
// at work. What is in it outlives Close.
type Memory struct {
	opts Options

	mu       sync.Mutex
	closed   bool
	folders  map[mail.Path]*folder
	validity uint32 // the last UIDVALIDITY given out
	opened   int    // handles ever opened
	open     map[*handle]bool
	fewer    *sync.Cond // of them
}

var (
	_ mail.Store       = (*Memory)(nil)
	_ mail.Subscriber  = (*Memory)(nil)
	_ mail.AppendStore = (*Memory)(nil)
	_ mail.AheadSource = (*Memory)(nil)
)

// New returns an account that holds an empty INBOX.
func New(opts Options) *Memory {
	if opts.Name == "" {
		opts.Name = "memory:"
	}
	m := &Memory{
		opts:     opts,
		folders:  make(map[mail.Path]*folder),
		validity: 1000,
		open:     make(map[*handle]bool),
	}
	m.fewer = sync.NewCond(&m.mu)
	m.ensure(mail.NewPath("INBOX"))
	if c, ok := opts.Reporter.(interface{ Cleanup(func()) }); ok {
		c.Cleanup(func() { m.Close() })
	}
	return m
}

// Traits follow from the Options.
func (m *Memory) Traits() mail.Traits { return m.opts.traits() }

func (m *Memory) String() string { return m.opts.Name }

// Close reports handles that are still open. It may be called twice.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil
	}
	m.closed = true
	for h := range m.open {
		m.broken("store closed while a handle on %q is open", h.path)
	}
	return nil
}

// broken reports a breach of contract by the caller.
func (m *Memory) broken(format string, args ...any) error {
	return broken(m.opts.Reporter, m.opts.Name+" "+fmt.Sprintf(format, args...))
}

// usable is the start of every method of the store. The caller holds mu.
func (m *Memory) usable(ctx context.Context, op string) error {
	if m.closed {
		return m.broken("%s after Close", op)
	}
	return cancelled(ctx, op, mail.Path{})
}

func cancelled(ctx context.Context, op string, path mail.Path) error {
	err := ctx.Err()
	if err == nil {
		return nil
	}
	return &mail.Error{Op: op, Folder: path, Scope: mail.ScopeStore, Retry: mail.RetryNever, Err: err}
}

func (m *Memory) Folders(ctx context.Context) ([]mail.Folder, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx, "list folders"); err != nil {
		return nil, err
	}
	var list []mail.Folder
	for _, f := range m.sorted() {
		f.arrive()
		list = append(list, m.describe(f))
	}
	return list, nil
}

func (m *Memory) sorted() []*folder {
	list := make([]*folder, 0, len(m.folders))
	for _, f := range m.folders {
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b *folder) int { return a.Path.Compare(b.Path) })
	return list
}

func (m *Memory) describe(f *folder) mail.Folder {
	out := f.Folder
	out.RawName = out.Path.String()
	if !out.NoSelect && !out.Missing && !m.opts.NoListStatus {
		st := m.status(f)
		st.Permanent, st.AnyKeyword = nil, false
		out.Status = &st
	}
	return out
}

// Name puts "_" in the place of the separator.
func (m *Memory) Name(path mail.Path) mail.Path {
	if m.opts.Separator == "" {
		return path
	}
	parts := path.Components()
	for i, c := range parts {
		parts[i] = strings.ReplaceAll(c, m.opts.Separator, "_")
	}
	return mail.NewPath(parts...)
}

func (m *Memory) Create(ctx context.Context, want mail.Folder) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx, "create"); err != nil {
		return err
	}
	if want.Path.IsZero() || m.Name(want.Path) != want.Path {
		return &mail.Error{Op: "create", Folder: want.Path, Scope: mail.ScopeFolder, Retry: mail.RetryNever,
			Kind: mail.KindRefused, Err: errors.New("no name for a folder")}
	}
	for p, ok := want.Path.Parent(); ok; p, ok = p.Parent() {
		if m.folders[p] == nil {
			m.ensure(p).NoSelect = m.opts.FlatParents
		}
	}
	f := m.folders[want.Path]
	if f != nil && !f.NoSelect && !f.Missing {
		return nil
	}
	f = m.ensure(want.Path)
	f.NoSelect, f.Missing = false, false
	if want.Role != "" && !f.Path.IsInbox() && !m.roleTaken(want.Role) {
		f.Role = want.Role
	}
	return nil
}

// roleTaken: a server refuses a second folder of one role (RFC 6154 section 3).
func (m *Memory) roleTaken(role mail.Role) bool {
	for _, f := range m.folders {
		if f.Role == role {
			return true
		}
	}
	return false
}

func (m *Memory) SetSubscribed(ctx context.Context, path mail.Path, subscribed bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx, "subscribe"); err != nil {
		return err
	}
	f := m.folders[path]
	if f == nil {
		return notFound("subscribe", path)
	}
	f.Subscribed = subscribed
	return nil
}

func notFound(op string, path mail.Path) error {
	return &mail.Error{Op: op, Folder: path, Scope: mail.ScopeFolder, Retry: mail.RetryNever,
		Kind: mail.KindNotFound, Err: errors.New("no such folder")}
}
