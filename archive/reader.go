package archive

import (
	"bytes"
	"context"
	"errors"
	"math"

	"mailferry/archive/catalogue"
	"mailferry/archive/maildir"
	"mailferry/transfer/mail"
)

// reader is a session on one folder.
type reader struct {
	a        *Archive
	f        catalogue.Folder
	status   mail.Status
	shelf    shelf
	buf      []byte
	body     bytes.Reader // of the message that is being delivered
	withheld map[mail.UID]error
	closed   bool
	dead     error // the error after which only Close is allowed
}

var (
	_ mail.OriginIndex = (*reader)(nil)
	_ mail.Withholder  = (*reader)(nil)
)

func (a *Archive) OpenReader(ctx context.Context, path mail.Path) (mail.Reader, error) {
	r, err := a.openReader(ctx, "open", path)
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (a *Archive) openReader(ctx context.Context, op string, path mail.Path) (*reader, error) {
	if err := a.usable(ctx, op, path); err != nil {
		return nil, err
	}
	f, err := a.visible(ctx, op, path)
	if err != nil {
		return nil, err
	}
	st, err := a.status(ctx, f)
	if err != nil {
		return nil, fail(op, path, mail.ScopeFolder, err)
	}
	return &reader{a: a, f: f, status: withPermanent(st), shelf: a.format.shelf(f.Dir)}, nil
}

func (r *reader) Status() mail.Status { return r.status }

func (r *reader) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	return fail("close", r.f.Path, mail.ScopeFolder, r.shelf.close())
}

// enter is the start of every method.
func (r *reader) enter(ctx context.Context, op string) error {
	switch {
	case r.closed:
		return fail(op, r.f.Path, mail.ScopeFolder, errClosed)
	case r.dead != nil:
		return r.dead
	}
	if err := fail(op, r.f.Path, mail.ScopeFolder, ctx.Err()); err != nil {
		return r.die(err)
	}
	return nil
}

// die keeps an error that is wider than a message.
func (r *reader) die(err error) error {
	if err != nil && r.dead == nil && mail.ErrorOf(err).Scope != mail.ScopeMessage {
		r.dead = err
	}
	return err
}

const maxUID = mail.UID(math.MaxUint32)

// page is how many messages are asked of the catalogue at once, so that a
// writer beside this reader never waits long.
const page = 1000

// each calls fn for the messages of part, a page at a time. Between the pages the catalogue is free.
func (r *reader) each(ctx context.Context, part catalogue.Part, size int, fn func([]catalogue.Message) error) error {
	part.Limit = size
	for {
		list, err := r.a.cat.Messages(ctx, r.f.ID, r.a.view, part)
		if err != nil {
			return err
		}
		if len(list) > 0 {
			if err := fn(list); err != nil {
				return err
			}
		}
		if len(list) < size || list[len(list)-1].UID >= part.Last {
			return nil
		}
		part.First = list[len(list)-1].UID + 1
	}
}

func (r *reader) List(ctx context.Context, opts mail.ListOptions, fn func(mail.Info) error) error {
	const op = "list"
	if err := r.enter(ctx, op); err != nil {
		return err
	}
	ranges := []mail.Range{{First: max(opts.From, 1), Last: maxUID}}
	if opts.Only != nil {
		ranges = opts.Only.Ranges()
	}
	of := catalogue.Listed
	if opts.Key {
		of = catalogue.Everything
	}
	var told error // fn's error goes back as it is
	for _, part := range ranges {
		first := max(part.First, opts.From)
		if first > part.Last {
			continue
		}
		err := r.each(ctx, catalogue.Part{First: first, Last: part.Last, Since: opts.ChangedSince, Of: of}, page, func(list []catalogue.Message) error {
			for i := range list {
				if err := ctx.Err(); err != nil {
					return err
				}
				if told = fn(infoOf(&list[i], opts)); told != nil {
					return told
				}
			}
			return nil
		})
		if told != nil {
			return r.die(told)
		}
		if err != nil {
			return r.die(fail(op, r.f.Path, mail.ScopeFolder, err))
		}
	}
	return nil
}

func infoOf(m *catalogue.Message, opts mail.ListOptions) mail.Info {
	info := mail.Info{UID: m.UID, ModSeq: m.ModSeq}
	if opts.Flags {
		info.Flags = m.Flags
	}
	if opts.Size {
		info.Size = m.Size
	}
	if opts.Date {
		info.InternalDate = m.Date
	}
	if opts.Key {
		info.Key = m.Key
	}
	return info
}

// Origins implements mail.OriginIndex.
func (r *reader) Origins(ctx context.Context, from mail.Origin, fn func(source, own mail.UID, certain bool) error) error {
	const op = "list origins"
	if err := r.enter(ctx, op); err != nil {
		return err
	}
	var told error
	err := r.a.cat.Origins(ctx, r.f.ID, maildir.FolderHash(from.Folder), from.UIDValidity,
		func(own, uid mail.UID, source string, path mail.Path) error {
			certain := source == from.Source && path == from.Folder
			if !certain && (source != "" || !path.IsZero()) || uid == 0 {
				return nil
			}
			told = fn(uid, own, certain)
			return told
		})
	if told != nil {
		return r.die(told)
	}
	return r.die(fail(op, r.f.Path, mail.ScopeFolder, err))
}

// Withheld implements mail.Withholder.
func (r *reader) Withheld(uid mail.UID) error { return r.withheld[uid] }

func (r *reader) withhold(m *catalogue.Message, err error) {
	if r.withheld == nil {
		r.withheld = make(map[mail.UID]error)
	}
	r.withheld[m.UID] = &mail.Error{Op: "read", Folder: r.f.Path, UID: m.UID, Scope: mail.ScopeMessage, Retry: mail.RetryNever,
		Kind: mail.KindDamaged, Hint: "verify names everything that is damaged", Err: shown{err}}
}

var (
	errMissing = errors.New("its file is missing")
	errChanged = errors.New("its file does not hold what was stored")
)
