package mailtest

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"mailferry/transfer/mail"
)

func appenderChecks() []check {
	return []check{
		{"appenders", checkAppenders},
		{"appenders at once", checkAppendersAtOnce},
		{"appender alone", checkAppenderAlone},
	}
}

// appender opens a folder for appending.
func (e *env) appender(path mail.Path) *appending {
	e.Helper()
	w, err := e.sharing().OpenAppender(e.ctx, path, 1000)
	e.ok("open appender", err)
	e.handles = append(e.handles, w)
	if st := w.Status(); st.Messages != 0 || st.UIDNext == 0 || st.UIDValidity == 0 {
		e.Errorf("an appender's Status says %+v", st)
	}
	return e.appending(w)
}

// below is one of many folders.
func (e *env) below(n int) mail.Path { return e.folder.Join(mail.NewPath(string(rune('a' + n)))) }

func (e *env) sharing() mail.AppendStore {
	e.Helper()
	to, ok := e.store.(mail.AppendStore)
	if !e.traits.Appenders {
		e.Skip("no appenders")
	}
	if !ok {
		e.Fatalf("Traits.Appenders is set, and the store is no mail.AppendStore")
	}
	return to
}

// checkAppenders takes turns between more folders than a store may have handles.
func checkAppenders(e *env) {
	e.sharing()
	e.create(e.folder)
	n := max(3, min(e.traits.Connections+2, 10))
	var all []*appending
	var paths []mail.Path
	for i := range n {
		paths = append(paths, e.create(e.below(i)))
	}
	for _, path := range paths {
		all = append(all, e.appender(path))
	}
	for k := 1; k <= 7; k++ {
		for i, a := range all {
			a.letter(100*i+k, e.permitted(a.w.Status()))
		}
	}
	for _, a := range all {
		a.flush()
	}
	for _, a := range all {
		a.close()
	}
	for i, a := range all {
		got := e.content(paths[i])
		e.expectLetters(got, 100*i+1, 100*i+2, 100*i+3, 100*i+4, 100*i+5, 100*i+6, 100*i+7)
		for k, o := range a.sent {
			if o.uid != got[k].UID {
				e.Errorf("Append told UID %d, the letter has %d", o.uid, got[k].UID)
			}
			e.expectFlags(got[k], e.permitted(a.w.Status()))
		}
	}
}

func checkAppendersAtOnce(e *env) {
	e.sharing()
	e.create(e.folder)
	paths := make([]mail.Path, 5)
	errs := make([]error, len(paths))
	var wg sync.WaitGroup
	for i := range paths {
		paths[i] = e.create(e.below(i))
	}
	for i, path := range paths {
		wg.Go(func() { errs[i] = e.appendThrough(path, 40*i+1, 40*i+40) })
	}
	wg.Wait()
	for i, path := range paths {
		e.ok("append beside others", errs[i])
		var want []int
		for n := 40*i + 1; n <= 40*i+40; n++ {
			want = append(want, n)
		}
		e.expectLetters(e.content(path), want...)
	}
}

// appendThrough appends letters on a goroutine of its own.
func (e *env) appendThrough(path mail.Path, first, last int) error {
	w, err := e.sharing().OpenAppender(e.ctx, path, 1000)
	if err != nil {
		return err
	}
	defer w.Close()
	var refused error
	for n := first; n <= last; n++ {
		msg := &mail.Message{InternalDate: letterDate(n), Body: mail.BytesBody(letter(n))}
		err := w.Append(e.ctx, msg, func(_ mail.UID, err error) {
			if err != nil {
				refused = err
			}
		})
		if p, ok := w.(mail.Pusher); ok && err == nil && n%3 == 0 {
			err = p.Push(e.ctx)
		}
		if err != nil {
			return err
		}
	}
	f, ok := w.(mail.Finisher)
	if !ok {
		return cmp.Or(w.Flush(e.ctx), refused)
	}
	now, err := f.Finish(e.ctx)
	if then := w.Status(); now != nil && (now.UIDValidity != then.UIDValidity || int(now.Messages) != last-first+1 || int(now.UIDNext) < last-first+2) {
		e.Errorf("after %d letters an appender says %+v", last-first+1, *now)
	}
	return cmp.Or(err, refused)
}

// checkAppenderAlone: what takes a session of the folder's own is refused, and nothing is changed by it.
func checkAppenderAlone(e *env) {
	to := e.sharing()
	e.create(e.folder)
	for i, call := range []func(w mail.Writer) error{
		func(w mail.Writer) error { return w.List(e.ctx, everything(), func(mail.Info) error { return nil }) },
		func(w mail.Writer) error { return w.Fetch(e.ctx, mail.NewUIDSet(1), nil) },
		func(w mail.Writer) error {
			return w.SetFlags(e.ctx, []mail.FlagChange{{UID: 1, Add: mail.NewFlags(mail.Flagged)}})
		},
		func(w mail.Writer) error { _, err := w.Refresh(e.ctx); return err },
	} {
		path := e.create(e.below(i))
		a := e.appender(path)
		if got := e.list(a.w, everything()); len(got) > 0 {
			e.Errorf("a new appender lists %d messages", len(got))
		}
		a.letter(1, nil)
		a.flush()
		if err := call(a.w); err == nil || mail.ErrorOf(err).Kind != mail.KindSession || mail.ErrorOf(err).Retry != mail.RetrySoon {
			e.Errorf("call %d on an appender: %v", i, err)
		}
		a.close()
		e.expectLetters(e.content(path), 1)
		w, err := to.OpenAppender(e.ctx, path, 1000)
		if err == nil || mail.ErrorOf(err).Kind != mail.KindSession {
			e.Errorf("an appender opens a folder that holds mail: %v", err)
		}
		if err == nil {
			e.handles = append(e.handles, w)
		}
	}
	ctx, cancel := context.WithCancel(e.ctx)
	cancel()
	if _, err := to.OpenAppender(ctx, e.create(e.below(25)), 1000); err == nil {
		e.Errorf("an appender is opened though the context has ended")
	}
	if !slices.ContainsFunc(e.content(e.below(0)), func(w whole) bool { return isLetter(1, w.raw) }) {
		e.Errorf("the first letter is gone")
	}
}
