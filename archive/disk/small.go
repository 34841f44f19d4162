package disk

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
)

// Unfinished ends the name of a small file that Replace has not put in its place yet.
const Unfinished = ".mailferry-new"

// Replace writes a small file so that, whatever happens, it is there whole or as it was before.
// It is durable when Replace returns.
func Replace(fsys FS, name, text string) error {
	return ReplaceAll(fsys, map[string]string{name: text})
}

// openAtOnce is how many files ReplaceAll has open.
const openAtOnce = 64

// ReplaceAll is Replace for many files, by their names, which wait for the disk together. After an error some may have
// been replaced.
func ReplaceAll(fsys FS, texts map[string]string) error {
	for names := range slices.Chunk(slices.Sorted(maps.Keys(texts)), openAtOnce) {
		if err := stage(fsys, names, texts); err != nil {
			return err
		}
		var dirs []string
		for _, name := range names {
			if err := fsys.Rename(name+Unfinished, name); err != nil {
				return err
			}
			dirs = append(dirs, path.Dir(name))
		}
		if err := SyncDirs(fsys, dirs); err != nil {
			return err
		}
	}
	return nil
}

// stage writes files beside those that they are to replace. After an error none of them is there.
func stage(fsys FS, names []string, texts map[string]string) (err error) {
	var files []File
	for i := 0; err == nil && i < len(names); i++ {
		var f File
		if f, err = create(fsys, names[i]+Unfinished); err == nil {
			files = append(files, f)
			_, err = io.WriteString(f, texts[names[i]])
		}
	}
	if err == nil {
		err = fsys.Sync(files)
	}
	for _, f := range files {
		err = errors.Join(err, f.Close())
	}
	for i := 0; err != nil && i < len(files); i++ {
		err = errors.Join(err, fsys.Remove(names[i]+Unfinished))
	}
	return err
}

// create creates a file in the place of one that a crash has left.
func create(fsys FS, name string) (File, error) {
	if err := fsys.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return fsys.Create(name)
}

// SyncDirs makes durable what names are in directories, each of them once.
func SyncDirs(fsys FS, dirs []string) error {
	slices.Sort(dirs)
	for _, dir := range slices.Compact(dirs) {
		if err := fsys.SyncDir(dir); err != nil {
			return err
		}
	}
	return nil
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
