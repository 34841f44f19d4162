package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"strconv"

	"github.com/gofrs/flock"

	"mailferry/transfer/mail"
)

// lockState is what a lock file says.
type lockState struct {
	PID   int       // who holds the lock, or held it when it died; 0: nobody
	Clean *fileMark // what the ledger was like when it was last closed; nil: it was not
}

// fileMark recognises a file's content.
type fileMark struct {
	Size int64
	CRC  uint32
}

func (s lockState) String() string {
	text := ""
	if s.PID != 0 {
		text += fmt.Sprintf("pid %d\n", s.PID)
	}
	if s.Clean != nil {
		text += fmt.Sprintf("clean %d %08x\n", s.Clean.Size, s.Clean.CRC)
	}
	return text
}

// parseLock reads what String wrote. Anything else says nothing, which makes
// the ledger be checked thoroughly.
func parseLock(text []byte) (s lockState) {
	for line := range bytes.Lines(text) {
		fields := bytes.Fields(line)
		switch {
		case !bytes.HasSuffix(line, []byte("\n")):
			return lockState{}
		case len(fields) == 2 && string(fields[0]) == "pid":
			pid, err := strconv.Atoi(string(fields[1]))
			if err != nil || pid <= 0 {
				return lockState{}
			}
			s.PID = pid
		case len(fields) == 3 && string(fields[0]) == "clean":
			size, err1 := strconv.ParseInt(string(fields[1]), 10, 64)
			crc, err2 := strconv.ParseUint(string(fields[2]), 16, 32)
			if err1 != nil || err2 != nil || size < 0 {
				return lockState{}
			}
			s.Clean = &fileMark{size, uint32(crc)}
		default:
			return lockState{}
		}
	}
	return s
}

// lockFile is a held lock.
type lockFile struct {
	path   string
	flock  *flock.Flock
	before lockState // as it was found
	isNew  bool      // there was none
}

// takeLock locks the ledger at path for this process and writes its pid beside
// what the lock file said before.
func takeLock(path string) (*lockFile, error) {
	l := &lockFile{path: path + ".lock"}
	if _, err := os.Lstat(l.path); errors.Is(err, fs.ErrNotExist) {
		l.isNew = true
	}
	l.flock = flock.New(l.path, flock.SetPermissions(0o600))
	ok, err := l.flock.TryLock()
	if err != nil {
		return nil, fail("lock the ledger", path, err)
	}
	if !ok {
		return nil, heldBy(path, readLock(l.path).PID)
	}
	l.before = readLock(l.path)
	if err := l.write(lockState{PID: os.Getpid(), Clean: l.before.Clean}); err != nil {
		return nil, errors.Join(fail("lock the ledger", path, err), l.flock.Close())
	}
	return l, nil
}

func heldBy(path string, pid int) error {
	who := "another run"
	if pid != 0 {
		who = fmt.Sprintf("another run (process %d)", pid)
	}
	return &mail.Error{Op: "lock the ledger", Scope: mail.ScopeStore, Retry: mail.RetryNever, Kind: mail.KindLocked,
		Hint: "wait until that run has ended, or stop it",
		Err:  fmt.Errorf("%s is in use by %s", strconv.Quote(path), who)}
}

func readLock(path string) lockState {
	text, err := os.ReadFile(path)
	if err != nil {
		return lockState{}
	}
	return parseLock(text)
}

// write replaces the content of the lock file, durably: a mark of an older state
// that survives a power cut would make the ledger look damaged.
func (l *lockFile) write(s lockState) error {
	f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(s.String())
	return errors.Join(err, f.Sync(), f.Close())
}

// inUse says that the ledger is about to change.
func (l *lockFile) inUse() error { return l.write(lockState{PID: os.Getpid()}) }

// giveUp frees the lock and leaves it saying what it said before.
func (l *lockFile) giveUp() error {
	return errors.Join(l.write(lockState{PID: l.before.PID, Clean: l.before.Clean}), l.flock.Close())
}

// release frees the lock and says what the closed ledger looks like.
func (l *lockFile) release(clean *fileMark) error {
	var err error
	if clean != nil {
		err = l.write(lockState{Clean: clean})
	}
	return errors.Join(err, l.flock.Close())
}

// markOf reads a ledger that nobody has open. A file with a write-ahead log
// beside it was not closed, and has no mark.
func markOf(path string) (*fileMark, error) {
	if wal, err := os.Stat(path + "-wal"); err == nil && wal.Size() > 0 {
		return nil, nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := crc32.NewIEEE()
	n, err := io.Copy(h, f)
	if err != nil {
		return nil, err
	}
	return &fileMark{n, h.Sum32()}, nil
}

var errOlder = &damage{"it is not what the last run left: damaged, or replaced by an older copy"}

// unchanged reports whether the ledger is proved to be as the last run left it. It
// is an error if it is proved not to be.
func unchanged(path string, s lockState) (bool, error) {
	if s.Clean == nil {
		return false, nil
	}
	now, err := markOf(path)
	if err != nil {
		return false, err
	}
	if now == nil || *now != *s.Clean {
		return false, errOlder
	}
	return true, nil
}
