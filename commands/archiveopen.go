package commands

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"mailferry/archive"
	"mailferry/transfer"
	"mailferry/transfer/mail"
)

// archiveToRead opens an archive that is there. It takes no lock and changes nothing.
func (w *world) archiveToRead(ctx context.Context, t *target, opts archive.Options) (*archive.Archive, error) {
	a, err := archive.Open(ctx, t.address.path, w.viewOf(opts))
	if err != nil {
		return nil, archiveFailure(t.end, notOurs(t.address.path, err))
	}
	return asWritten(ctx, t.address, a)
}

// notOurs says of a directory that is refused, and has nothing of an archive's own in it, that it is none:
// whoever named the directory above their archives must not be told to mend it.
func notOurs(path string, err error) error {
	var known *mail.Error
	if !errors.As(err, &known) || known.Kind != mail.KindRefused || errors.Is(err, archive.ErrNotArchive) {
		return err
	}
	if _, serr := os.Stat(filepath.Join(path, ".mailferry")); !errors.Is(serr, fs.ErrNotExist) {
		return err
	}
	return usage(fmt.Sprintf("%q: %v: there is no .mailferry in it", path, archive.ErrNotArchive),
		fmt.Sprintf("name a directory that backup has made; if it is one that has lost its .mailferry, this is in the way: %v", known.Err))
}

// viewOf is the part of opts that concerns reading.
func (w *world) viewOf(opts archive.Options) archive.Options {
	return archive.Options{AsOf: opts.AsOf, WithGone: opts.WithGone, WithDamaged: opts.WithDamaged, Note: w.noteOr(opts.Note)}
}

// archiveToWrite opens an archive with its lock, and makes it if there is none.
func (w *world) archiveToWrite(ctx context.Context, t *target, opts archive.Options) (*archive.Archive, error) {
	own := archive.Options{Write: true, Format: t.address.format, NewSource: opts.NewSource, AcceptLoss: opts.AcceptLoss, Note: w.noteOr(opts.Note)}
	a, err := archive.Open(ctx, t.address.path, own)
	if isNone(err) {
		a, err = archive.Create(ctx, t.address.path, own)
	}
	if err != nil {
		return nil, archiveFailure(t.end, err)
	}
	return asWritten(ctx, t.address, a)
}

// archiveToPlan opens the destination of a dry run, which must not even be made.
func (w *world) archiveToPlan(ctx context.Context, t *target) (mail.Store, error) {
	a, err := archive.Open(ctx, t.address.path, archive.Options{Note: w.noteOr(nil)})
	switch {
	case isNone(err) && isVacant(t.address.path):
		return vacant{t.address}, nil
	case errors.Is(err, archive.ErrNotArchive):
		return nil, usage(err.Error(), "name a directory that is new or empty")
	case err != nil:
		return nil, archiveFailure(t.end, err)
	}
	return asWritten(ctx, t.address, a)
}

func (w *world) noteOr(note func(string)) func(string) {
	if note != nil {
		return note
	}
	return func(text string) { w.warn("%s", text) }
}

// isNone reports whether err, of opening an archive, means that there is none.
func isNone(err error) bool {
	var known *mail.Error
	return errors.Is(err, archive.ErrNotArchive) || errors.As(err, &known) && known.Kind == mail.KindNotFound
}

// isVacant reports whether an archive may be made at path.
func isVacant(path string) bool {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return true
	}
	entries, err := os.ReadDir(path)
	return err == nil && len(entries) == 0
}

// asWritten refuses an archive of another format than the address says.
func asWritten(ctx context.Context, at address, a *archive.Archive) (*archive.Archive, error) {
	if at.format == "" || strings.HasPrefix(a.String(), string(at.format)+":") {
		return a, nil
	}
	hint := "it is " + a.String()
	if runs, err := a.Runs(ctx); err == nil && len(runs) == 0 {
		hint += "; no run has filled it yet, so if it holds no mail, remove the directory and start again"
	}
	_ = a.Close()
	return nil, usage(fmt.Sprintf("the archive %q is not of the format %s", at.path, at.format), hint)
}

// archiveFailure is what opening an archive came to. A path that cannot be used is a mistake
// in the command line.
func archiveFailure(end transfer.End, err error) error {
	var known *mail.Error
	var told *usageError
	switch {
	case errors.As(err, &told):
		return err
	case !errors.As(err, &known):
		return &transfer.EndError{End: end, Err: err}
	case known.Kind == mail.KindNotFound && known.Hint == "":
		return usage(err.Error(), "check the path; mailferry backup SOURCE maildir:PATH makes an archive")
	case known.Kind == mail.KindNotFound, known.Kind == mail.KindRefused, errors.Is(err, archive.ErrNotArchive),
		errors.Is(err, syscall.ENOTDIR):
		return usage(err.Error(), known.Hint)
	}
	return &transfer.EndError{End: end, Err: err}
}

// vacant is the archive that a run would make.
type vacant struct{ at address }

var errVacant = &mail.Error{Op: "open", Scope: mail.ScopeFolder, Retry: mail.RetryNever, Kind: mail.KindNotFound,
	Err: errors.New("the archive is not made yet")}

func (v vacant) Folders(context.Context) ([]mail.Folder, error)             { return nil, nil }
func (v vacant) OpenReader(context.Context, mail.Path) (mail.Reader, error) { return nil, errVacant }
func (v vacant) OpenWriter(context.Context, mail.Path) (mail.Writer, error) { return nil, errVacant }
func (v vacant) Create(context.Context, mail.Folder) error                  { return errVacant }
func (v vacant) Name(path mail.Path) mail.Path                              { return path }
func (v vacant) Traits() mail.Traits                                        { return mail.Traits{KeepsBytes: true, DurableUIDs: true} }
func (v vacant) Close() error                                               { return nil }
func (v vacant) String() string                                             { return v.at.String() }
