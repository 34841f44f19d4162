package other

import (
	"bufio"
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
	"time"
)

// entry is a message's file. There may be millions, so that each is small.
type entry struct {
	name string
	at   int64  // time of delivery that the name tells, in microseconds
	size int64  // of its octets, with CR; -1: not known yet
	uid  uint32 // Dovecot's; 0: it has none yet
	stem uint8  // length of the base name
	new  bool   // it is in new/
}

func newEntry(name string, isNew bool) entry {
	return entry{name: name, at: delivered(name), size: -1, stem: uint8(len(base(name))), new: isNew}
}

func (e *entry) base() string { return e.name[:e.stem] }

func (e *entry) file(dir string) string {
	sub := "cur"
	if e.new {
		sub = "new"
	}
	return filepath.Join(dir, sub, e.name)
}

// scan lists the messages of a Maildir by base name. Reading a directory may miss a file that
// is renamed meanwhile, so one that changes is read twice.
func scan(ctx context.Context, dir string) ([]entry, error) {
	before := time.Now()
	list, err := scanOnce(ctx, dir, nil)
	if err != nil || unchangedSince(dir, before) {
		return byBase(dir, list), err
	}
	list, err = scanOnce(ctx, dir, list)
	return byBase(dir, list), err
}

func scanOnce(ctx context.Context, dir string, list []entry) ([]entry, error) {
	for _, sub := range []string{"new", "cur"} { // the way that messages go
		d, err := os.Open(filepath.Join(dir, sub))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		list, err = readSome(ctx, d, sub, list)
		if err = errors.Join(err, d.Close()); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// readSome reads a directory bit by bit, for it may be large.
func readSome(ctx context.Context, d *os.File, sub string, list []entry) ([]entry, error) {
	const some = 1000
	for {
		entries, err := d.ReadDir(some)
		for _, e := range entries {
			if isMessage(d.Name(), e) {
				list = append(list, newEntry(e.Name(), sub == "new"))
			}
		}
		if len(entries) == 0 {
			if err == io.EOF {
				return list, ctx.Err()
			}
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
}

// isMessage follows links, as mail programs do.
func isMessage(dir string, e fs.DirEntry) bool {
	if strings.HasPrefix(e.Name(), ".") {
		return false
	}
	if e.Type()&fs.ModeSymlink == 0 {
		return e.Type().IsRegular()
	}
	info, err := os.Stat(filepath.Join(dir, e.Name()))
	return err == nil && info.Mode().IsRegular()
}

// unchangedSince reports whether nothing came, went or got another name in a Maildir since well
// before a moment.
func unchangedSince(dir string, moment time.Time) bool {
	const clocks = 2 * time.Second // by which those of file systems are coarse
	for _, sub := range []string{"new", "cur"} {
		info, err := os.Stat(filepath.Join(dir, sub))
		if err == nil && info.ModTime().After(moment.Add(-clocks)) || err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false
		}
	}
	return true
}

// byBase sorts by base name. A message that was seen under two names is listed once, as what it is
// called now; two messages that share a base name stay two.
func byBase(dir string, list []entry) []entry {
	slices.SortFunc(list, func(a, b entry) int { return cmp.Or(cmp.Compare(a.base(), b.base()), cmp.Compare(a.name, b.name)) })
	out := list[:0]
	for _, e := range list {
		if len(out) == 0 || out[len(out)-1].base() != e.base() {
			out = append(out, e)
			continue
		}
		if last := &out[len(out)-1]; *last == e {
			continue
		} else if now, err := os.Stat(e.file(dir)); err != nil {
			continue
		} else if was, err := os.Stat(last.file(dir)); err != nil || os.SameFile(was, now) {
			*last = e
			continue
		}
		out = append(out, e)
	}
	return slices.Clip(out)
}

// find looks for a base name in what scan made.
func find(list []entry, stem string) (int, bool) {
	return slices.BinarySearchFunc(list, stem, func(e entry, stem string) int { return cmp.Compare(e.base(), stem) })
}

// inOrder sorts as servers number messages: what the list of UIDs does not name came after all
// that it names.
func inOrder(a, b entry) int {
	return cmp.Or(cmp.Compare(a.uid-1, b.uid-1), cmp.Compare(a.at, b.at), cmp.Compare(a.name, b.name))
}

// number gives messages the UIDs of dovecot-uidlist. list is in the order of scan.
func number(dir string, list []entry) error {
	f, err := os.Open(filepath.Join(dir, "dovecot-uidlist"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		stem, uid := uidLine(lines.Text())
		if i, ok := find(list, stem); ok && uid > 0 {
			list[i].uid = uid
		}
	}
	return lines.Err()
}

// uidLine reads a line such as "7 W120 :1700000000.M1P2.host:2,S".
func uidLine(line string) (stem string, uid uint32) {
	first, rest, _ := strings.Cut(line, " ")
	n, err := strconv.ParseUint(first, 10, 32)
	_, name, ok := strings.Cut(rest, ":")
	if err != nil || !ok {
		return "", 0
	}
	return base(name), uint32(n)
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

// delivered is the time that begins a name, with the microseconds behind "M"; 0 for none.
func delivered(name string) int64 {
	const latest = 1 << 40 // in seconds; no clock tells more
	first, rest, _ := strings.Cut(name, ".")
	seconds, err := strconv.ParseInt(first, 10, 64)
	if err != nil || seconds < 0 {
		return 0
	}
	host, _, _ := strings.Cut(rest, ".")
	_, digits, _ := strings.Cut(host, "M")
	end := 0
	for end < len(digits) && digits[end] >= '0' && digits[end] <= '9' {
		end++
	}
	micros, err := strconv.ParseInt(digits[:end], 10, 64)
	if err != nil {
		micros = 0
	}
	return min(seconds, latest)*1e6 + min(micros, 999_999)
}
