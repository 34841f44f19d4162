package maildir

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"mailferry/archive/disk"
	"mailferry/transfer/mail"
)

// Files calls fn with the place of each file that other programs take for a
// message, in no order.
func Files(fsys disk.FS, dir string, fn func(place string) error) error {
	for _, sub := range []string{"cur", "new"} {
		err := fsys.List(path.Join(dir, sub), func(entries []fs.DirEntry) error {
			for _, e := range entries {
				if strings.HasPrefix(e.Name(), ".") || e.IsDir() {
					continue
				}
				if err := fn(sub + "/" + e.Name()); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Clean removes what a run that was killed left in a folder: files of ours in
// tmp/ and small files half written.
func Clean(fsys disk.FS, dir string) error {
	var left []string
	collect := func(sub string, ours func(name string) bool) error {
		err := fsys.List(path.Join(dir, sub), func(entries []fs.DirEntry) error {
			for _, e := range entries {
				// A folder may have the name of a file half written.
				if !e.IsDir() && ours(e.Name()) {
					left = append(left, path.Join(dir, sub, e.Name()))
				}
			}
			return nil
		})
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	err := collect("tmp", func(name string) bool { _, ok := ParseName(Base(name)); return ok })
	if err == nil {
		err = collect("", func(name string) bool { return strings.HasSuffix(name, disk.Unfinished) })
	}
	if err != nil {
		return err
	}
	for _, name := range left {
		if err := fsys.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Found is what a message's file tells by itself.
type Found struct {
	Staged
	Name  Name
	Date  time.Time  // the file's, which is INTERNALDATE in UTC
	Flags mail.Flags // those that have letters
	Whole bool       // the file has the size its name states
}

// Inspect reads a message's file. Its base name must be of ours.
func Inspect(fsys disk.FS, dir, place string, keywords Keywords) (Found, error) {
	full := path.Join(dir, place)
	info, err := fsys.Stat(full)
	if err != nil {
		return Found{}, err
	}
	file := path.Base(place)
	name, ok := ParseName(Base(file))
	if !ok || !info.Mode().IsRegular() {
		return Found{}, fs.ErrInvalid
	}
	f, err := fsys.Open(full)
	if err != nil {
		return Found{}, err
	}
	defer f.Close()
	var d Decoder
	d.Reset(file, f)
	e := newExamined()
	if _, err := io.Copy(e, &d); err != nil {
		return Found{}, err
	}
	stated, known := SizeIn(file)
	return Found{Name: name, Date: info.ModTime().UTC().Truncate(time.Second), Flags: keywords.Flags(file),
		Whole:  !known || stated == info.Size(),
		Staged: Staged{Place: place, Size: e.form.size, Sum: e.sum(), Key: e.key()}}, nil
}

// Directories calls fn for each directory of the root that is a folder's.
func Directories(fsys disk.FS, fn func(dir string) error) error {
	var dirs []string
	err := fsys.List(".", func(entries []fs.DirEntry) error {
		for _, e := range entries {
			if e.IsDir() && !Unrelated(e.Name()) {
				dirs = append(dirs, e.Name())
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if _, err := fsys.Stat("cur"); err == nil {
		dirs = append(dirs, inboxDir)
	}
	for _, dir := range dirs {
		if info, err := fsys.Stat(path.Join(dir, "cur")); err != nil || !info.IsDir() {
			continue
		}
		if err := fn(dir); err != nil {
			return err
		}
	}
	return nil
}

// FolderIn returns the folder of a directory, with the help of NameFile.
func FolderIn(fsys disk.FS, dir string) (mail.Path, bool) {
	if !IsShort(dir) {
		return PathOf(dir)
	}
	text, err := disk.ReadSmall(fsys, path.Join(dir, NameFile))
	if err != nil || text == "" {
		return mail.Path{}, false
	}
	return PathOf(strings.TrimSuffix(text, "\n"))
}
