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
		{"appender flags", checkAppenderFlags},
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
	return cmp.Or(w.Flush(e.ctx), refused)
}

// checkAppenderFlags takes turns between folders that hold mail: flags change, and mail comes, in each as told and
// in no other.
func checkAppenderFlags(e *env) {
	to := e.sharing()
	e.create(e.folder)
	const n = 4
	var paths []mail.Path
	var uids [n][]mail.UID
	for i := range n {
		path := e.create(e.below(i))
		paths = append(paths, path)
		w := e.writer(path)
		a := e.appending(w)
		for k := 1; k <= 3; k++ {
			a.letter(100*i+k, mail.NewFlags(mail.Seen))
		}
		a.flush()
		for _, o := range a.sent {
			uids[i] = append(uids[i], o.uid)
		}
		e.close(w)
	}
	var all []*appending
	for _, path := range paths {
		w, err := to.OpenAppender(e.ctx, path, 1000)
		e.ok("open appender", err)
		e.handles = append(e.handles, w)
		if st := w.Status(); st.Messages != 3 || st.UIDNext == 0 || st.UIDValidity == 0 {
			e.Errorf("the Status of an appender to a folder of 3 messages says %+v", st)
		}
		all = append(all, e.appending(w))
	}
	for k := range 2 {
		for i, a := range all {
			changes := []mail.FlagChange{
				{UID: uids[i][k], Add: mail.NewFlags(mail.Flagged), Remove: mail.NewFlags(mail.Seen)},
				{UID: uids[i][2] + 1000, Add: mail.NewFlags(mail.Answered)}, // not there
			}
			e.ok("set flags", a.w.SetFlags(e.ctx, changes))
			e.ok("set flags again", a.w.SetFlags(e.ctx, changes))
			e.ok("set no flags", a.w.SetFlags(e.ctx, nil))
			a.letter(100*i+4+k, nil)
		}
	}
	for _, a := range all {
		a.flush()
		a.close()
	}
	for i, path := range paths {
		got := e.content(path)
		e.expectLetters(got, 100*i+1, 100*i+2, 100*i+3, 100*i+4, 100*i+5)
		for k, flags := range []mail.Flags{mail.NewFlags(mail.Flagged), mail.NewFlags(mail.Flagged), mail.NewFlags(mail.Seen), nil, nil} {
			e.expectFlags(got[k], flags)
		}
	}
}

// checkAppenderAlone: what takes a session of the folder's own is refused, and nothing is changed by it.
func checkAppenderAlone(e *env) {
	to := e.sharing()
	e.create(e.folder)
	list := func(w mail.Writer) error { return w.List(e.ctx, everything(), func(mail.Info) error { return nil }) }
	for i, call := range []func(w mail.Writer) error{
		list,
		func(w mail.Writer) error { return w.Fetch(e.ctx, mail.NewUIDSet(1), nil) },
		func(w mail.Writer) error { _, err := w.Refresh(e.ctx); return err },
	} {
		path := e.create(e.below(i))
		a := e.appender(path)
		if got := e.list(a.w, everything()); len(got) > 0 {
			e.Errorf("a new appender lists %d messages", len(got))
		}
		a.letter(1, nil)
		a.flush()
		e.needsSession(call(a.w))
		a.close()
		e.expectLetters(e.content(path), 1)
		w, err := to.OpenAppender(e.ctx, path, 1000)
		e.ok("open appender", err)
		e.needsSession(list(w))
		e.close(w)
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

func (e *env) needsSession(err error) {
	e.Helper()
	if err == nil || mail.ErrorOf(err).Kind != mail.KindSession || mail.ErrorOf(err).Retry != mail.RetrySoon {
		e.Errorf("an appender was asked for too much: %v", err)
	}
}
