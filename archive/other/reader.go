package other

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"mailferry/transfer/mail"
)

// box is an open folder: messages by their place, from 0.
type box interface {
	len() int
	// info fills in what opts asks for, but the UID. Its error, and that of body, is
	// fs.ErrNotExist if the message is gone and withheld if it is there and cannot be read.
	info(ctx context.Context, i int, opts mail.ListOptions) (mail.Info, error)
	// body yields a message's octets, of which there are info's Size.
	body(ctx context.Context, i int) (mail.Info, io.ReadCloser, error)
	// unseen is -1 where it is not known.
	unseen() int64
	close() error
}

// withheld is why a message is not delivered although it is there.
type withheld struct{ error }

func (w withheld) Unwrap() error { return w.error }

// errChanged is of a message that is not what it was when the folder was opened.
var errChanged = errors.New("the file was changed while it was read")

// reader is a session on a folder.
type reader struct {
	path     mail.Path
	box      box
	status   mail.Status
	withheld map[mail.UID]error
	closed   bool
}

func newReader(path mail.Path, b box) *reader {
	return &reader{path: path, box: b, status: mail.Status{
		UIDNext: mail.UID(b.len()) + 1, Messages: uint32(b.len()), Unseen: b.unseen(), Bytes: -1}}
}

func (r *reader) Status() mail.Status { return r.status }

var errClosed = errors.New("the folder has been closed")

func (r *reader) enter(ctx context.Context, op string) error {
	if r.closed {
		return inFolder(op, r.path, errClosed)
	}
	if err := ctx.Err(); err != nil {
		return inFolder(op, r.path, err)
	}
	return nil
}

// List implements mail.Reader.
func (r *reader) List(ctx context.Context, opts mail.ListOptions, fn func(mail.Info) error) error {
	const op = "list messages"
	if err := r.enter(ctx, op); err != nil {
		return err
	}
	if opts.ChangedSince > 0 {
		return inFolder(op, r.path, errors.New("there are no mod-sequences here"))
	}
	for i := int(max(opts.From, 1)) - 1; i < r.box.len(); i++ {
		uid := mail.UID(i) + 1
		if opts.Only != nil && !opts.Only.Contains(uid) {
			continue
		}
		if err := r.enter(ctx, op); err != nil {
			return err
		}
		info, err := r.box.info(ctx, i, opts)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil && !errors.As(err, new(withheld)) {
			return inFolder(op, r.path, err)
		}
		info.UID = uid
		if err := fn(info); err != nil {
			return err
		}
	}
	return nil
}

// Fetch implements mail.Reader.
func (r *reader) Fetch(ctx context.Context, uids mail.UIDSet, fn func(mail.Info, io.Reader) error) error {
	const op = "fetch"
	for uid := range uids.All() {
		if err := r.enter(ctx, op); err != nil {
			return err
		}
		if int(uid) > r.box.len() {
			break
		}
		info, body, err := r.box.body(ctx, int(uid)-1)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if errors.As(err, new(withheld)) {
			r.withhold(uid, err)
			continue
		}
		if err != nil {
			e := classified(err)
			e.Op, e.Folder, e.UID, e.Scope = op, r.path, uid, mail.ScopeFolder
			return e
		}
		info.UID = uid
		err = fn(info, &counted{r: body, left: info.Size})
		if cerr := body.Close(); err == nil && cerr != nil {
			return inFolder(op, r.path, cerr)
		}
		if err != nil {
			return err
		}
	}
	return r.enter(ctx, op)
}

// Withheld implements mail.Withholder.
func (r *reader) Withheld(uid mail.UID) error { return r.withheld[uid] }

func (r *reader) withhold(uid mail.UID, err error) {
	if r.withheld == nil {
		r.withheld = make(map[mail.UID]error)
	}
	r.withheld[uid] = &mail.Error{Op: "read", Folder: r.path, UID: uid, Scope: mail.ScopeMessage,
		Retry: mail.RetryNever, Kind: mail.KindDamaged, Err: err}
}

// Close implements mail.Reader.
func (r *reader) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	if err := r.box.close(); err != nil {
		return inFolder("close", r.path, err)
	}
	return nil
}

// counted makes a body that is shorter or longer than it was an error.
type counted struct {
	r    io.Reader
	left int64
}

func (c *counted) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if c.left == 0 {
		return 0, c.atEnd()
	}
	if int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err := c.r.Read(p)
	c.left -= int64(n)
	if err == io.EOF && c.left > 0 {
		return n, io.ErrUnexpectedEOF
	}
	if err == io.EOF {
		err = nil
	}
	return n, err
}

func (c *counted) atEnd() error {
	var more [1]byte
	switch _, err := io.ReadFull(c.r, more[:]); err {
	case nil:
		return errChanged
	default:
		return err
	}
}
