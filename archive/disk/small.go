package disk

import (
	"errors"
	"io"
	"io/fs"
	"path"
)

// Unfinished ends the name of a small file that Replace has not put in its place yet.
const Unfinished = ".mailferry-new"

// Replace writes a small file so that, whatever happens, it is there whole or as it was before.
// It is durable when Replace returns.
func Replace(fsys FS, name, text string) error {
	tmp := name + Unfinished
	if err := fsys.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := fsys.Create(tmp)
	if err != nil {
		return err
	}
	if _, err = io.WriteString(f, text); err == nil {
		err = fsys.Sync([]File{f})
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, fsys.Remove(tmp))
	}
	if err := fsys.Rename(tmp, name); err != nil {
		return err
	}
	return fsys.SyncDir(path.Dir(name))
}

// ReadSmall reads a file that is small by its nature; "" if it is not there.
func ReadSmall(fsys FS, name string) (string, error) {
	f, err := fsys.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 1<<20))
	return string(text), err
}
