package disk

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"
	"syscall"
	"time"
)

// Root is the FS of a real directory.
type Root struct {
	root  *os.Root
	near  near
	whole wholeSync
}

var _ FS = (*Root)(nil)

// OpenRoot returns the FS of dir, which must be there. The caller closes it.
func OpenRoot(dir string) (*Root, error) {
	r, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Root{root: r}, nil
}

// Close frees the directory. Files opened from it stay usable.
func (r *Root) Close() error { return errors.Join(r.near.leave(), r.root.Close()) }

func (r *Root) Create(name string) (File, error) {
	f, err := r.openFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return nil, err
	}
	return file{f, &r.whole}, nil
}

func (r *Root) openFile(name string, flag int) (f *os.File, err error) {
	err = r.file(name, func(d dir, base string) error {
		f, err = d.openFile(base, flag)
		return err
	})
	if err == errLink {
		return r.root.OpenFile(name, flag, 0o600)
	}
	return f, named(err, name)
}

func (r *Root) Peek(name string, p []byte) (n int, err error) {
	err = r.file(name, func(d dir, base string) error {
		n, err = d.peek(base, p)
		return err
	})
	if err == errLink {
		return 0, &fs.PathError{Op: "peek", Path: name, Err: err}
	}
	return n, named(err, name)
}

// named says the whole name of a file in an error.
func named(err error, name string) error {
	var e *fs.PathError
	if errors.As(err, &e) {
		return &fs.PathError{Op: e.Op, Path: name, Err: e.Err}
	}
	return err
}

type file struct {
	*os.File
	whole *wholeSync
}

// startLeast is how large a file has to be for its writing to be started alone. The hint costs twice
// of what writing a smaller one does, if all will be written together.
const startLeast = 32 << 10

func (f file) Flushing() {
	if at, err := f.Seek(0, io.SeekCurrent); err == nil && at < startLeast && f.whole.fit() {
		return
	}
	startWriting(f.File)
}

// errIrregular: what is read from a pipe or a device may have no end.
var errIrregular = errors.New("it is no regular file")

func (r *Root) Open(name string) (Reading, error) {
	// A pipe would be waited for until somebody writes to it.
	f, err := r.openFile(name, os.O_RDONLY|syscall.O_NONBLOCK)
	if errors.Is(err, syscall.EAGAIN) {
		f, err = r.openFile(name, os.O_RDONLY) // a regular file, that a file server has to give back first
	}
	if err != nil {
		return nil, err // and not a nil *os.File
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: name, Err: errIrregular}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (r *Root) Update(name string) (Updating, error) {
	f, err := r.root.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (r *Root) Stat(name string) (fs.FileInfo, error) { return r.root.Lstat(name) }

func (r *Root) Rename(from, to string) error {
	err := r.rename(from, to)
	if err == errLink {
		return r.root.Rename(from, to)
	}
	return err
}

func (r *Root) Remove(name string) error { return r.root.Remove(name) }

func (r *Root) Mkdir(name string) error { return r.root.Mkdir(name, 0o700) }

func (r *Root) Chtimes(name string, t time.Time) error {
	err := r.file(name, func(d dir, base string) error { return d.chtimes(base, t) })
	if err == errLink {
		return r.root.Chtimes(name, t, t)
	}
	return named(err, name)
}

// listed is how many names are read at once: a folder may hold a million.
const listed = 4096

func (r *Root) List(name string, fn func([]fs.DirEntry) error) error {
	d, err := r.root.Open(name)
	if err != nil {
		return err
	}
	defer d.Close()
	for {
		entries, err := d.ReadDir(listed)
		if len(entries) > 0 {
			if err := fn(entries); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// syncers is how many files are synced at once: file systems answer fsyncs that
// wait together by one write of their journal.
const syncers = 16

func (r *Root) Sync(files []File) error {
	if done, err := r.whole.sync(files); done {
		return err
	}
	work := make(chan File, len(files))
	for _, f := range files {
		work <- f
	}
	close(work)
	errs := make([]error, min(syncers, len(files)))
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			for f := range work {
				if err := f.(file).File.Sync(); err != nil {
					errs[i] = err
					return
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (r *Root) SyncDir(name string) error {
	d, err := r.root.Open(name)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrInvalid) {
		return err
	}
	return nil
}
