package ledger

import (
	"bytes"
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"time"
)

// snapshot is a database file with what its write-ahead log adds.
type snapshot struct {
	image  []byte // nil: there is no ledger
	proved bool   // it is what the last run left
}

// takeSnapshot reads a ledger that may be changing. SQLite itself cannot read a
// database in WAL mode without making files beside it.
func takeSnapshot(path string) (snapshot, error) {
	const tries = 5
	for range tries {
		s, settled, err := trySnapshot(path)
		if settled || err != nil {
			return s, err
		}
	}
	return snapshot{}, errChanging()
}

// trySnapshot reads the file first and its log afterwards. What a checkpoint
// changes in the file meanwhile is in the log too, for as long as the log does
// not begin anew, which changes its header. Without a log the file itself must
// not have changed.
func trySnapshot(path string) (s snapshot, settled bool, err error) {
	lock := readLock(path + ".lock")
	before, err := stamp(path)
	if err != nil {
		return s, false, err
	}
	header, err := walHeaderOf(path + "-wal")
	if err != nil {
		return s, false, err
	}
	file, err := readIfThere(path)
	if err != nil {
		return s, false, err
	}
	log, err := readIfThere(path + "-wal")
	if err != nil {
		return s, false, err
	}
	headerAfter, err := walHeaderOf(path + "-wal")
	if err != nil {
		return s, false, err
	}
	after, err := stamp(path)
	if err != nil {
		return s, false, err
	}
	switch {
	case !bytes.Equal(header, headerAfter), !bytes.HasPrefix(log, header), len(header) == 0 && len(log) > 0,
		len(header) == 0 && before != after, lock.String() != readLock(path+".lock").String():
		return s, false, nil
	case file == nil:
		return s, true, nil
	case cutOff(int64(len(file))) != nil:
		return s, false, cutOff(int64(len(file)))
	case walDamaged(log):
		// It also looks like that if it was written while it was read.
		again, err := readIfThere(path + "-wal")
		if err == nil && bytes.Equal(again, log) {
			err = errLog
		}
		return s, false, err
	}
	if s.proved, err = imageUnchanged(file, log, lock); err != nil {
		return s, false, err
	}
	if len(file) > 0 {
		s.image = rollbackMode(applyWAL(file, log))
	}
	return s, true, nil
}

// imageUnchanged is unchanged for a file that has been read.
func imageUnchanged(file, log []byte, lock lockState) (bool, error) {
	switch {
	case lock.Clean == nil:
		return false, nil
	case len(log) > 0, *lock.Clean != fileMark{int64(len(file)), crc32.ChecksumIEEE(file)}:
		return false, errOlder
	}
	return true, nil
}

// rollbackMode clears the mark of WAL mode (bytes 18 and 19 of the header),
// because a database in memory has no place for a log.
func rollbackMode(image []byte) []byte {
	if len(image) >= 20 && image[18] == 2 && image[19] == 2 {
		image[18], image[19] = 1, 1
	}
	return image
}

// fileStamp tells two states of a file apart.
type fileStamp struct {
	size int64
	time time.Time
}

func stamp(path string) (fileStamp, error) {
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fileStamp{}, nil
	}
	if err != nil {
		return fileStamp{}, err
	}
	return fileStamp{st.Size(), st.ModTime()}, nil
}

func readIfThere(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

func walHeaderOf(path string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	header := make([]byte, walHeaderSize)
	n, err := io.ReadFull(f, header)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return header[:n], err
}
