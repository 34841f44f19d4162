package other

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"mailferry/transfer/mail"
)

var errChanged = errors.New("the file was changed while it was read")

// maildirBox is an open Maildir.
type maildirBox struct {
	dir      string
	list     []entry
	keywords keywords

	moved func() (map[string]entry, error) // the directory as it is later, by base name
}

// entry is a message's file.
type entry struct {
	name string
	new  bool  // it is in new/
	size int64 // of its octets, with CR; -1: not known yet
}

func openMaildir(ctx context.Context, dir string) (box, error) {
	b := &maildirBox{dir: dir}
	var err error
	if b.keywords, err = readKeywords(dir); err != nil {
		return nil, err
	}
	if b.list, err = b.scan(ctx); err != nil {
		return nil, err
	}
	order, err := readUIDList(dir)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(b.list, func(x, y entry) int {
		ux, uy := order[base(x.name)], order[base(y.name)]
		if ux != uy {
			// What the list does not name came after all that it names.
			return cmp.Compare(ux-1, uy-1)
		}
		return compareNames(x.name, y.name)
	})
	b.moved = sync.OnceValues(b.again)
	return b, nil
}

// scan lists both directories. A message that moves from new/ to cur/ meanwhile is listed once.
func (b *maildirBox) scan(ctx context.Context) (list []entry, err error) {
	seen := make(map[string]bool)
	for _, sub := range []string{"new", "cur"} {
		entries, err := os.ReadDir(filepath.Join(b.dir, sub))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), ".") || !e.Type().IsRegular() || seen[base(e.Name())] {
				continue
			}
			seen[base(e.Name())] = sub == "new"
			list = append(list, entry{name: e.Name(), new: sub == "new", size: -1})
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (b *maildirBox) again() (map[string]entry, error) {
	list, err := b.scan(context.Background())
	out := make(map[string]entry, len(list))
	for _, e := range list {
		out[base(e.name)] = e
	}
	return out, err
}

// base is a file's name without what changes with flags.
func base(name string) string {
	if i := infoAt(name); i >= 0 {
		return name[:i]
	}
	return name
}

// infoAt returns where the part of a name begins that tells flags; -1: there is none. Programs
// on file systems that forbid ":" write ";" or "!".
func infoAt(name string) int {
	for _, mark := range []string{":2,", ";2,", "!2,"} {
		if i := strings.LastIndex(name, mark); i >= 0 {
			return i
		}
	}
	return -1
}

// compareNames orders by time of delivery, down to microseconds, and then by name.
func compareNames(a, b string) int {
	ta, ua := delivered(a)
	tb, ub := delivered(b)
	return cmp.Or(cmp.Compare(ta, tb), cmp.Compare(ua, ub), cmp.Compare(a, b))
}

func delivered(name string) (seconds, micros int64) {
	first, rest, _ := strings.Cut(name, ".")
	seconds, _ = strconv.ParseInt(first, 10, 64)
	for i := 0; i < len(rest) && rest[i] != '.'; i++ {
		if rest[i] == 'M' {
			end := i + 1
			for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
				end++
			}
			micros, _ = strconv.ParseInt(rest[i+1:end], 10, 64)
			break
		}
	}
	return seconds, micros
}

func (b *maildirBox) len() int { return len(b.list) }

func (b *maildirBox) unseen() (n int64) {
	for _, e := range b.list {
		if !b.keywords.flags(e).Has(mail.Seen) {
			n++
		}
	}
	return n
}

func (b *maildirBox) close() error { return nil }

// open opens a message's file. One that has another name by now is looked for once.
func (b *maildirBox) open(i int) (*os.File, error) {
	f, err := os.Open(b.file(b.list[i]))
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	now, err := b.moved()
	if err != nil {
		return nil, err
	}
	e, ok := now[base(b.list[i].name)]
	if !ok {
		return nil, fs.ErrNotExist
	}
	e.size = b.list[i].size
	b.list[i] = e
	return os.Open(b.file(e))
}

func (b *maildirBox) file(e entry) string {
	sub := "cur"
	if e.new {
		sub = "new"
	}
	return filepath.Join(b.dir, sub, e.name)
}

func (b *maildirBox) info(ctx context.Context, i int, opts mail.ListOptions) (info mail.Info, err error) {
	if opts.Flags {
		info.Flags = b.keywords.flags(b.list[i])
	}
	if !opts.Size && !opts.Date && !opts.Key {
		return info, nil
	}
	f, err := b.open(i)
	if err != nil {
		return info, err
	}
	defer f.Close()
	if opts.Date {
		st, err := f.Stat()
		if err != nil {
			return info, err
		}
		info.InternalDate = st.ModTime().Truncate(1e9).UTC()
	}
	if opts.Size {
		if err := b.measure(i, f); err != nil {
			return info, err
		}
		info.Size = b.list[i].size
	}
	if opts.Key {
		info.Key, err = keyOf(f)
	}
	return info, err
}

// measure counts a message's octets, once.
func (b *maildirBox) measure(i int, f *os.File) error {
	if b.list[i].size >= 0 {
		return nil
	}
	n, err := wireSize(f)
	b.list[i].size = n
	return err
}

const maxHeader = 256 << 10

func keyOf(f *os.File) (mail.Key, error) {
	header, err := io.ReadAll(io.NewSectionReader(f, 0, maxHeader))
	return mail.KeyOf(header), err
}

func (b *maildirBox) body(ctx context.Context, i int) (info mail.Info, body io.ReadCloser, err error) {
	f, err := b.open(i)
	if err != nil {
		return info, nil, err
	}
	if info, err = b.bodyInfo(i, f); err != nil {
		f.Close()
		return info, nil, err
	}
	return info, &fileBody{wireReader: newWireReader(io.NewSectionReader(f, 0, 1<<62)), f: f}, nil
}

func (b *maildirBox) bodyInfo(i int, f *os.File) (info mail.Info, err error) {
	st, err := f.Stat()
	if err != nil {
		return info, err
	}
	if err := b.measure(i, f); err != nil {
		return info, err
	}
	return mail.Info{Flags: b.keywords.flags(b.list[i]), Size: b.list[i].size, InternalDate: st.ModTime().Truncate(1e9).UTC()}, nil
}

// fileBody is a message's octets, read from its file.
type fileBody struct {
	*wireReader
	f *os.File
}

func (b *fileBody) Close() error { return b.f.Close() }
