package disk

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// wholeSync makes many new files durable at once by syncfs, which on some file systems
// takes one write of the journal where fsync takes one per file. It writes what others have
// written, too: where that takes long, fsync is used for a while.
type wholeSync struct {
	mu    sync.Mutex
	known bool // whether this file system and kernel do what syncfs promises
	fits  bool
	pause int // groups to come that use fsync
}

const (
	wholeLeast = 8                      // files from which on it pays
	wholeSlow  = 300 * time.Millisecond // a sync this long had others' data to write
	wholePause = 50
)

// sync reports whether it has done the work.
func (w *wholeSync) sync(files []File) (done bool, err error) {
	if len(files) < wholeLeast {
		return false, nil
	}
	// The first was opened before any other was written: errors are told to who opened before them.
	fd := int(files[0].(file).Fd())
	if !w.use(fd) {
		return false, nil
	}
	start := time.Now()
	if err := unix.Syncfs(fd); err != nil {
		return false, nil // fsync tells which file it is about
	}
	if time.Since(start) > wholeSlow {
		w.mu.Lock()
		w.pause = wholePause
		w.mu.Unlock()
	}
	return true, nil
}

func (w *wholeSync) use(fd int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.known {
		w.known, w.fits = true, reportsErrors() && durableWhole(fd)
	}
	if w.pause > 0 {
		w.pause--
		return false
	}
	return w.fits
}

// fit reports whether the next files will be synced at once, as far as is known.
func (w *wholeSync) fit() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.fits && w.pause == 0
}

// durableWhole names the file systems whose syncfs was looked at. FUSE, for one, may do nothing.
func durableWhole(fd int) bool {
	var st unix.Statfs_t
	if err := unix.Fstatfs(fd, &st); err != nil {
		return false
	}
	return st.Type == unix.EXT4_SUPER_MAGIC || st.Type == unix.XFS_SUPER_MAGIC
}

// reportsErrors: since Linux 5.8, syncfs fails when data could not be written.
func reportsErrors() bool {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return false
	}
	var version [2]int
	part := 0
	for _, c := range u.Release {
		switch {
		case c >= '0' && c <= '9' && part < 2:
			version[part] = version[part]*10 + int(c-'0')
		case c == '.' && part == 0:
			part = 1
		default:
			return version[0] > 5 || version[0] == 5 && version[1] >= 8
		}
	}
	return false
}
