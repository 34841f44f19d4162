package foreign

import (
	"context"
	"errors"
	"io"

	"mailferry/archive/mbox"
)

// scanOwn reads a file of an archive of ours, which may have messages of other programs too.
func (m *Mbox) scanOwn(ctx context.Context, r *Report, fn func(*Message) error) error {
	var failed error // of fn
	err := mbox.Scan(io.NewSectionReader(m.data, m.first, m.size-m.first), m.first, func(e *mbox.Entry) error {
		var msg *Message
		var err error
		switch e.Kind {
		case mbox.Own:
			msg, err = m.ownMessage(ctx, e)
			if errors.Is(err, mbox.ErrTorn) {
				r.Torn++
				return nil
			}
		case mbox.Foreign:
			msg, err = m.foreignAt(ctx, e.At)
		default:
			return nil
		}
		if errors.Is(err, mbox.ErrDamaged) {
			r.Damaged = append(r.Damaged, e.At)
			return nil
		}
		if err != nil {
			return err
		}
		r.Messages++
		failed = fn(msg)
		return failed
	})
	if failed != nil {
		return failed
	}
	return m.wrap(err)
}

// ownMessage reads a message that an archive has stored. One that another program has edited since
// is that program's.
func (m *Mbox) ownMessage(ctx context.Context, e *mbox.Entry) (*Message, error) {
	seen, err := mbox.Measure(watched{ctx, e.Body})
	if err != nil && err != io.ErrUnexpectedEOF {
		return nil, err
	}
	_, err = e.End()
	if err == nil && seen.Sum != e.Meta.Sum {
		err = mbox.ErrDamaged
	}
	if errors.Is(err, mbox.ErrDamaged) && e.Meta.Rewritten {
		return m.foreignAt(ctx, e.At)
	}
	if err != nil {
		return nil, err
	}
	return &Message{At: e.At, Size: seen.Size, Sum: seen.Sum, Key: seen.Key, Flags: e.Meta.Flags, Date: e.Meta.Date, own: true}, nil
}

func (m *Mbox) foreignAt(ctx context.Context, at int64) (*Message, error) {
	raw, err := m.walk(at).next()
	if err != nil {
		return nil, err
	}
	return m.message(ctx, raw)
}

func (m *Mbox) ownAt(ctx context.Context, at int64) (msg *Message, err error) {
	err = mbox.Scan(io.NewSectionReader(m.data, at, m.size-at), at, func(e *mbox.Entry) error {
		if e.Kind == mbox.Own {
			msg, err = m.ownMessage(ctx, e)
		} else {
			msg, err = m.foreignAt(ctx, at)
		}
		if err == nil {
			err = errStop
		}
		return err
	})
	if err == errStop {
		return msg, nil
	}
	if err == nil {
		err = mbox.ErrNotThere
	}
	return nil, m.wrap(err)
}
