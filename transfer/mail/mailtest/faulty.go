package mailtest

import (
	"context"
	"fmt"

	"mailferry/transfer/mail"
)

// Faulty wraps a store so that every call of it, of its handles and of their
// callbacks is a step of plan: each folder list, opening, listing, message
// listed, fetch, message fetched, read of a body, append, answer to an append
// (done), flush, change of flags, expunge, refresh, creation, subscription and
// closing. It offers the optional interfaces that store offers, but for mail.Describer.
//
// A failed call of a scope wider than a message leaves the handle dead, and
// everything queued on it ends as Uncertain. A dead handle is closed below
// without Flush. The answer to an append cannot fail before its effect: Before is like
// After there. A body that fails ends in io.ErrUnexpectedEOF.
//
// After a Stop neither store nor handles pass anything on but the closing of handles.
func Faulty(store mail.Store, plan *Plan) mail.Store {
	f := &faultyStore{faultySource{store, plan}, store}
	if s, ok := store.(mail.Subscriber); ok {
		return &faultySubscriber{f, s}
	}
	return f
}

// FaultySource is Faulty for a store that is only read.
func FaultySource(source mail.Source, plan *Plan) mail.Source {
	return &faultySource{source, plan}
}

type faultySource struct {
	mail.Source
	plan *Plan
}

func (f *faultySource) name(op string, path mail.Path) string {
	if path.IsZero() {
		return f.String() + " " + op
	}
	return f.String() + " " + op + " " + path.String()
}

func (f *faultySource) Folders(ctx context.Context) (list []mail.Folder, err error) {
	err = f.plan.Do(f.name("folders", mail.Path{}), func() (err error) {
		list, err = f.Source.Folders(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

func (f *faultySource) OpenReader(ctx context.Context, path mail.Path) (mail.Reader, error) {
	return f.read(path, func() (mail.Reader, error) { return f.Source.OpenReader(ctx, path) })
}

// OpenReaderAhead is a step of the same name as OpenReader.
func (f *faultySource) OpenReaderAhead(ctx context.Context, path mail.Path, list *mail.ListOptions, bodies mail.UID) (mail.Reader, error) {
	ahead, ok := f.Source.(mail.AheadSource)
	if !ok {
		return f.OpenReader(ctx, path)
	}
	return f.read(path, func() (mail.Reader, error) { return ahead.OpenReaderAhead(ctx, path, list, bodies) })
}

func (f *faultySource) read(path mail.Path, open func() (mail.Reader, error)) (mail.Reader, error) {
	var inner mail.Reader
	err := f.plan.Do(f.name("open reader", path), func() (err error) {
		inner, err = open()
		return err
	})
	if err != nil {
		if inner != nil {
			inner.Close()
		}
		return nil, err
	}
	return &faultyReader{source: f, path: path, inner: inner}, nil
}

func (f *faultySource) Close() error {
	return f.plan.Do(f.name("close store", mail.Path{}), f.Source.Close)
}

type faultyStore struct {
	faultySource
	store mail.Store
}

func (f *faultyStore) Name(path mail.Path) mail.Path { return f.store.Name(path) }

func (f *faultyStore) Create(ctx context.Context, folder mail.Folder) error {
	return f.plan.Do(f.name("create", folder.Path), func() error { return f.store.Create(ctx, folder) })
}

func (f *faultyStore) OpenWriter(ctx context.Context, path mail.Path) (mail.Writer, error) {
	return f.open(path, func() (mail.Writer, error) { return f.store.OpenWriter(ctx, path) })
}

// OpenAppender is a step of the same name as OpenWriter. Where the store is no
// mail.AppendStore, its Traits say so.
func (f *faultyStore) OpenAppender(ctx context.Context, path mail.Path, octets int64) (mail.Writer, error) {
	to, ok := f.store.(mail.AppendStore)
	if !ok {
		return nil, ownSession("open for appending", path)
	}
	return f.open(path, func() (mail.Writer, error) { return to.OpenAppender(ctx, path, octets) })
}

func (f *faultyStore) open(path mail.Path, open func() (mail.Writer, error)) (mail.Writer, error) {
	var inner mail.Writer
	err := f.plan.Do(f.name("open writer", path), func() (err error) {
		inner, err = open()
		return err
	})
	if err != nil {
		if inner != nil {
			inner.Close()
		}
		return nil, err
	}
	w := &faultyWriter{faultyReader{source: &f.faultySource, path: path, inner: inner}, inner}
	if x, ok := inner.(mail.Expunger); ok {
		return &faultyExpunger{w, x}, nil
	}
	return w, nil
}

type faultySubscriber struct {
	*faultyStore
	inner mail.Subscriber
}

func (f *faultySubscriber) SetSubscribed(ctx context.Context, path mail.Path, subscribed bool) error {
	name := fmt.Sprintf("%s %t", f.name("subscribe", path), subscribed)
	return f.plan.Do(name, func() error { return f.inner.SetSubscribed(ctx, path, subscribed) })
}
