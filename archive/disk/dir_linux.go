package disk

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// dir is a directory that stays open. Names in it are single parts and links are not followed, so that nothing
// leads out of it. An *os.Root would do, at the price of three times as many system calls for a small file.
type dir struct{ f *os.File }

func openDir(root *os.Root, name string) (dir, error) {
	f, err := root.OpenFile(name, os.O_RDONLY|unix.O_DIRECTORY, 0)
	return dir{f}, err
}

func (d dir) close() error { return d.f.Close() }

func (d dir) fd() int { return int(d.f.Fd()) }

// open returns errLink for a link: where it may lead, an *os.Root knows.
func (d dir) open(base string, flag int) (fd int, err error) {
	err = again(func() (err error) {
		fd, err = unix.Openat(d.fd(), base, flag|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
		return err
	})
	if err == unix.ELOOP {
		return -1, errLink
	}
	return fd, failed("openat", base, err)
}

func (d dir) openFile(base string, flag int) (*os.File, error) {
	fd, err := d.open(base, flag)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), base), nil
}

// peek leaves the time of the last access as it is, which would have to be written for each file. Only who owns a file may
// read it so.
func (d dir) peek(base string, p []byte) (n int, err error) {
	// Without waiting, a pipe is an empty file; a regular one never waits.
	fd, err := d.open(base, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOATIME)
	if errors.Is(err, unix.EPERM) {
		fd, err = d.open(base, os.O_RDONLY|unix.O_NONBLOCK)
	}
	if err != nil {
		return 0, err
	}
	err = again(func() (err error) {
		n, err = unix.Read(fd, p)
		return err
	})
	return max(n, 0), errors.Join(failed("read", base, err), failed("close", base, unix.Close(fd)))
}

func (d dir) chtimes(base string, t time.Time) error {
	at, err := unix.TimeToTimespec(t)
	if err == nil {
		err = unix.UtimesNanoAt(d.fd(), base, []unix.Timespec{at, at}, unix.AT_SYMLINK_NOFOLLOW)
	}
	return failed("utimensat", base, err)
}

// rename does not follow links: it is the link itself that gets another name.
func (r *Root) rename(from, to string) error {
	in, base, ok := split(from)
	dest, name, also := split(to)
	if !ok || !also {
		return errLink
	}
	return r.near.in(r.root, in, dest, func(a, b dir) error {
		return failed("renameat", from, unix.Renameat(a.fd(), base, b.fd(), name))
	})
}

// again repeats what a signal has interrupted.
func again(do func() error) error {
	for {
		if err := do(); err != syscall.EINTR {
			return err
		}
	}
}

func failed(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}
