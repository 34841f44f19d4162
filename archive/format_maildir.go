package archive

import (
	"cmp"
	"errors"
	"hash/maphash"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"mailferry/archive/catalogue"
	"mailferry/archive/disk"
	"mailferry/archive/maildir"
	"mailferry/transfer/mail"
)

type maildirFormat struct{ fs disk.FS }

func (m maildirFormat) name() Format { return Maildir }

// makeOwn: Dovecot and Python take every directory with a dot for a folder, and
// Python fails at one without these three.
func (m maildirFormat) makeOwn() error {
	for _, dir := range []string{ownDir, ownDir + "/cur", ownDir + "/new", ownDir + "/tmp"} {
		if err := m.fs.Mkdir(dir); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

func (m maildirFormat) dir(path mail.Path, existing map[mail.Path]string) string {
	taken := map[string]bool{ownDir: true} // a folder may well be called "mailferry"
	for _, dir := range existing {
		taken[maildir.Fold(dir)] = true
	}
	parent, _ := path.Parent()
	return maildir.Dir(path, existing[parent], func(dir string) bool { return taken[maildir.Fold(dir)] })
}

func (m maildirFormat) make(dirs map[string]mail.Path) error { return maildir.Make(m.fs, dirs) }

func (m maildirFormat) folders(fn func(string, mail.Path) error) error {
	return maildir.Directories(m.fs, func(dir string) error {
		path, ok := maildir.FolderIn(m.fs, dir)
		if !ok {
			return nil
		}
		return fn(dir, path)
	})
}

func (m maildirFormat) subscribe(dirs []string) error {
	names := make([]string, len(dirs))
	for i, dir := range dirs {
		if names[i] = strings.TrimPrefix(dir, "."); names[i] == "" {
			names[i] = "INBOX"
		}
	}
	return maildir.WriteSubscriptions(m.fs, names)
}

func (m maildirFormat) subscribed() ([]string, error) {
	names, err := maildir.ReadSubscriptions(m.fs)
	for i, name := range names {
		if names[i] = "." + name; name == "INBOX" {
			names[i] = "."
		}
	}
	return names, err
}

func (m maildirFormat) where(dir, place string) string { return path.Join(dir, place) }

func (m maildirFormat) mend(f catalogue.Folder, _ places) error { return maildir.Clean(m.fs, f.Dir) }

func (m maildirFormat) box(f catalogue.Folder, _ places) (box, error) {
	b, err := maildir.Open(m.fs, f.Dir, f.Stamp)
	if err != nil {
		return nil, err
	}
	return maildirBox{b, &maildirShelf{fs: m.fs, dir: f.Dir}}, nil
}

type maildirBox struct {
	b     *maildir.Box
	shelf *maildirShelf // for files that other programs have renamed
}

func (b maildirBox) stage(m *mail.Message) (catalogue.Message, error) {
	s, err := b.b.Stage(m)
	return catalogue.Message{Origin: m.Origin, Hash: maildir.FolderHash(m.Origin.Folder), Place: s.Place, Size: s.Size,
		Sum: s.Sum, Proven: true, Key: s.Key, Flags: m.Flags}, err
}

// asideDir takes the files that replace has found damaged.
const asideDir = ownDir + "/replaced"

func (b maildirBox) replace(place string, m *mail.Message) (catalogue.Message, error) {
	if err := b.shelf.fs.Mkdir(asideDir); err != nil && !errors.Is(err, fs.ErrExist) {
		return catalogue.Message{}, err
	}
	old := place
	if _, err := b.shelf.fs.Stat(path.Join(b.shelf.dir, place)); errors.Is(err, fs.ErrNotExist) {
		old, _ = b.shelf.find(place)
	}
	s, err := b.b.StageAgain(place, old, asideDir, m)
	return catalogue.Message{Origin: m.Origin, Hash: maildir.FolderHash(m.Origin.Folder), Place: s.Place, Size: s.Size,
		Sum: s.Sum, Proven: true, Key: s.Key, Flags: m.Flags}, err
}

func (b maildirBox) commit() error    { return b.b.Commit() }
func (b maildirBox) drop() error      { return b.b.Drop() }
func (b maildirBox) stamp() int64     { return b.b.Stamp() }
func (b maildirBox) syncFlags() error { return b.b.SyncFlags() }
func (b maildirBox) close() error     { return b.b.Drop() }
func (b maildirBox) setFlags(place string, flags mail.Flags) (string, error) {
	return b.b.SetFlags(place, flags)
}

func (m maildirFormat) shelf(dir string) shelf { return &maildirShelf{fs: m.fs, dir: dir} }

// maildirShelf finds files also when other programs have renamed them.
type maildirShelf struct {
	fs       disk.FS
	dir      string
	decoder  *maildir.Decoder  // nil while it is in use
	listed   map[string]string // by base name
	listedAt time.Time
}

// listingLasts is how long a file that is not in a listing is taken for missing.
const listingLasts = time.Second

func (s *maildirShelf) open(place string) (io.ReadCloser, error) {
	f, err := s.fs.Open(path.Join(s.dir, place))
	if errors.Is(err, fs.ErrNotExist) {
		now, ok := s.find(place)
		if !ok {
			return nil, err
		}
		place = now
		f, err = s.fs.Open(path.Join(s.dir, place))
	}
	if err != nil {
		return nil, err
	}
	d := s.decoder
	if s.decoder = nil; d == nil {
		d = new(maildir.Decoder)
	}
	d.Reset(path.Base(place), f)
	return &octets{d, f, s}, nil
}

func (s *maildirShelf) glance(place string, size int64, buf []byte) ([]byte, bool) {
	return maildir.Glance(s.fs, s.dir, place, size, buf)
}

func (s *maildirShelf) find(place string) (string, bool) {
	if time.Since(s.listedAt) > listingLasts {
		s.listed, s.listedAt = make(map[string]string), time.Now()
		// An error shows as a file that is not found.
		_ = maildir.Files(s.fs, s.dir, func(place string) error {
			s.listed[maildir.Base(path.Base(place))] = place
			return nil
		})
	}
	now, ok := s.listed[maildir.Base(path.Base(place))]
	return now, ok
}

func (s *maildirShelf) forget()      { s.listedAt = time.Time{} }
func (s *maildirShelf) close() error { return nil }

type octets struct {
	*maildir.Decoder
	file  io.Closer
	shelf *maildirShelf
}

func (o *octets) Close() error {
	o.shelf.decoder = o.Decoder
	return o.file.Close()
}

// inventory recognises the base names of a folder in eight bytes each.
type inventory struct {
	seed maphash.Seed
	list []slot
}

type slot struct {
	hash uint64
	uid  mail.UID
	seen bool
}

func takeInventory(known places) (*inventory, error) {
	inv := &inventory{seed: maphash.MakeSeed()}
	err := known(func(uid mail.UID, place string) error {
		inv.list = append(inv.list, slot{hash: inv.hash(place), uid: uid})
		return nil
	})
	slices.SortFunc(inv.list, func(a, b slot) int { return cmp.Compare(a.hash, b.hash) })
	return inv, err
}

func (inv *inventory) hash(place string) uint64 {
	return maphash.String(inv.seed, maildir.Base(path.Base(place)))
}

func (inv *inventory) find(place string) *slot {
	i, ok := slices.BinarySearchFunc(inv.list, inv.hash(place), func(s slot, h uint64) int { return cmp.Compare(s.hash, h) })
	if !ok {
		return nil
	}
	return &inv.list[i]
}

func (m maildirFormat) survey(f catalogue.Folder, known places) (found, error) {
	dir := f.Dir
	inv, err := takeInventory(known)
	if err != nil {
		return found{}, err
	}
	keywords, err := maildir.ReadKeywords(m.fs, dir)
	if err != nil {
		return found{}, err
	}
	out := found{}
	twice := make(map[string]bool)
	err = maildir.Files(m.fs, dir, func(place string) error {
		s, base := inv.find(place), maildir.Base(path.Base(place))
		name, ours := maildir.ParseName(base)
		switch {
		case s != nil && !s.seen:
			s.seen = true
		case s != nil:
			twice[base] = true
		case ours:
			out.ours = append(out.ours, stray{name.Stamp, place})
		default:
			out.foreign = append(out.foreign, place)
		}
		return nil
	})
	if err == nil && len(twice) > 0 {
		var extra []string
		extra, err = m.extra(dir, twice)
		out.foreign = append(out.foreign, extra...)
	}
	slices.SortFunc(out.ours, func(a, b stray) int { return cmp.Or(cmp.Compare(a.stamp, b.stamp), strings.Compare(a.place, b.place)) })
	out.read = func(place string) (catalogue.Message, error) { return m.takeIn(dir, place, keywords) }
	for _, s := range inv.list {
		if !s.seen {
			out.missing = append(out.missing, s.uid)
		}
	}
	slices.Sort(out.missing)
	return out, err
}

// extra returns the files that share their base name with another. A file that is renamed
// while a directory is listed is listed twice: so both have to be there at once.
func (m maildirFormat) extra(dir string, bases map[string]bool) ([]string, error) {
	places := make(map[string][]string)
	err := maildir.Files(m.fs, dir, func(place string) error {
		if base := maildir.Base(path.Base(place)); bases[base] {
			places[base] = append(places[base], place)
		}
		return nil
	})
	there := func(place string) bool {
		_, err := m.fs.Stat(path.Join(dir, place))
		return err == nil
	}
	var extra []string
	for _, list := range places {
		slices.Sort(list)
		for _, place := range list[1:] {
			if there(list[0]) && there(place) && there(list[0]) {
				extra = append(extra, place)
			}
		}
	}
	return extra, err
}

// takeIn reads what a file tells by itself. A file that is not whole gets a hash
// that no message has, so that it is never taken for one.
func (m maildirFormat) takeIn(dir, place string, keywords maildir.Keywords) (catalogue.Message, error) {
	f, err := maildir.Inspect(m.fs, dir, place, keywords)
	if err != nil {
		return catalogue.Message{}, err
	}
	if !f.Whole {
		f.Sum = [len(f.Sum)]byte{}
	}
	return catalogue.Message{Origin: mail.Origin{UIDValidity: f.Name.Validity, UID: f.Name.UID}, Hash: f.Name.Folder,
		Place: place, Size: f.Size, Sum: f.Sum, Date: f.Date, Key: f.Key, Flags: f.Flags}, nil
}
