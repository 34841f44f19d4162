package foreign

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// The locks of an open file (fcntl(2)): they are in the way of those that mail programs take, and do not
// end when another descriptor of this process is closed.
const setOpenFileLock = 37

// statUnlocked takes the state of a file at a moment when nobody who locks it is writing, if that moment
// comes within patience. No lock is kept.
func statUnlocked(f *os.File, patience time.Duration) (os.FileInfo, error) {
	const often = 20 * time.Millisecond
	tick := time.NewTicker(often)
	defer tick.Stop()
	for waited := time.Duration(0); waited < patience; waited += often {
		err := lockFile(f, syscall.F_RDLCK)
		if err == nil {
			info, err := f.Stat()
			return info, errors.Join(err, lockFile(f, syscall.F_UNLCK))
		}
		if !errors.Is(err, syscall.EAGAIN) && !errors.Is(err, syscall.EACCES) {
			break // the file system has no locks
		}
		<-tick.C
	}
	return f.Stat()
}

func lockFile(f *os.File, kind int16) error {
	return syscall.FcntlFlock(f.Fd(), setOpenFileLock, &syscall.Flock_t{Type: kind})
}
