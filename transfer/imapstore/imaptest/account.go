package imaptest

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"mailferry/transfer/mail"
)

// Account is a user's mail on a Server. Its methods work on the storage, without
// IMAP; sessions learn of the changes as of those by another session. They may
// be called from several goroutines, and before and after the Server runs.
type Account struct {
	server *Server
	user   string
	names  names

	mu         sync.Mutex // never held while a client is written to or a hook runs
	password   string
	folders    map[mail.Path]*folder
	subscribed map[mail.Path]bool
	sessions   map[*session]struct{}
	onAppend   Hook
}

func newAccount(s *Server, user, password string) *Account {
	return &Account{
		server: s, user: user, password: password,
		names:      names{delimiter: string(s.opts.Delimiter), prefix: s.opts.Prefix},
		folders:    make(map[mail.Path]*folder),
		subscribed: make(map[mail.Path]bool),
		sessions:   make(map[*session]struct{}),
	}
}

func (a *Account) setPassword(password string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.password = password
}

// Folder is one folder as Folders lists it.
type Folder struct {
	Path        mail.Path
	Name        string // as a client sees it, in UTF-8
	Role        mail.Role
	Subscribed  bool
	UIDValidity uint32
	UIDNext     mail.UID
	Messages    int
}

// Folders lists the folders that exist, in the order of their paths. Parents
// that only have children are not among them.
func (a *Account) Folders() []Folder {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make([]Folder, 0, len(a.folders))
	for p, f := range a.folders {
		out = append(out, Folder{
			Path: p, Name: a.names.name(p), Role: f.role, Subscribed: a.subscribed[p],
			UIDValidity: f.validity, UIDNext: mail.UID(f.next), Messages: len(f.msgs),
		})
	}
	slices.SortFunc(out, func(x, y Folder) int { return x.Path.Compare(y.Path) })
	return out
}

// Subscriptions lists what is subscribed to, whether it exists or not.
func (a *Account) Subscriptions() []mail.Path {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []mail.Path
	for p := range a.subscribed {
		out = append(out, p)
	}
	slices.SortFunc(out, mail.Path.Compare)
	return out
}

// Create makes a folder, or sets role and subscription of one that exists. It
// fails for a name that holds the delimiter.
func (a *Account) Create(path mail.Path, role mail.Role, subscribed bool) error {
	if err := a.names.check(path); err != nil {
		return fmt.Errorf("create: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.folders[path]
	if f == nil {
		f = a.makeFolder(path, role)
	}
	f.role = role
	if subscribed {
		a.subscribed[path] = true
	} else {
		delete(a.subscribed, path)
	}
	return nil
}

func (a *Account) makeFolder(path mail.Path, role mail.Role) *folder {
	f := &folder{path: path, role: role, validity: a.server.nextValidity(), next: 1}
	a.folders[path] = f
	return f
}

// Append stores a message as it is, without the hook, and returns its UID. A
// zero date is the present.
func (a *Account) Append(path mail.Path, flags mail.Flags, date time.Time, raw []byte) (mail.UID, error) {
	if date.IsZero() {
		date = time.Now()
	}
	raw = slices.Clone(raw)
	var uid mail.UID
	err := a.on("append", path, func(f *folder) {
		uid = mail.UID(f.add(flags, date.Truncate(time.Second), raw).uid)
	})
	return uid, err
}

// Messages lists a folder in the order of UIDs; nil if there is no such folder.
func (a *Account) Messages(path mail.Path) []Message {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.folders[path]
	if f == nil {
		return nil
	}
	out := make([]Message, len(f.msgs))
	for i, m := range f.msgs {
		out[i] = m.export()
	}
	return out
}

// on runs fn on a folder with the lock held and wakes the sessions that idle.
func (a *Account) on(op string, path mail.Path, fn func(*folder)) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.folders[path]
	if f == nil {
		return fmt.Errorf("%s: %s has no folder %q", op, a.user, path)
	}
	fn(f)
	a.wake()
	return nil
}

// wake is called with the lock held, after a change.
func (a *Account) wake() {
	for s := range a.sessions {
		select {
		case s.changed <- struct{}{}:
		default:
		}
	}
}
