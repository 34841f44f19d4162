package archive

import (
	"context"
	"errors"
	"syscall"

	"mailferry/archive/catalogue"
	"mailferry/transfer/mail"
)

// Bounds of a group: the messages that are made durable together.
const (
	groupMessages = 256
	groupBytes    = 32 << 20
)

// writer is a session that may add messages and change flags. It removes nothing.
type writer struct {
	*reader
	box   box
	queue []queued
	bytes int64
}

type queued struct {
	m    catalogue.Message
	done func(mail.UID, error)
}

var (
	_ mail.GoneMarker = (*writer)(nil)
	_ mail.Returner   = (*writer)(nil)
)

func (a *Archive) OpenWriter(ctx context.Context, path mail.Path) (mail.Writer, error) {
	const op = "open"
	if err := a.writable(ctx, op, path); err != nil {
		return nil, err
	}
	r, err := a.openReader(ctx, op, path)
	if err != nil {
		return nil, err
	}
	if !a.claim(path) {
		return nil, fail(op, path, mail.ScopeFolder, errors.New("the folder has a writer already"))
	}
	w := &writer{reader: r}
	if err := w.open(ctx); err != nil {
		a.release(path)
		return nil, fail(op, path, mail.ScopeFolder, err)
	}
	return w, nil
}

// open takes in what an earlier writer of this process could not finish.
func (w *writer) open(ctx context.Context) (err error) {
	a, path := w.a, w.f.Path
	a.mu.Lock()
	torn := a.torn[path]
	a.mu.Unlock()
	if torn {
		if err := a.format.mend(w.f, a.places(ctx, w.f.ID)); err != nil {
			return err
		}
		if err := a.takeInMessages(ctx, &w.f); err != nil {
			return err
		}
		st, err := a.status(ctx, w.f)
		if err != nil {
			return err
		}
		w.status = withPermanent(st)
		a.mu.Lock()
		delete(a.torn, path)
		a.mu.Unlock()
	}
	w.box, err = a.openBox(ctx, &w.f)
	return err
}

// openBox opens a folder to be written. If somebody has made the file shorter than what was durable, it is
// recorded first that less is: what a crash leaves behind that is known by it.
func (a *Archive) openBox(ctx context.Context, f *catalogue.Folder) (box, error) {
	b, err := a.format.box(*f, a.places(ctx, f.ID))
	if err != nil || a.format.name() != MBox || b.stamp() >= f.Stamp {
		return b, err
	}
	a.touch()
	if err := a.cat.SetStamp(context.WithoutCancel(ctx), f.ID, b.stamp()); err != nil {
		return nil, errors.Join(err, b.close())
	}
	f.Stamp = b.stamp()
	return b, nil
}

func (a *Archive) claim(path mail.Path) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	free := !a.writing[path]
	a.writing[path] = true
	return free
}

func (a *Archive) release(path mail.Path) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.writing, path)
}

func (w *writer) Close() error {
	if w.closed {
		return nil
	}
	w.giveUp(errClosed, false)
	err := errors.Join(w.box.close(), w.reader.Close())
	w.a.release(w.f.Path)
	return fail("close", w.f.Path, mail.ScopeFolder, err)
}

// giveUp ends what is queued without a commit.
func (w *writer) giveUp(cause error, unsure bool) {
	cause = fail("append", w.f.Path, mail.ScopeFolder, cause)
	if unsure {
		cause = uncertain(cause)
	}
	queue := w.queue
	w.queue, w.bytes = nil, 0
	for _, q := range queue {
		q.done(0, cause)
	}
}

func (w *writer) Append(ctx context.Context, msg *mail.Message, done func(mail.UID, error)) error {
	const op = "append"
	if err := w.enter(ctx, op); err != nil {
		msg.Body.Release()
		w.giveUp(err, true)
		done(0, uncertain(err))
		return err
	}
	dated := *msg
	if dated.InternalDate.IsZero() {
		dated.InternalDate = w.a.now()
	}
	m, err := w.box.stage(&dated)
	msg.Body.Release()
	if err != nil {
		return w.refuse(msg, err, done)
	}
	m.Date = dated.InternalDate
	w.queue, w.bytes = append(w.queue, queued{m, done}), w.bytes+m.Size
	if len(w.queue) < groupMessages && w.bytes < groupBytes {
		return nil
	}
	return w.commit(ctx)
}

// refuse ends a message that could not be written. Nothing of it is there. The queue goes on,
// unless the disk itself fails.
func (w *writer) refuse(msg *mail.Message, cause error, done func(mail.UID, error)) error {
	broken := errors.Is(cause, syscall.EIO) || errors.Is(cause, syscall.EROFS)
	scope := mail.ScopeMessage
	if broken {
		scope = mail.ScopeStore
	}
	err := fail("append", w.f.Path, scope, cause)
	if e := mail.ErrorOf(err); e.UID == 0 {
		named := *e
		named.UID = msg.Origin.UID
		err = &named
	}
	if !broken {
		done(0, err)
		return nil
	}
	w.die(err)
	w.giveUp(err, true)
	done(0, uncertain(err))
	return err
}

func (w *writer) Flush(ctx context.Context) error {
	if err := w.enter(ctx, "flush"); err != nil {
		w.giveUp(err, true)
		return err
	}
	return w.commit(ctx)
}

// commit makes the group durable, records it, and tells.
func (w *writer) commit(ctx context.Context) error {
	if len(w.queue) == 0 {
		return nil
	}
	// Once begun, it is brought to its end: half a group would be in doubt.
	ctx = context.WithoutCancel(ctx)
	list := make([]catalogue.Message, len(w.queue))
	for i, q := range w.queue {
		list[i] = q.m
	}
	w.tear(true)
	err := w.a.cat.Append(ctx, w.a.touch(), &w.f, list, func() error {
		if err := w.box.commit(); err != nil {
			return err
		}
		w.f.Stamp = w.box.stamp()
		return nil
	})
	if err != nil {
		err = w.die(fail("append", w.f.Path, mail.ScopeFolder, err))
		w.giveUp(err, true)
		return err
	}
	w.tear(false)
	queue := w.queue
	w.queue, w.bytes = nil, 0
	for i, q := range queue {
		q.done(list[i].UID, nil)
	}
	return nil
}

// tear notes whether files may be there that the catalogue does not have.
func (w *writer) tear(torn bool) { w.a.tear(w.f.Path, torn) }

func (a *Archive) tear(path mail.Path, torn bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if torn {
		a.torn[path] = true
	} else {
		delete(a.torn, path)
	}
}

func (w *writer) Refresh(ctx context.Context) (mail.Status, error) {
	const op = "refresh"
	if err := w.enter(ctx, op); err != nil {
		return mail.Status{}, err
	}
	f, ok, err := w.a.cat.Folder(ctx, w.f.Path)
	if err == nil && !ok {
		err = errors.New("the folder is not in the catalogue any more")
	}
	if err != nil {
		return mail.Status{}, w.die(fail(op, w.f.Path, mail.ScopeFolder, err))
	}
	w.f = f
	st, err := w.a.status(ctx, f)
	return withPermanent(st), w.die(fail(op, f.Path, mail.ScopeFolder, err))
}
