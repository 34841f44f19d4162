//go:build !linux

package disk

import (
	"errors"
	"io"
	"os"
	"path"
	"syscall"
	"time"
)

// dir is a directory that stays open.
type dir struct{ root *os.Root }

func openDir(root *os.Root, name string) (dir, error) {
	r, err := root.OpenRoot(name)
	return dir{r}, err
}

func (d dir) close() error { return d.root.Close() }

func (d dir) openFile(base string, flag int) (*os.File, error) {
	return d.root.OpenFile(base, flag, 0o600)
}

func (d dir) peek(base string, p []byte) (int, error) {
	f, err := d.root.OpenFile(base, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return 0, err
	}
	n, err := f.Read(p)
	if err == io.EOF {
		err = nil
	}
	return n, errors.Join(err, f.Close())
}

func (d dir) chtimes(base string, t time.Time) error { return d.root.Chtimes(base, t, t) }

// rename: a message goes from one directory of a folder to another.
func (r *Root) rename(from, to string) error {
	folder := path.Dir(path.Dir(from))
	if folder == "." || path.Dir(path.Dir(to)) != folder {
		return errLink
	}
	return r.near.in(r.root, folder, folder, func(d, _ dir) error {
		return d.root.Rename(from[len(folder)+1:], to[len(folder)+1:])
	})
}
