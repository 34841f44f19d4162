package archive

import (
	"errors"
	"hash/crc32"
	"io"
	"os"
)

// seal recognises a file's content.
type seal struct {
	size int64
	crc  uint32
}

// sealOf reads a file that nobody has open. (Closing it would free SQLite's locks.)
func sealOf(path string) (seal, error) { return sealTo(path, io.Discard) }

// sealTo is sealOf, and writes to w what it reads.
func sealTo(path string, w io.Writer) (seal, error) {
	f, err := os.Open(path)
	if err != nil {
		return seal{}, err
	}
	defer f.Close()
	h := crc32.NewIEEE()
	n, err := io.Copy(io.MultiWriter(h, w), f)
	return seal{n, h.Sum32()}, err
}

// seal notes what the catalogue and its copy are like. Nobody has them open.
func (a *Archive) seal() error {
	m := mark{sealed: make(map[string]seal)}
	var uncopied error
	if a.stale {
		s, err := a.keepCopy()
		if err == nil {
			m.sealed[catalogueFile], m.sealed[copyFile] = s, s
			return a.lock.write(m)
		}
		uncopied = err // the older copy is better than none
	}
	for _, name := range []string{catalogueFile, copyFile} {
		s, err := sealOf(a.own(name))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return errors.Join(uncopied, err)
		}
		m.sealed[name] = s
	}
	return errors.Join(uncopied, a.lock.write(m))
}

// keepCopy puts a copy of the catalogue in the place of an older one, durably. The file is copied as it is: nothing is
// ever deleted from it, so that there are no gaps in it.
func (a *Archive) keepCopy() (s seal, err error) {
	tmp := a.own(copyFile + ".new")
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return s, err
	}
	s, err = sealTo(a.own(catalogueFile), f)
	if err := errors.Join(err, f.Chmod(0o600), f.Sync(), f.Close()); err != nil {
		return s, err
	}
	if err := os.Rename(tmp, a.own(copyFile)); err != nil {
		return s, err
	}
	return s, a.fs.SyncDir(ownDir)
}
