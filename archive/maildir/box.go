package maildir

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"mailferry/archive/disk"
	"mailferry/transfer/mail"
)

// Box is the directory of one folder, open for adding messages. One goroutine at a
// time may use it, and nobody else may write the folder.
type Box struct {
	fs       disk.FS
	dir      string
	host     string
	stamp    int64 // that of the newest file
	keywords Keywords
	staged   []staged
	buf      *bufio.Writer
}

// Staged is a message that waits in tmp/ for Commit.
type Staged struct {
	Place string // the file once it is committed, relative to the folder's directory
	Size  int64  // octets of the message
	Sum   [sha256.Size]byte
	Key   mail.Key
}

type staged struct {
	tmp, place string
	old, aside string // what the message replaces, and where that is put; "": nothing
	file       disk.File
}

// Make creates the directories of folders and makes them durable. One that is there
// is completed.
func Make(fsys disk.FS, dirs map[string]mail.Path) error {
	texts := make(map[string]string)
	for _, dir := range slices.Sorted(maps.Keys(dirs)) {
		if err := makeDirs(fsys, dir); err != nil {
			return err
		}
		if dir == inboxDir {
			continue
		}
		// Courier and Dovecot know a subfolder by this file.
		texts[path.Join(dir, "maildirfolder")] = ""
		if IsShort(dir) {
			texts[path.Join(dir, NameFile)] = FullName(dirs[dir]) + "\n"
		}
	}
	if err := disk.ReplaceAll(fsys, texts); err != nil {
		return err
	}
	return fsys.SyncDir(".")
}

func makeDirs(fsys disk.FS, dir string) error {
	names := []string{path.Join(dir, "tmp"), path.Join(dir, "new"), path.Join(dir, "cur")}
	if dir != inboxDir {
		names = slices.Insert(names, 0, dir)
	}
	for _, name := range names {
		if err := fsys.Mkdir(name); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// ReadKeywords reads the keywords of a folder that have letters.
func ReadKeywords(fsys disk.FS, dir string) (Keywords, error) {
	text, err := disk.ReadSmall(fsys, path.Join(dir, "dovecot-keywords"))
	return parseKeywords(text), err
}

// Open opens the folder in dir, which must be there. after is the Stamp of its newest file.
func Open(fsys disk.FS, dir string, after int64) (*Box, error) {
	keywords, err := ReadKeywords(fsys, dir)
	if err != nil {
		return nil, err
	}
	host, _ := os.Hostname() // only a part of names, to tell machines apart
	return &Box{fs: fsys, dir: dir, host: hostName(host), stamp: after, keywords: keywords,
		buf: bufio.NewWriterSize(nil, 128<<10)}, nil
}

// Stamp is that of the newest file that was staged.
func (b *Box) Stamp() int64 { return b.stamp }

// Stage writes a message, whose InternalDate is set, to tmp/. It is in the folder after Commit. After an
// error nothing of it is left.
func (b *Box) Stage(m *mail.Message) (Staged, error) {
	e, err := examine(m.Body)
	if err != nil {
		return Staged{}, err
	}
	if err := b.learn(m.Flags); err != nil {
		return Staged{}, err
	}
	b.stamp = max(time.Now().UnixMicro(), b.stamp+1)
	name := Name{Stamp: b.stamp, PID: os.Getpid(), Validity: m.Origin.UIDValidity, UID: m.Origin.UID,
		Folder: FolderHash(m.Origin.Folder), Exact: e.form.exact(), Host: b.host}
	onDisk, wire := e.form.sizes()
	file := fileName(name.String(), onDisk, wire, b.keywords.letters(m.Flags))
	tmp := path.Join(b.dir, "tmp", name.String())
	f, err := b.write(tmp, m, e, name.Exact)
	if err != nil {
		return Staged{}, err
	}
	place := "cur/" + file
	b.staged = append(b.staged, staged{tmp: tmp, place: path.Join(b.dir, place), file: f})
	return Staged{Place: place, Size: e.form.size, Sum: e.sum(), Key: e.key()}, nil
}

// learn gives letters to new keywords. The list is durable before a name uses them.
func (b *Box) learn(flags mail.Flags) error {
	all, added := b.keywords.with(flags)
	if !added {
		return nil
	}
	if err := disk.Replace(b.fs, path.Join(b.dir, "dovecot-keywords"), all.text()); err != nil {
		return err
	}
	b.keywords = all
	return nil
}

func (b *Box) write(tmp string, m *mail.Message, e *examined, exact bool) (disk.File, error) {
	f, err := b.fs.Create(tmp)
	if err != nil {
		return nil, err
	}
	if err = b.copy(f, m.Body, e, exact); err == nil {
		err = b.fs.Chtimes(tmp, m.InternalDate)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(), b.fs.Remove(tmp))
	}
	f.Flushing()
	return f, nil
}

func (b *Box) copy(f disk.File, body mail.Body, e *examined, exact bool) error {
	r, err := body.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	b.buf.Reset(f)
	var n int64
	if exact {
		n, err = io.Copy(b.buf, r)
	} else {
		u := &unixWriter{w: b.buf}
		if n, err = io.Copy(u, r); err == nil {
			err = u.finish()
		}
	}
	if err == nil && n != e.form.size {
		err = io.ErrUnexpectedEOF
	}
	return errors.Join(err, b.buf.Flush())
}

// Commit makes everything staged durable and puts it into the folder. After an
// error some of it may be there and some not.
func (b *Box) Commit() error {
	if len(b.staged) == 0 {
		return nil
	}
	files := make([]disk.File, len(b.staged))
	for i, s := range b.staged {
		files[i] = s.file
	}
	err := b.fs.Sync(files)
	for i := range b.staged {
		err = errors.Join(err, b.staged[i].file.Close())
		b.staged[i].file = nil
	}
	if err != nil {
		return errors.Join(err, b.Drop())
	}
	for i, s := range b.staged {
		if err := b.putInPlace(s); err != nil {
			b.staged = b.staged[i:]
			return errors.Join(err, b.Drop())
		}
	}
	b.staged = nil
	return b.fs.SyncDir(path.Join(b.dir, "cur"))
}

func (b *Box) putInPlace(s staged) error {
	if s.old != "" {
		if err := b.fs.Rename(s.old, s.aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return b.fs.Rename(s.tmp, s.place)
}

// Drop takes back what is staged.
func (b *Box) Drop() (err error) {
	for _, s := range b.staged {
		if s.file != nil {
			err = errors.Join(err, s.file.Close())
		}
		if rerr := b.fs.Remove(s.tmp); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
			err = errors.Join(err, rerr)
		}
	}
	b.staged = nil
	return err
}

// SetFlags renames a message's file so that its name tells flags, and returns the
// new place. The change is durable after SyncFlags.
func (b *Box) SetFlags(place string, flags mail.Flags) (string, error) {
	if err := b.learn(flags); err != nil {
		return place, err
	}
	other := func(letter byte) bool { return !b.keywords.owns(letter) }
	file := withFlags(path.Base(place), b.keywords.letters(flags), other)
	moved := "cur/" + file
	if moved == place {
		return place, nil
	}
	if err := b.fs.Rename(path.Join(b.dir, place), path.Join(b.dir, moved)); err != nil {
		return place, err
	}
	return moved, nil
}

// SyncFlags makes SetFlags durable.
func (b *Box) SyncFlags() error { return b.fs.SyncDir(path.Join(b.dir, "cur")) }

// Unrelated reports whether the name of a directory of the root cannot be that of a folder.
func Unrelated(name string) bool {
	return !strings.HasPrefix(name, ".") || name == ".mailferry"
}
