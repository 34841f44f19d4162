package commands

import (
	"context"
	"errors"
	"fmt"

	"mailferry/archive"
	"mailferry/archive/other"
	"mailferry/transfer/mail"
)

// storedToRead opens what is on disk: an archive, or else mail that another program has written.
func (w *world) storedToRead(ctx context.Context, t *target, opts archive.Options) (mail.Source, error) {
	a, err := archive.Open(ctx, t.address.path, w.viewOf(opts))
	if err == nil {
		return asWritten(ctx, t.address, a)
	}
	if !errors.Is(err, archive.ErrNotArchive) {
		return nil, archiveFailure(t.end, err)
	}
	if opts.AsOf != "" || opts.WithGone {
		return nil, usage("--as-of and --with-gone need an archive that mailferry made", "")
	}
	s, err := other.Open(ctx, t.address.path, other.Options{Kind: other.Kind(t.address.format), Note: w.noteOr(opts.Note)})
	var known *mail.Error
	if errors.As(err, &known) && known.Kind == mail.KindRefused {
		return nil, usage(fmt.Sprintf("%q: %v, and %v", t.address.path, archive.ErrNotArchive, known.Err), known.Hint)
	}
	if err != nil {
		return nil, archiveFailure(t.end, err)
	}
	return s, nil
}

// storedToCompare is storedToRead for the second end of a comparison.
func (w *world) storedToCompare(ctx context.Context, t *target) (mail.Store, error) {
	s, err := w.storedToRead(ctx, t, archive.Options{})
	if err != nil {
		return nil, err
	}
	if store, ok := s.(mail.Store); ok {
		return store, nil
	}
	return unwritable{s}, nil
}

// unwritable is a source where a store is asked for.
type unwritable struct{ mail.Source }

var errUnwritable = &mail.Error{Op: "write", Scope: mail.ScopeStore, Retry: mail.RetryNever, Kind: mail.KindRefused,
	Err: errors.New("it can only be read")}

func (u unwritable) Name(path mail.Path) mail.Path             { return path }
func (u unwritable) Create(context.Context, mail.Folder) error { return errUnwritable }
func (u unwritable) OpenWriter(context.Context, mail.Path) (mail.Writer, error) {
	return nil, errUnwritable
}
