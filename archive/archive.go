package archive

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"mailferry/archive/catalogue"
	"mailferry/archive/disk"
	"mailferry/transfer/mail"
)

// The files of an archive's own directory.
const (
	ownDir        = ".mailferry"
	catalogueFile = "catalogue.db"
	copyFile      = "catalogue.copy"
	lockFile      = "lock"
)

// Archive is an open archive. It is a mail.Historian and a mail.Subscriber too; its
// Readers are mail.OriginIndex and mail.Withholder, its Writers mail.GoneMarker and mail.Returner. Writers
// remove nothing.
type Archive struct {
	root   string // absolute
	opts   Options
	fs     disk.FS
	closer func() error // of fs
	format format
	cat    *catalogue.DB
	view   catalogue.View
	lock   *lock  // nil when open for reading
	temp   string // a directory for a catalogue made while reading; empty: none

	making sync.Mutex // one folder at a time is made or subscribed to

	mu      sync.Mutex
	closed  bool
	run     int64 // what is written belongs to it
	begun   bool
	changed bool           // since the last run ended
	stale   bool           // the copy of the catalogue is older than the catalogue
	marked  map[int64]bool // folders that this run found missing
	writing map[mail.Path]bool
	torn    map[mail.Path]bool // a commit failed: files may be there that are not recorded
}

var (
	_ mail.Store       = (*Archive)(nil)
	_ mail.Subscriber  = (*Archive)(nil)
	_ mail.Historian   = (*Archive)(nil)
	_ mail.FolderMaker = (*Archive)(nil)
)

func newArchive(root string, opts Options) *Archive {
	return &Archive{root: root, opts: opts, marked: make(map[int64]bool),
		writing: make(map[mail.Path]bool), torn: make(map[mail.Path]bool)}
}

// own is the path of a file of the archive's own directory.
func (a *Archive) own(name string) string { return filepath.Join(a.root, ownDir, name) }

func (a *Archive) now() time.Time {
	if a.opts.Now != nil {
		return a.opts.Now()
	}
	return time.Now()
}

// String is the archive's address.
func (a *Archive) String() string { return string(a.format.name()) + ":" + a.root }

// Dir returns the archive's own directory, where a ledger may stand beside the catalogue.
func (a *Archive) Dir() string { return filepath.Join(a.root, ownDir) }

// Traits: every octet, UID and flag is kept.
func (a *Archive) Traits() mail.Traits {
	return mail.Traits{KeepsBytes: true, DurableUIDs: true, ModSeqs: true}
}

// Name is path itself: every name can be spelt.
func (a *Archive) Name(path mail.Path) mail.Path { return path }

// Close ends the use of the archive, keeps a copy of the catalogue if that has changed, and frees the lock. A run that was not
// ended stays so.
func (a *Archive) Close() error {
	a.mu.Lock()
	if a.closed {
		a.mu.Unlock()
		return nil
	}
	a.closed = true
	orderly := len(a.torn) == 0
	a.mu.Unlock()
	return fail("close the archive", mail.Path{}, mail.ScopeStore, a.shut(orderly))
}

// shut closes what is open. After an orderly end the next run need not look at every file.
func (a *Archive) shut(orderly bool) error {
	var errs []error
	if a.cat != nil {
		errs = append(errs, a.cat.Close())
	}
	if a.lock != nil {
		if orderly && errors.Join(errs...) == nil {
			errs = append(errs, a.seal())
		}
		errs = append(errs, a.lock.free())
	}
	if a.closer != nil {
		errs = append(errs, a.closer())
	}
	if a.temp != "" {
		errs = append(errs, os.RemoveAll(a.temp))
	}
	return errors.Join(errs...)
}

// usable is the start of every method.
func (a *Archive) usable(ctx context.Context, op string, path mail.Path) error {
	a.mu.Lock()
	closed := a.closed
	a.mu.Unlock()
	if closed {
		return fail(op, path, mail.ScopeStore, errClosed)
	}
	return fail(op, path, mail.ScopeStore, ctx.Err())
}

// writable is the start of every method that changes something.
func (a *Archive) writable(ctx context.Context, op string, path mail.Path) error {
	if err := a.usable(ctx, op, path); err != nil {
		return err
	}
	if a.lock == nil {
		return fail(op, path, mail.ScopeStore, errReadOnly)
	}
	return nil
}

// touch notes that the catalogue is about to change, and returns the run it belongs to.
func (a *Archive) touch() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.changed, a.stale = true, true
	return a.run
}
