package archive

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"

	"mailferry/archive/catalogue"
	"mailferry/transfer/mail"
)

var (
	errOther = errors.New("the source has other octets under its UID than were stored")
	errGone  = errors.New("the source does not hold it any more")
)

// repairing is the repair of one folder. Like a writer it makes messages durable in groups.
type repairing struct {
	*repair
	f      catalogue.Folder
	broken mail.UIDSet
	box    box // nil: nothing had to be put in yet
	queue  []catalogue.Message
	done   []Repaired // one for each of queue
	bytes  int64
}

func (w *repairing) about(m *catalogue.Message) Repaired {
	return Repaired{Folder: w.f.Path, UID: m.UID, File: w.a.format.where(w.f.Dir, m.Place), Origin: m.Origin}
}

// messages repairs or confirms a part of the folder.
func (w *repairing) messages(ctx context.Context, list []catalogue.Message) error {
	byOrigin := make(map[mail.Origin][]*catalogue.Message)
	var order []mail.Origin
	for i := range list {
		m := &list[i]
		from, err := w.from.find(ctx, w.f, m)
		if err != nil {
			if err := w.failed(m, err); err != nil {
				return err
			}
			continue
		}
		from.UID = 0
		if byOrigin[from] == nil {
			order = append(order, from)
		}
		byOrigin[from] = append(byOrigin[from], m)
	}
	for _, from := range order {
		if err := w.fetch(ctx, from, byOrigin[from]); err != nil {
			return err
		}
	}
	return nil
}

// failed tells of a message, unless it is all of the work that failed, or the caller who wants to hear no more.
func (w *repairing) failed(m *catalogue.Message, err error) error {
	if w.told != nil || mail.ErrorOf(err).Scope == mail.ScopeStore {
		return err
	}
	done := w.about(m)
	done.Err = err
	return w.tell(done)
}

// fetch reads messages of one folder of the source.
func (w *repairing) fetch(ctx context.Context, from mail.Origin, list []*catalogue.Message) error {
	in, err := w.from.open(ctx, from)
	missing := make(map[mail.UID][]*catalogue.Message, len(list)) // one there may be two here
	var uids mail.UIDSet
	for _, m := range list {
		missing[m.Origin.UID] = append(missing[m.Origin.UID], m)
		uids.Add(m.Origin.UID)
	}
	if err == nil {
		err = in.Fetch(ctx, uids, func(info mail.Info, body io.Reader) error {
			wanted := missing[info.UID]
			delete(missing, info.UID)
			for _, m := range wanted {
				m.Origin.Source, m.Origin.Folder = from.Source, from.Folder
			}
			return w.came(ctx, wanted, info, body)
		})
		if err != nil {
			w.from.lose()
		}
	}
	if err != nil && (w.told != nil || mail.ErrorOf(err).Scope == mail.ScopeStore) {
		return err
	}
	if err == nil {
		err = errGone
	}
	for _, m := range list {
		if missing[m.Origin.UID] == nil {
			continue
		}
		if err := w.failed(m, err); err != nil {
			return err
		}
	}
	return nil
}

// came judges what the source has sent.
func (w *repairing) came(ctx context.Context, list []*catalogue.Message, info mail.Info, octets io.Reader) error {
	body, sum, err := spool(w.a, info.Size, octets)
	if err == nil {
		defer body.Release()
	}
	for _, m := range list {
		failed := err
		if err == nil {
			failed = w.judge(ctx, m, body, sum)
		}
		if failed == nil {
			continue
		}
		if err := w.failed(m, failed); err != nil {
			return err
		}
	}
	return nil
}

func (w *repairing) judge(ctx context.Context, m *catalogue.Message, body mail.Body, sum [sha256.Size]byte) error {
	same, damaged := sum == m.Sum && body.Size() == m.Size, w.broken.Contains(m.UID)
	switch {
	case same && !damaged:
		return w.confirm(ctx, m)
	case !same && (m.Proven || !w.put):
		return errOther
	case !w.put:
		return nil
	}
	return w.replace(ctx, m, body, same)
}

func (w *repairing) confirm(ctx context.Context, m *catalogue.Message) error {
	w.out.Confirmed++
	w.a.touch()
	err := w.a.cat.Prove(context.WithoutCancel(ctx), w.f.ID, []catalogue.Message{proven(m)})
	return fail("confirm", w.f.Path, mail.ScopeStore, err)
}

// proven is m with the hash that its origin's folder has.
func proven(m *catalogue.Message) catalogue.Message {
	out := *m
	out.Hash = folderHash(m.Origin.Folder)
	return out
}

func (w *repairing) replace(ctx context.Context, m *catalogue.Message, body mail.Body, same bool) (err error) {
	if w.box == nil {
		if err := w.a.format.make(map[string]mail.Path{w.f.Dir: w.f.Path}); err != nil {
			return fail("repair", w.f.Path, mail.ScopeStore, err)
		}
		if w.box, err = w.a.openBox(ctx, &w.f); err != nil {
			return fail("repair", w.f.Path, mail.ScopeStore, err)
		}
	}
	if !same {
		// Its new sum has to be known before it can be in the folder.
		if err := w.commit(ctx); err != nil {
			return err
		}
	}
	now, err := w.box.replace(m.Place, &mail.Message{Origin: m.Origin, Flags: m.Flags, InternalDate: m.Date, Body: body})
	if err != nil {
		return fail("repair", w.f.Path, mail.ScopeStore, err)
	}
	now.UID = m.UID
	done := w.about(&now)
	done.Replaced = !same
	w.queue, w.done, w.bytes = append(w.queue, now), append(w.done, done), w.bytes+now.Size
	if same && len(w.queue) < groupMessages && w.bytes < groupBytes {
		return nil
	}
	return w.commit(ctx)
}

// commit records first where the messages are going to be: should the power go, they are damaged or missing as
// before, and never there twice.
func (w *repairing) commit(ctx context.Context) error {
	if len(w.queue) == 0 {
		return nil
	}
	queue, told := w.queue, w.done
	w.queue, w.done, w.bytes = nil, nil, 0
	if err := w.store(context.WithoutCancel(ctx), queue); err != nil {
		w.a.tear(w.f.Path, true)
		return fail("repair", w.f.Path, mail.ScopeStore, err)
	}
	for _, done := range told {
		if w.broken.Contains(done.UID) {
			w.out.Repaired++
		}
		if done.Replaced {
			w.out.Replaced++
		}
		if err := w.tell(done); err != nil {
			return err
		}
	}
	return nil
}

func (w *repairing) store(ctx context.Context, list []catalogue.Message) error {
	w.a.touch()
	if err := w.a.cat.Mend(ctx, w.f.ID, list); err != nil {
		return err
	}
	if err := w.box.commit(); err != nil {
		return err
	}
	if w.a.format.name() != MBox {
		return nil // its newest name is the newest still
	}
	return w.a.cat.SetStamp(ctx, w.f.ID, w.box.stamp())
}

// close ends the folder. What is staged and was not committed, because of an error, is dropped.
func (w *repairing) close(ctx context.Context) error {
	if w.box == nil {
		return nil
	}
	var err error
	if w.told == nil && ctx.Err() == nil {
		err = w.commit(ctx)
	}
	return errors.Join(err, w.box.close())
}
