package other

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"mailferry/transfer/mail"
)

// Kind is what a path is to be read as.
type Kind string

const (
	Any     Kind = "" // whatever is there
	Maildir Kind = "maildir"
	MBox    Kind = "mbox"
)

// Options are those of Open.
type Options struct {
	Kind  Kind
	Spool string       // for what is compressed; empty: the system's directory
	Note  func(string) // hears of files that are passed over; may be nil
}

// Source is a Maildir, an mbox or a tree of them. The zero value is of no use.
type Source struct {
	kind    Kind
	path    string
	spool   string
	note    func(string)
	folders []folder // in the order of their paths
	indexes indexes
}

// folder is one folder that was found.
type folder struct {
	path       mail.Path
	at         string // directory or file
	subscribed bool
}

var _ mail.Source = (*Source)(nil)

// Open looks for folders at path. Its error is a *mail.Error: of KindNotFound if nothing is
// there, of KindRefused, with what was found, if it is nothing this package reads. The caller
// closes the Source.
func Open(ctx context.Context, path string, opts Options) (*Source, error) {
	whole, err := filepath.Abs(path)
	if err != nil {
		return nil, failure(path, err)
	}
	s := &Source{kind: opts.Kind, path: whole, spool: opts.Spool}
	if s.note = opts.Note; s.note == nil {
		s.note = func(string) {}
	}
	f := &finder{root: whole, spool: opts.Spool}
	if err := s.find(ctx, f); err != nil {
		return nil, failure(whole, err)
	}
	for _, one := range f.own {
		s.note("passed over: " + one)
	}
	s.folders = f.folders
	slices.SortFunc(s.folders, func(a, b folder) int { return a.path.Compare(b.path) })
	return s, nil
}

func (s *Source) find(ctx context.Context, f *finder) error {
	info, err := os.Stat(s.path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		if s.kind == Maildir {
			return refuse("this is a file, and a Maildir is a directory", "write mbox:PATH for an mbox")
		}
		if s.kind == Any && info.Size() == 0 {
			return refuse("it is an empty file", "write mbox:PATH for an mbox without messages")
		}
		s.kind = MBox
		return f.single()
	}
	if s.kind != MBox {
		if err := f.maildirs(ctx); err != nil {
			return err
		}
		if len(f.folders) > 0 {
			s.kind = Maildir
			return f.unique()
		}
		if s.kind == Maildir {
			return refuse("there is no Maildir in this directory: none below it has cur and new or tmp", f.found())
		}
	}
	s.kind = MBox
	if err := f.mboxes(ctx); err != nil {
		return err
	}
	if len(f.folders) == 0 {
		return refuse("there is no mail in this directory", f.found())
	}
	for _, one := range f.passed {
		s.note("passed over: " + one)
	}
	for _, one := range f.failed {
		s.note("cannot be read: " + one)
	}
	return f.unique()
}

// Folders implements mail.Source. It reads every mbox once. A folder that cannot be read has no
// status: whoever opens it hears why, and the others are read nevertheless.
func (s *Source) Folders(ctx context.Context) ([]mail.Folder, error) {
	var out []mail.Folder
	for _, f := range s.folders {
		one := mail.Folder{Path: f.path, Subscribed: f.subscribed, RawName: f.at}
		r, err := s.OpenReader(ctx, f.path)
		if ctx.Err() != nil {
			return nil, inFolder("open", f.path, ctx.Err())
		}
		if err != nil {
			out = append(out, one)
			continue
		}
		status := r.Status()
		one.Status = &status
		out = append(out, one)
		if err := r.Close(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// OpenReader implements mail.Source.
func (s *Source) OpenReader(ctx context.Context, path mail.Path) (mail.Reader, error) {
	i := slices.IndexFunc(s.folders, func(f folder) bool { return f.path == path })
	if i < 0 {
		return nil, &mail.Error{Op: "open", Folder: path, Scope: mail.ScopeFolder, Retry: mail.RetryNever,
			Kind: mail.KindNotFound, Err: errors.New("there is no such folder")}
	}
	if err := ctx.Err(); err != nil {
		return nil, inFolder("open", path, err)
	}
	var box box
	var err error
	if s.kind == Maildir {
		box, err = openMaildir(ctx, s.folders[i].at)
	} else {
		box, err = s.openMbox(ctx, s.folders[i].at)
	}
	if err != nil {
		return nil, inFolder("open", path, err)
	}
	return newReader(path, box), nil
}

// Traits implements mail.Source.
func (s *Source) Traits() mail.Traits { return mail.Traits{KeepsBytes: true} }

// Close implements mail.Source. Nothing is held between the readers.
func (s *Source) Close() error { return nil }

func (s *Source) String() string { return string(s.kind) + ":" + s.path }

func refuse(found, hint string) error {
	return &mail.Error{Kind: mail.KindRefused, Err: errors.New(found), Hint: hint}
}

// failure is the error of the whole source.
func failure(path string, err error) error {
	e := classified(err)
	e.Op, e.Scope = fmt.Sprintf("read %q", path), mail.ScopeStore
	return e
}

func inFolder(op string, path mail.Path, err error) error {
	e := classified(err)
	e.Op, e.Folder, e.Scope = op, path, mail.ScopeFolder
	return e
}

func classified(err error) *mail.Error {
	e := &mail.Error{Retry: mail.RetryNever, Err: err}
	var known *mail.Error
	switch {
	case errors.Is(err, errChanged):
		e.Retry = mail.RetrySoon // a new session sees it as it is
	case errors.As(err, &known):
		e.Kind, e.Hint, e.Err = known.Kind, known.Hint, known.Err
	case errors.Is(err, fs.ErrNotExist):
		e.Kind = mail.KindNotFound
	}
	return e
}
