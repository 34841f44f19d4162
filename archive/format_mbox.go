package archive

import (
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"mailferry/archive/catalogue"
	"mailferry/archive/disk"
	"mailferry/archive/mbox"
	"mailferry/archive/tree"
	"mailferry/transfer/mail"
)

type mboxFormat struct{ fs disk.FS }

func (m mboxFormat) name() Format { return MBox }

func (m mboxFormat) makeOwn() error { return m.mkdir(ownDir) }

func (m mboxFormat) mkdir(dir string) error {
	if err := m.fs.Mkdir(dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func (m mboxFormat) dir(path mail.Path, existing map[mail.Path]string) string {
	files := make([]string, 0, len(existing))
	for _, file := range existing {
		files = append(files, file)
	}
	slices.Sort(files)
	return tree.File(path, files)
}

// make creates the files, with the directories above them and what tells of names that are too long.
func (m mboxFormat) make(folders map[string]mail.Path) error {
	texts := make(map[string]string)
	var changed []string // directories
	for _, file := range slices.Sorted(maps.Keys(folders)) {
		for dir := path.Dir(file); dir != "."; dir = path.Dir(dir) {
			changed = append(changed, dir)
		}
		if err := m.mkdirs(path.Dir(file)); err != nil {
			return err
		}
		maps.Copy(texts, tree.Long(folders[file], file))
	}
	if err := disk.ReplaceAll(m.fs, texts); err != nil {
		return err
	}
	for _, file := range slices.Sorted(maps.Keys(folders)) {
		if err := m.touch(file); err != nil {
			return err
		}
	}
	return disk.SyncDirs(m.fs, append(changed, "."))
}

// mkdirs creates a directory and those above it.
func (m mboxFormat) mkdirs(dir string) error {
	if dir == "." {
		return nil
	}
	if err := m.mkdirs(path.Dir(dir)); err != nil {
		return err
	}
	return m.mkdir(dir)
}

// touch creates a file that is not there.
func (m mboxFormat) touch(file string) error {
	f, err := m.fs.Update(file)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (m mboxFormat) folders(fn func(string, mail.Path) error) error { return m.walk(".", fn) }

func (m mboxFormat) walk(dir string, fn func(string, mail.Path) error) error {
	var names, dirs []string
	err := m.fs.List(dir, func(entries []fs.DirEntry) error {
		for _, e := range entries {
			switch {
			case strings.HasPrefix(e.Name(), "."):
			case e.IsDir():
				dirs = append(dirs, e.Name())
			case e.Type().IsRegular():
				names = append(names, e.Name())
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, name := range names {
		file := path.Join(dir, name)
		if folder, ok := tree.Folder(file, m.long); ok {
			if err := fn(file, folder); err != nil {
				return err
			}
		}
	}
	for _, name := range dirs {
		if err := m.walk(path.Join(dir, name), fn); err != nil {
			return err
		}
	}
	return nil
}

// long reads a name that was too long; what cannot be read is no name.
func (m mboxFormat) long(name string) string {
	text, _ := disk.ReadSmall(m.fs, name)
	return text
}

// Dovecot keeps the subscriptions of mbox files in this file.
const mboxSubscriptions = ".subscriptions"

func (m mboxFormat) subscribe(files []string) error {
	text := ""
	for _, file := range files {
		text += strings.TrimSuffix(file, ".mbox") + "\n"
	}
	return disk.Replace(m.fs, mboxSubscriptions, text)
}

func (m mboxFormat) subscribed() (files []string, err error) {
	text, err := disk.ReadSmall(m.fs, mboxSubscriptions)
	for line := range strings.Lines(text) {
		files = append(files, strings.TrimSuffix(line, "\n")+".mbox")
	}
	return files, err
}

func (m mboxFormat) where(file, place string) string {
	at, _, ok := strings.Cut(place, " ")
	if !ok {
		at = place
	}
	return file + " at octet " + at
}

// mend cuts off what was being written: open does.
func (m mboxFormat) mend(f catalogue.Folder, known places) error {
	b, err := m.open(f, known)
	if err != nil {
		return err
	}
	return b.Close()
}

// open takes what the catalogue knows to be durable for durable; a catalogue that
// was made again knows nothing.
func (m mboxFormat) open(f catalogue.Folder, known places) (*mbox.File, error) {
	file, err := m.fs.Update(f.Dir)
	if err != nil {
		return nil, err
	}
	b, _, err := mbox.OpenRecorded(file, durable(f), sumsOf(known))
	return b, err
}

func durable(f catalogue.Folder) int64 {
	if f.Stamp == 0 {
		return mbox.Unknown
	}
	return f.Stamp
}

// sumsOf is what the catalogue knows of a folder in words of the file.
func sumsOf(known places) mbox.Sums {
	return func(fn func([32]byte)) error {
		return known(func(_ mail.UID, place string) error {
			if p, ok := parseMboxPlace(place); ok {
				fn(p.Sum)
			}
			return nil
		})
	}
}

func (m mboxFormat) box(f catalogue.Folder, known places) (box, error) {
	b, err := m.open(f, known)
	if err != nil {
		return nil, err
	}
	return &mboxBox{f: b}, nil
}

func (m mboxFormat) shelf(file string) shelf { return &mboxShelf{fs: m.fs, file: file} }
