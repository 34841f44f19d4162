package maildir

import (
	"errors"
	"io/fs"
	"path"
	"strconv"
	"time"

	"mailferry/transfer/mail"
)

// StageAgain writes a message whose file is damaged or missing. By Commit it comes into the folder under
// the base name of place, and the file that is there, at old unless that is "", goes to the directory aside,
// which must be there: nothing is overwritten.
//
// Only if the message does not fit the form that the base name states, it gets another; then
// the old file goes at once.
func (b *Box) StageAgain(place, old, aside string, m *mail.Message) (Staged, error) {
	name, ok := ParseName(Base(path.Base(place)))
	if !ok {
		return Staged{}, fs.ErrInvalid
	}
	e, err := examine(m.Body)
	if err != nil {
		return Staged{}, err
	}
	if err := b.learn(m.Flags); err != nil {
		return Staged{}, err
	}
	another := !name.Exact && e.form.exact()
	name.Exact = name.Exact || another
	onDisk, wire := e.form.sizes()
	if name.Exact && !e.form.exact() {
		onDisk = e.form.size
	}
	file := fileName(name.String(), onDisk, wire, b.keywords.letters(m.Flags))
	s := staged{tmp: path.Join(b.dir, "tmp", name.String()), place: path.Join(b.dir, "cur", file)}
	if old != "" {
		s.old = path.Join(b.dir, old)
		s.aside = path.Join(aside, path.Base(old)+"."+strconv.FormatInt(time.Now().UnixNano(), 36))
	}
	if err := b.fs.Remove(s.tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Staged{}, err
	}
	if s.file, err = b.write(s.tmp, m, e, name.Exact); err != nil {
		return Staged{}, err
	}
	b.staged = append(b.staged, s)
	if another && old != "" {
		err = b.putAside(&b.staged[len(b.staged)-1])
	}
	return Staged{Place: "cur/" + file, Size: e.form.size, Sum: e.sum(), Key: e.key()}, err
}

func (b *Box) putAside(s *staged) error {
	err := b.fs.Rename(s.old, s.aside)
	if err == nil {
		err = errors.Join(b.fs.SyncDir(path.Dir(s.aside)), b.fs.SyncDir(path.Dir(s.old)))
	}
	s.old = ""
	return err
}
