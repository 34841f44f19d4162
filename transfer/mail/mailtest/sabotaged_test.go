package mailtest

import (
	"context"
	"fmt"
	"io"
	"testing"

	"mailferry/transfer/mail"
)

// recorder is a testing.TB that remembers failures instead of failing.
type recorder struct {
	testing.TB
	failures []string
}

func (r *recorder) Helper()                   {}
func (r *recorder) Log(...any)                {}
func (r *recorder) Logf(string, ...any)       {}
func (r *recorder) Failed() bool              { return len(r.failures) > 0 }
func (r *recorder) Errorf(f string, a ...any) { r.failures = append(r.failures, fmt.Sprintf(f, a...)) }
func (r *recorder) Fatalf(f string, a ...any) {
	r.Errorf(f, a...)
	panic(r)
}
func (r *recorder) Skip(...any) {
	panic(r)
}

// try runs one check to its end or its Fatal.
func (r *recorder) try(c check, store mail.Store) {
	defer func() {
		if p := recover(); p != nil && p != r {
			panic(p)
		}
	}()
	c.on(r, store, Limits{})
}

// failing returns which of the checks of that name ("": of all) a store fails.
func failing(t *testing.T, name string, new func(r *recorder) mail.Store) []string {
	var names []string
	for _, c := range checks() {
		if name != "" && c.name != name {
			continue
		}
		r := &recorder{TB: t}
		r.try(c, new(r))
		if r.Failed() {
			t.Logf("%s: %s", c.name, r.failures[0])
			names = append(names, c.name)
		}
	}
	return names
}

// sabotaged is a Memory with something wrong. Fields that are set replace
// what a handle does.
type sabotaged struct {
	*Memory
	folders func([]mail.Folder) []mail.Folder
	open    error // of a missing folder
	create  func(mail.Folder) mail.Folder
	name    func(mail.Path) mail.Path
	traits  func(*mail.Traits)
	list    func(mail.Reader, mail.ListOptions, func(mail.Info) error) error
	fetch   func(mail.Reader, mail.UIDSet, func(mail.Info, io.Reader) error) error
	append  func(mail.Writer, *mail.Message, func(mail.UID, error)) error
	set     func(mail.Writer, []mail.FlagChange) error
	expunge func(mail.Expunger, mail.Writer, mail.UIDSet) error
	refresh func(mail.Status) mail.Status
	flush   func(mail.Writer) error
	share   func(mail.Path) mail.Path // the folder that an appender appends to
}

func (s *sabotaged) Folders(ctx context.Context) ([]mail.Folder, error) {
	list, err := s.Memory.Folders(ctx)
	if s.folders != nil {
		list = s.folders(list)
	}
	return list, err
}

func (s *sabotaged) Create(ctx context.Context, f mail.Folder) error {
	if s.create != nil {
		f = s.create(f)
	}
	return s.Memory.Create(ctx, f)
}

func (s *sabotaged) Name(path mail.Path) mail.Path {
	if s.name != nil {
		return s.name(path)
	}
	return path
}

func (s *sabotaged) Traits() mail.Traits {
	t := s.Memory.Traits()
	if s.traits != nil {
		s.traits(&t)
	}
	return t
}

func (s *sabotaged) OpenReader(ctx context.Context, path mail.Path) (mail.Reader, error) {
	r, err := s.Memory.OpenReader(ctx, path)
	if err != nil {
		if s.open != nil {
			err = s.open
		}
		return nil, err
	}
	return &sabotagedReader{r, s}, nil
}

func (s *sabotaged) OpenWriter(ctx context.Context, path mail.Path) (mail.Writer, error) {
	w, err := s.Memory.OpenWriter(ctx, path)
	if err != nil {
		return nil, err
	}
	return &sabotagedWriter{sabotagedReader{w, s}, w}, nil
}

func (s *sabotaged) OpenAppender(ctx context.Context, path mail.Path, octets int64) (mail.Writer, error) {
	if s.share != nil {
		path = s.share(path)
	}
	w, err := s.Memory.OpenAppender(ctx, path, octets)
	if err != nil {
		return nil, err
	}
	return &sabotagedWriter{sabotagedReader{w, s}, w}, nil
}

type sabotagedReader struct {
	mail.Reader
	s *sabotaged
}

func (r *sabotagedReader) List(ctx context.Context, opts mail.ListOptions, fn func(mail.Info) error) error {
	if r.s.list != nil {
		return r.s.list(r.Reader, opts, fn)
	}
	return r.Reader.List(ctx, opts, fn)
}

func (r *sabotagedReader) Fetch(ctx context.Context, set mail.UIDSet, fn func(mail.Info, io.Reader) error) error {
	if r.s.fetch != nil {
		return r.s.fetch(r.Reader, set, fn)
	}
	return r.Reader.Fetch(ctx, set, fn)
}

type sabotagedWriter struct {
	sabotagedReader
	w mail.Writer
}

func (w *sabotagedWriter) Append(ctx context.Context, msg *mail.Message, done func(mail.UID, error)) error {
	if w.s.append != nil {
		return w.s.append(w.w, msg, done)
	}
	return w.w.Append(ctx, msg, done)
}

func (w *sabotagedWriter) Flush(ctx context.Context) error {
	if w.s.flush != nil {
		return w.s.flush(w.w)
	}
	return w.w.Flush(ctx)
}

func (w *sabotagedWriter) SetFlags(ctx context.Context, changes []mail.FlagChange) error {
	if w.s.set != nil {
		return w.s.set(w.w, changes)
	}
	return w.w.SetFlags(ctx, changes)
}

func (w *sabotagedWriter) Refresh(ctx context.Context) (mail.Status, error) {
	st, err := w.w.Refresh(ctx)
	if w.s.refresh != nil {
		st = w.s.refresh(st)
	}
	return st, err
}

func (w *sabotagedWriter) Expunge(ctx context.Context, set mail.UIDSet) error {
	x := w.w.(mail.Expunger)
	if w.s.expunge != nil {
		return w.s.expunge(x, w.w, set)
	}
	return x.Expunge(ctx, set)
}
