package mailtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"mailferry/transfer/mail"
)

func sessionChecks() []check {
	return []check{
		{"side by side", checkSideBySide},
		{"many readers", checkManyReaders},
		{"cancelled before", checkCancelledBefore},
		{"cancelled in a list", checkCancelledInList},
		{"cancelled in a fetch", checkCancelledInFetch},
		{"cancelled append", checkCancelledAppend},
		{"traits", checkTraits},
	}
}

func checkSideBySide(e *env) {
	if e.traits.Connections == 1 {
		e.Skip("one handle at a time")
	}
	e.filled(2)
	r := e.reader(e.folder)
	w := e.writer(e.folder)
	e.expectLetters(e.read(r), 1, 2)
	e.fill(w, 3, 3)
	if got := r.Status().Messages; got != 2 {
		e.Errorf("a Reader's Status says %d messages, at its opening there were 2", got)
	}
	// What arrives later may be seen or not; what was there has to be.
	if got := e.read(r); len(got) < 2 || !isLetter(1, got[0].raw) || !isLetter(2, got[1].raw) {
		e.Errorf("beside a Writer the Reader sees %d messages, or others", len(got))
	}
	e.fill(w, 4, 4)
	e.close(r)
	e.expectLetters(e.content(e.folder), 1, 2, 3, 4)
	e.expectLetters(e.read(w), 1, 2, 3, 4)
}

func checkManyReaders(e *env) {
	n := 4
	if c := e.traits.Connections; c > 0 {
		n = min(n, c)
	}
	e.filled(20)
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = e.readThrough(e.folder, 20) })
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			e.Errorf("reader %d of %d at once: %v", i+1, n, err)
		}
	}
}

// readThrough reads a folder without touching the env.
func (e *env) readThrough(path mail.Path, want int) error {
	r, err := e.store.OpenReader(e.ctx, path)
	if err != nil {
		return err
	}
	defer r.Close()
	var set mail.UIDSet
	if err := r.List(e.ctx, everything(), func(info mail.Info) error {
		set.Add(info.UID)
		return nil
	}); err != nil {
		return err
	}
	n := 0
	if err := r.Fetch(e.ctx, set, func(_ mail.Info, body io.Reader) error {
		n++
		_, err := io.Copy(io.Discard, body)
		return err
	}); err != nil {
		return err
	}
	if n != want || set.Len() != want {
		return fmt.Errorf("%d listed, %d fetched, want %d", set.Len(), n, want)
	}
	return nil
}

// prompt is how long a cancelled call may take.
const prompt = 5 * time.Second

// expectCancelled holds a call under a cancelled context to its end and error.
func (e *env) expectCancelled(doing string, call func() error) {
	e.Helper()
	start := time.Now()
	err := call()
	if !errors.Is(err, context.Canceled) {
		e.Errorf("%s, cancelled: %v", doing, err)
	}
	if took := time.Since(start); took > prompt {
		e.Errorf("%s, cancelled: took %v", doing, took)
	}
}

func checkCancelledBefore(e *env) {
	e.filled(2)
	ctx, cancel := context.WithCancel(e.ctx)
	cancel()
	e.expectCancelled("Folders", func() error { _, err := e.store.Folders(ctx); return err })
	e.expectCancelled("Create", func() error {
		return e.store.Create(ctx, mail.Folder{Path: e.store.Name(e.folder.Join(mail.NewPath("never")))})
	})
	e.expectCancelled("OpenReader", func() error {
		r, err := e.store.OpenReader(ctx, e.folder)
		if err == nil {
			r.Close()
		}
		return err
	})
	for doing, call := range map[string]func(w mail.Writer) error{
		"List": func(w mail.Writer) error {
			return w.List(ctx, everything(), func(mail.Info) error { return nil })
		},
		"Fetch": func(w mail.Writer) error {
			return w.Fetch(ctx, mail.NewUIDSet(1, 2, 3), func(mail.Info, io.Reader) error { return nil })
		},
		"SetFlags": func(w mail.Writer) error {
			return w.SetFlags(ctx, []mail.FlagChange{{UID: 1, Add: mail.NewFlags(mail.Seen)}})
		},
		"Refresh": func(w mail.Writer) error { _, err := w.Refresh(ctx); return err },
	} {
		w := e.writer(e.folder)
		e.expectCancelled(doing, func() error { return call(w) })
		e.close(w)
	}
	got := e.content(e.folder)
	e.expectLetters(got, 1, 2)
	e.expectFlags(got[0], nil)
	if _, there := e.folders()[e.store.Name(e.folder.Join(mail.NewPath("never")))]; there {
		e.Errorf("a Create that was cancelled made the folder")
	}
}

func checkCancelledInList(e *env) {
	e.cancelledAfterOne("List", func(ctx context.Context, r mail.Reader, each func()) error {
		return r.List(ctx, everything(), func(mail.Info) error { each(); return nil })
	})
}

func checkCancelledInFetch(e *env) {
	e.cancelledAfterOne("Fetch", func(ctx context.Context, r mail.Reader, each func()) error {
		all := mail.NewUIDSet(uids(e.list(r, mail.ListOptions{}))...)
		return r.Fetch(ctx, all, func(mail.Info, io.Reader) error { each(); return nil })
	})
}

// cancelledAfterOne: a call that goes on to its end in spite of the context has
// done all of its work and may say so.
func (e *env) cancelledAfterOne(doing string, call func(ctx context.Context, r mail.Reader, each func()) error) {
	e.Helper()
	const many = 30
	e.filled(many)
	ctx, cancel := context.WithCancel(e.ctx)
	defer cancel()
	r := e.reader(e.folder)
	n := 0
	err := call(ctx, r, func() { n++; cancel() })
	if err == nil && n != many {
		e.Errorf("%s returned nil after %d of %d messages", doing, n, many)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		e.Errorf("%s, cancelled in its callback: %v", doing, err)
	}
	e.close(r)
	if got := e.content(e.folder); len(got) != many {
		e.Errorf("after a cancelled %s the folder holds %d messages, want %d", doing, len(got), many)
	}
}

func checkCancelledAppend(e *env) {
	e.create(e.folder)
	w := e.writer(e.folder)
	a := e.appending(w)
	a.letter(1, nil)
	a.flush()
	ctx, cancel := context.WithCancel(e.ctx)
	cancel()
	o, err := a.try(ctx, letter(2), nil, letterDate(2))
	if err == nil { // it was only queued
		a.inside = true
		err = w.Flush(ctx)
		a.inside = false
	}
	if !errors.Is(err, context.Canceled) {
		e.Errorf("Append and Flush, cancelled: %v", err)
	}
	a.close()
	got := e.content(e.folder)
	if len(got) < 1 || len(got) > 2 || !isLetter(1, got[0].raw) {
		e.Fatalf("after a cancelled append the folder holds %d messages", len(got))
	}
	if certain := o.err == nil || !mail.ErrorOf(o.err).Uncertain; certain && (o.err == nil) != (len(got) == 2) {
		e.Errorf("the cancelled append is there: %t, done said %v", len(got) == 2, o.err)
	}
}

func checkTraits(e *env) {
	if again := e.store.Traits(); again != e.traits {
		e.Errorf("Traits went from %+v to %+v", e.traits, again)
	}
	if e.store.String() == "" {
		e.Errorf("the store has no address")
	}
	if e.traits.MaxSize < 0 || e.traits.Connections < 0 {
		e.Errorf("negative Traits: %+v", e.traits)
	}
}
