package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"

	"mailferry/archive/catalogue"
	"mailferry/transfer/mail"
)

const (
	fetchPage = 500
	inMemory  = 1 << 20 // larger messages are read twice
)

// Fetch delivers only messages whose octets are as they were stored, unless the
// archive was opened with Options.WithDamaged; Withheld says why one did not come.
func (r *reader) Fetch(ctx context.Context, uids mail.UIDSet, fn func(mail.Info, io.Reader) error) error {
	const op = "fetch"
	if err := r.enter(ctx, op); err != nil {
		return err
	}
	r.withheld = nil
	var told error
	for _, part := range uids.Ranges() {
		err := r.each(ctx, catalogue.Part{First: part.First, Last: part.Last, Of: catalogue.Stored}, fetchPage, func(list []catalogue.Message) error {
			var err error
			told, err = r.deliverAll(ctx, list, fn)
			if told != nil {
				return told
			}
			return err
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

// looks is how often a message is looked for before it is missing. While a run renames files, a listing of the
// directory may miss one; while other programs do, it is soon out of date.
const looks = 6

// deliverAll returns fn's error apart from others.
func (r *reader) deliverAll(ctx context.Context, list []catalogue.Message, fn func(mail.Info, io.Reader) error) (told, err error) {
	for look := range looks {
		var missing []catalogue.Message
		for i := range list {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			m := &list[i]
			delete(r.withheld, m.UID)
			if told := r.deliver(m, fn); told != nil {
				return told, nil
			}
			if errors.Is(r.withheld[m.UID], errMissing) {
				missing = append(missing, *m)
			}
		}
		if len(missing) == 0 || look > 0 && r.a.state() != "" {
			break
		}
		list = missing
		r.shelf.forget()
	}
	return nil, nil
}

// deliver returns fn's error.
func (r *reader) deliver(m *catalogue.Message, fn func(mail.Info, io.Reader) error) error {
	info := infoOf(m, mail.ListOptions{Flags: true, Size: true, Date: true})
	if m.Size <= inMemory {
		raw, err := r.readWhole(m)
		if raw == nil {
			r.withhold(m, err)
			return nil
		}
		info.Size = int64(len(raw))
		r.body.Reset(raw)
		return fn(info, &r.body)
	}
	size, err := r.check(m)
	if err != nil && !(errors.Is(err, errChanged) && r.a.opts.WithDamaged) {
		r.withhold(m, err)
		return nil
	}
	info.Size = size
	body, err := r.open(m)
	if err != nil {
		r.withhold(m, err)
		return nil
	}
	defer body.Close()
	return fn(info, &bounded{r: body, left: size})
}

func (r *reader) open(m *catalogue.Message) (io.ReadCloser, error) {
	body, err := r.shelf.open(m.Place)
	if !errors.Is(err, fs.ErrNotExist) {
		return body, err
	}
	// Another process may have renamed it since it was looked up.
	now, lerr := r.a.cat.Messages(context.Background(), r.f.ID, catalogue.View{Gone: true}, catalogue.Part{First: m.UID, Last: m.UID, Limit: 1})
	if lerr == nil && len(now) == 1 && now[0].Place != m.Place {
		if body, err = r.shelf.open(now[0].Place); !errors.Is(err, fs.ErrNotExist) {
			return body, err
		}
	}
	return nil, errMissing
}

// readWhole returns nil for a message that must not be delivered.
func (r *reader) readWhole(m *catalogue.Message) ([]byte, error) {
	raw, ok := r.shelf.glance(m.Place, m.Size, r.buf)
	if r.buf = raw; ok && sha256.Sum256(raw) == m.Sum {
		return raw, nil
	}
	return r.readSlowly(m)
}

// readSlowly reads a message that is moved, rewritten or damaged.
func (r *reader) readSlowly(m *catalogue.Message) ([]byte, error) {
	body, err := r.open(m)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	buf := bytes.NewBuffer(r.buf[:0])
	// A file that has grown beyond belief is not what was stored.
	_, err = buf.ReadFrom(io.LimitReader(body, 2*inMemory))
	if r.buf = buf.Bytes(); r.buf == nil {
		r.buf = []byte{}
	}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), err == nil && sha256.Sum256(r.buf) != m.Sum:
		err = errChanged
	case err != nil:
		return nil, err
	}
	if err != nil && !r.a.opts.WithDamaged {
		return nil, err
	}
	return r.buf, err
}

// check reads a message without delivering it.
func (r *reader) check(m *catalogue.Message) (size int64, err error) {
	body, err := r.open(m)
	if err != nil {
		return 0, err
	}
	defer body.Close()
	h := sha256.New()
	size, err = io.Copy(h, body)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return size, errChanged
	}
	if err != nil {
		return 0, err
	}
	if [sha256.Size]byte(h.Sum(nil)) != m.Sum {
		return size, errChanged
	}
	return size, nil
}

// bounded yields exactly so many octets, or io.ErrUnexpectedEOF.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	if err == io.EOF && b.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}
