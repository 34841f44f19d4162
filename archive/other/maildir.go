package other

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"syscall"

	"mailferry/transfer/mail"
)

// maildirBox is an open Maildir.
type maildirBox struct {
	dir      string
	list     []entry
	keywords keywords
	now      []entry // the directory as it was later, by base name; nil: nobody has asked
}

func openMaildir(ctx context.Context, dir string) (_ box, err error) {
	b := &maildirBox{dir: dir}
	if b.keywords, err = readKeywords(dir); err != nil {
		return nil, err
	}
	if b.list, err = scan(ctx, dir); err != nil {
		return nil, err
	}
	if err := number(dir, b.list); err != nil {
		return nil, err
	}
	slices.SortFunc(b.list, inOrder)
	return b, nil
}

func (b *maildirBox) len() int { return len(b.list) }

func (b *maildirBox) unseen() (n int64) {
	for i := range b.list {
		if !b.keywords.flags(b.list[i]).Has(mail.Seen) {
			n++
		}
	}
	return n
}

func (b *maildirBox) close() error { return nil }

// open opens a message's file. One that has another name by now is looked for; it is gone, which is
// fs.ErrNotExist, if a listing of the directory made since then does not have it.
func (b *maildirBox) open(ctx context.Context, i int) (*os.File, error) {
	e := &b.list[i]
	f, err := os.Open(e.file(b.dir))
	const often = 20 // in a row does nobody rename a message
	for range often {
		if !errors.Is(err, fs.ErrNotExist) {
			return f, err
		}
		known := b.now != nil
		at, ok := find(b.now, e.base())
		if known && !ok {
			return nil, fs.ErrNotExist
		}
		if known {
			e.name, e.new = b.now[at].name, b.now[at].new
			if f, err = os.Open(e.file(b.dir)); !errors.Is(err, fs.ErrNotExist) {
				return f, err
			}
		}
		if b.now, err = b.again(ctx); err != nil {
			return nil, err
		}
		err = fs.ErrNotExist
	}
	return nil, errChanged
}

// again lists the directory, never as nil.
func (b *maildirBox) again(ctx context.Context) ([]entry, error) {
	list, err := scan(ctx, b.dir)
	return append([]entry{}, list...), err
}

// unreadable withholds a message whose file cannot be read, so that the others go on.
func unreadable(err error) error {
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EIO) {
		return withheld{err}
	}
	return err
}

func (b *maildirBox) info(ctx context.Context, i int, opts mail.ListOptions) (info mail.Info, err error) {
	if opts.Flags {
		info.Flags = b.keywords.flags(b.list[i])
	}
	if !opts.Size && !opts.Date && !opts.Key {
		return info, nil
	}
	f, err := b.open(ctx, i)
	if err != nil {
		return info, unreadable(err)
	}
	defer f.Close()
	if opts.Date {
		st, err := f.Stat()
		if err != nil {
			return info, err
		}
		info.InternalDate = st.ModTime().Truncate(1e9).UTC()
	}
	if opts.Size {
		if err := b.measure(i, f); err != nil {
			return info, err
		}
		info.Size = b.list[i].size
	}
	if opts.Key {
		info.Key, err = keyOf(f)
	}
	return info, err
}

// measure counts a message's octets, once.
func (b *maildirBox) measure(i int, f *os.File) error {
	if b.list[i].size >= 0 {
		return nil
	}
	n, err := wireSize(f)
	b.list[i].size = n
	return err
}

const maxHeader = 256 << 10

func keyOf(f *os.File) (mail.Key, error) {
	header, err := io.ReadAll(io.NewSectionReader(f, 0, maxHeader))
	return mail.KeyOf(header), err
}

func (b *maildirBox) body(ctx context.Context, i int) (info mail.Info, body io.ReadCloser, err error) {
	f, err := b.open(ctx, i)
	if err != nil {
		return info, nil, unreadable(err)
	}
	if info, err = b.bodyInfo(i, f); err != nil {
		f.Close()
		return info, nil, err
	}
	return info, &fileBody{wireReader: newWireReader(io.NewSectionReader(f, 0, 1<<62)), f: f}, nil
}

func (b *maildirBox) bodyInfo(i int, f *os.File) (info mail.Info, err error) {
	st, err := f.Stat()
	if err != nil {
		return info, err
	}
	if err := b.measure(i, f); err != nil {
		return info, err
	}
	return mail.Info{Flags: b.keywords.flags(b.list[i]), Size: b.list[i].size, InternalDate: st.ModTime().Truncate(1e9).UTC()}, nil
}

// fileBody is a message's octets, read from its file.
type fileBody struct {
	*wireReader
	f *os.File
}

func (b *fileBody) Close() error { return b.f.Close() }
