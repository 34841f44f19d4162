package archive

import (
	"context"
	"errors"
	"io/fs"

	"mailferry/archive/catalogue"
	"mailferry/transfer/mail"
)

// SetFlags changes names first and the catalogue then, which is what counts: a
// crash in between makes the next run set the same flags again.
func (w *writer) SetFlags(ctx context.Context, changes []mail.FlagChange) error {
	const op = "set flags"
	if err := w.enter(ctx, op); err != nil {
		return err
	}
	byUID := make(map[mail.UID]mail.FlagChange, len(changes))
	var uids mail.UIDSet
	for _, c := range changes {
		byUID[c.UID] = c
		uids.Add(c.UID)
	}
	for part := range uids.Chunks(page, page) {
		if err := w.setPart(ctx, part, byUID); err != nil {
			return w.die(fail(op, w.f.Path, mail.ScopeFolder, err))
		}
	}
	return nil
}

func (w *writer) setPart(ctx context.Context, uids mail.UIDSet, byUID map[mail.UID]mail.FlagChange) error {
	var list []catalogue.Change
	for _, r := range uids.Ranges() {
		err := w.each(ctx, catalogue.Part{First: r.First, Last: r.Last, Of: catalogue.Stored}, page, func(messages []catalogue.Message) error {
			for _, m := range messages {
				c := byUID[m.UID]
				flags := m.Flags.Minus(c.Remove).Union(c.Add)
				if flags.Equal(m.Flags) {
					continue
				}
				place, err := w.box.setFlags(m.Place, flags)
				if err != nil && !errors.Is(err, fs.ErrNotExist) {
					return err
				}
				list = append(list, catalogue.Change{UID: m.UID, Flags: flags, Place: place})
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if len(list) == 0 {
		return nil
	}
	return w.a.cat.SetFlags(context.WithoutCancel(ctx), w.a.touch(), &w.f, list, w.box.syncFlags)
}

// MarkGone implements mail.GoneMarker.
func (w *writer) MarkGone(ctx context.Context, gone mail.UIDSet, suspect bool) error {
	const op = "mark gone"
	if err := w.enter(ctx, op); err != nil {
		return err
	}
	suspect = suspect && !w.a.opts.AcceptLoss
	err := w.a.cat.MarkGone(context.WithoutCancel(ctx), w.a.touch(), &w.f, gone, suspect)
	return w.die(fail(op, w.f.Path, mail.ScopeFolder, err))
}

// MarkBack implements mail.Returner.
func (w *writer) MarkBack(ctx context.Context, uids mail.UIDSet) (back mail.UIDSet, err error) {
	const op = "mark current"
	if err := w.enter(ctx, op); err != nil {
		return back, err
	}
	w.a.touch()
	back, err = w.a.cat.MarkBack(context.WithoutCancel(ctx), &w.f, uids)
	return back, w.die(fail(op, w.f.Path, mail.ScopeFolder, err))
}
