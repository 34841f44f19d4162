package archive_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mailferry/archive"
	"mailferry/archive/disk"
	"mailferry/transfer/mail"
)

// power is a file system that knows what a power cut would leave of it: what was
// synced, and of the rest any part. The archive's own directory is not its business: SQLite
// has its own proof, and a commit that returned is there.
type power struct {
	*disk.Root
	dir   string
	now   map[string]*node            // every name as a program sees it
	kept  map[string]map[string]*node // per directory, the names that are durable
	steps int
	step  func(name string) // called before and after each change
}

// node is a file or directory.
type node struct {
	dir    bool
	text   []byte // synced octets
	synced bool
	date   time.Time
	live   []byte
	liveAt time.Time
}

func newPower(t *testing.T, dir string) *power {
	root, err := disk.OpenRoot(dir)
	ok(t, err)
	t.Cleanup(func() { root.Close() })
	p := &power{Root: root, dir: dir, now: make(map[string]*node), kept: make(map[string]map[string]*node), step: func(string) {}}
	p.now["."] = &node{dir: true}
	return p
}

func (p *power) do(name string, change func() error) error {
	p.steps++
	p.step(name)
	defer p.step("after " + name)
	return change()
}

func (p *power) Mkdir(name string) error {
	return p.do("mkdir "+name, func() error {
		err := p.Root.Mkdir(name)
		if err == nil {
			p.now[path.Clean(name)] = &node{dir: true}
		}
		return err
	})
}

func (p *power) Create(name string) (f disk.File, err error) {
	err = p.do("create "+name, func() (err error) {
		f, err = p.Root.Create(name)
		if err == nil {
			n := &node{liveAt: time.Now()}
			p.now[path.Clean(name)] = n
			f = &powerFile{File: f, n: n}
		}
		return err
	})
	return f, err
}

type powerFile struct {
	disk.File
	n *node
}

func (f *powerFile) Write(b []byte) (int, error) {
	f.n.live = append(f.n.live, b...)
	return f.File.Write(b)
}

func (p *power) Update(name string) (disk.Updating, error) {
	f, err := p.Root.Update(name)
	if err != nil {
		return nil, err
	}
	name = path.Clean(name)
	if p.now[name] == nil {
		p.now[name] = &node{liveAt: time.Now()}
	}
	return &powerUpdating{f, p, p.now[name], name}, nil
}

// powerUpdating is a file that is changed in place.
type powerUpdating struct {
	disk.Updating
	p    *power
	n    *node
	name string
}

func (f *powerUpdating) WriteAt(b []byte, at int64) (n int, err error) {
	err = f.p.do("write "+f.name, func() error {
		if grow := int(at) + len(b) - len(f.n.live); grow > 0 {
			f.n.live = append(f.n.live, make([]byte, grow)...)
		}
		copy(f.n.live[at:], b)
		n, err = f.Updating.WriteAt(b, at)
		return err
	})
	return n, err
}

func (f *powerUpdating) Truncate(size int64) error {
	return f.p.do("truncate "+f.name, func() error {
		f.n.live = f.n.live[:size]
		return f.Updating.Truncate(size)
	})
}

func (f *powerUpdating) Sync() error {
	return f.p.do("sync "+f.name, func() error {
		f.n.synced, f.n.text, f.n.date = true, append([]byte(nil), f.n.live...), f.n.liveAt
		return nil
	})
}

// after is what a file holds after a power cut: what was synced, or any part of what came since, in which
// blocks that never reached the disk are zero.
func (n *node) after(r *rand.Rand) ([]byte, time.Time) {
	switch {
	case !n.synced:
		return n.live[:r.IntN(len(n.live)+1)], time.Now()
	case r.IntN(3) == 0 || len(n.live) <= len(n.text):
		return n.text, n.date
	}
	text := append([]byte(nil), n.live[:len(n.text)+r.IntN(len(n.live)-len(n.text)+1)]...)
	if hole := len(text) - len(n.text); hole > 0 && r.IntN(3) == 0 {
		clear(text[len(n.text)+r.IntN(hole):])
	}
	return text, n.date
}

func (p *power) Chtimes(name string, t time.Time) error {
	return p.do("chtimes "+name, func() error {
		p.now[path.Clean(name)].liveAt = t
		return p.Root.Chtimes(name, t)
	})
}

func (p *power) Rename(from, to string) error {
	return p.do("rename "+to, func() error {
		err := p.Root.Rename(from, to)
		if err == nil {
			from, to := path.Clean(from), path.Clean(to)
			p.now[to] = p.now[from]
			delete(p.now, from)
		}
		return err
	})
}

func (p *power) Remove(name string) error {
	return p.do("remove "+name, func() error {
		err := p.Root.Remove(name)
		if err == nil {
			delete(p.now, path.Clean(name))
		}
		return err
	})
}

func (p *power) Sync(files []disk.File) error {
	return p.do(fmt.Sprintf("sync %d files", len(files)), func() error {
		for _, f := range files {
			n := f.(*powerFile).n
			n.synced, n.text, n.date = true, append([]byte(nil), n.live...), n.liveAt
		}
		return nil
	})
}

func (p *power) SyncDir(name string) error {
	return p.do("sync directory "+name, func() error {
		p.kept[path.Clean(name)] = p.names(name)
		return nil
	})
}

// names are those in a directory as a program sees it.
func (p *power) names(dir string) map[string]*node {
	list := make(map[string]*node)
	for name, n := range p.now {
		if path.Dir(name) == path.Clean(dir) && name != "." {
			list[path.Base(name)] = n
		}
	}
	return list
}

// cut writes to dst what is left when the power goes now.
func (p *power) cut(t *testing.T, dst string, r *rand.Rand) {
	t.Helper()
	ok(t, os.MkdirAll(dst, 0o700))
	p.restore(t, dst, ".", r)
	ok(t, os.CopyFS(filepath.Join(dst, ".mailferry"), os.DirFS(filepath.Join(p.dir, ".mailferry"))))
}

func (p *power) restore(t *testing.T, dst, dir string, r *rand.Rand) {
	for name, n := range p.survivors(dir, r) {
		full := filepath.Join(dst, dir, name)
		if n.dir {
			if err := os.Mkdir(full, 0o700); err != nil && !os.IsExist(err) {
				t.Fatal(err)
			}
			p.restore(t, dst, path.Join(dir, name), r)
			continue
		}
		text, date := n.after(r)
		ok(t, os.WriteFile(full, text, 0o600))
		ok(t, os.Chtimes(full, date, date))
	}
}

// survivors are the names in a directory: the durable ones, with each change since made or
// not. A rename within a directory is one change: journals see to that.
func (p *power) survivors(dir string, r *rand.Rand) map[string]*node {
	list := make(map[string]*node)
	now := p.names(dir)
	called := make(map[*node]string)
	for name, n := range now {
		called[n] = name
	}
	for name, n := range p.kept[path.Clean(dir)] {
		switch {
		case now[name] == n || r.IntN(2) == 0:
			list[name] = n
		case called[n] != "":
			list[called[n]] = n
		}
		delete(called, n)
	}
	for n, name := range called {
		if r.IntN(2) == 0 {
			list[name] = n
		}
	}
	delete(list, ".mailferry")
	return list
}

// TestPowerCutAtEveryStep: at every change of the disk the power goes. Then the next run opens what
// is left: everything that was told to be done is there, whole and once.
func TestPowerCutAtEveryStep(t *testing.T) {
	forBoth(t, func(t *testing.T, format archive.Format) {
		variants := 3
		if testing.Short() {
			variants = 1
		}
		dir := filepath.Join(t.TempDir(), "a")
		ok(t, os.Mkdir(dir, 0o700))
		p := newPower(t, dir)
		sc := &powerScenario{t: t, p: p, parts: t.TempDir(), variants: variants}
		a := create(t, dir, archive.Options{Format: format}.On(p))
		p.step = sc.snapshot
		sc.play(a)
		p.step = func(string) {}
		if p.steps < 30 || sc.cuts < 30 {
			t.Errorf("only %d steps and %d cuts", p.steps, sc.cuts)
		}
	})
}

// powerScenario is a run that is cut at every step.
type powerScenario struct {
	t        *testing.T
	p        *power
	parts    string
	variants int
	cuts     int
	made     []mail.Path                       // folders said to be there
	told     map[mail.Path]map[mail.UID]string // done, by folder and source UID
}

func (s *powerScenario) play(a *archive.Archive) {
	s.told = make(map[mail.Path]map[mail.UID]string)
	ctx := context.Background()
	ok(s.t, a.BeginRun(ctx, source))
	n := 0
	var folders []mail.Folder
	for _, name := range []string{"Archive/Grüße", "Archive/Leer", strings.Repeat("lang", 60) + "/1", strings.Repeat("lang", 60) + "/2"} {
		folders = append(folders, mail.Folder{Path: mail.ParsePath(name)})
	}
	errs, _, err := a.CreateAll(ctx, folders)
	ok(s.t, errors.Join(append(errs, err)...))
	for _, f := range folders {
		s.made = append(s.made, f.Path)
	}
	for _, path := range []mail.Path{inbox, mail.ParsePath("Archive/Grüße")} {
		w, err := a.OpenWriter(ctx, path)
		ok(s.t, err)
		for range 2 {
			for range 3 {
				n++
				s.append(w, path, n)
			}
			ok(s.t, w.Flush(ctx))
		}
		ok(s.t, w.SetFlags(ctx, []mail.FlagChange{{UID: 1, Add: mail.NewFlags(mail.Seen, "Later")}, {UID: 4, Remove: mail.NewFlags("Work")}}))
		ok(s.t, w.Close())
		ok(s.t, a.SetSubscribed(ctx, path, true))
	}
	ok(s.t, a.EndRun(ctx, true))
}

func (s *powerScenario) append(w mail.Writer, path mail.Path, n int) {
	raw := letter(n)
	if n%2 == 0 {
		raw = append(raw, "bare\nlf"...)
	}
	m := message(n, raw, "Work")
	m.Origin.Folder = path
	ok(s.t, w.Append(context.Background(), m, func(_ mail.UID, err error) {
		ok(s.t, err)
		if s.told[path] == nil {
			s.told[path] = make(map[mail.UID]string)
		}
		s.told[path][mail.UID(n)] = string(raw)
	}))
}

func (s *powerScenario) snapshot(step string) {
	for v := range s.variants {
		s.cuts++
		dst := filepath.Join(s.parts, fmt.Sprint(s.cuts))
		s.p.cut(s.t, dst, rand.New(rand.NewPCG(uint64(s.p.steps), uint64(v))))
		s.judge(fmt.Sprintf("cut %d, %s", s.cuts, step), dst)
		ok(s.t, os.RemoveAll(dst))
	}
}

// judge opens what a cut left and lets a run go on from there.
func (s *powerScenario) judge(when, dir string) {
	s.t.Helper()
	ctx := context.Background()
	a, err := archive.Open(ctx, dir, archive.Options{Write: true})
	if err != nil {
		s.t.Fatalf("%s: %v", when, err)
	}
	defer a.Close()
	for _, path := range s.made {
		if _, ok := s.told[path]; !ok {
			s.finish(when, a, path, nil)
		}
	}
	for path, told := range s.told {
		s.finish(when, a, path, told)
	}
	if _, err := a.Verify(ctx, func(d archive.Damage) error {
		s.t.Errorf("%s: verify: %s", when, d)
		return nil
	}); err != nil {
		s.t.Fatalf("%s: %v", when, err)
	}
	for _, left := range []string{"tmp", ".Archive.Gr&APwA3w-e/tmp"} {
		if list, err := os.ReadDir(filepath.Join(dir, left)); err != nil && !os.IsNotExist(err) || len(list) > 0 {
			s.t.Errorf("%s: %s holds %v", when, left, list)
		}
	}
}

func (s *powerScenario) finish(when string, a *archive.Archive, path mail.Path, told map[mail.UID]string) {
	s.t.Helper()
	ctx := context.Background()
	w, err := a.OpenWriter(ctx, path)
	if err != nil {
		s.t.Fatalf("%s: %v", when, err)
	}
	defer w.Close()
	count := make(map[string]int)
	var all mail.UIDSet
	all.AddRange(1, 1<<32-1)
	err = w.Fetch(ctx, all, func(info mail.Info, body io.Reader) error {
		text, err := io.ReadAll(body)
		count[string(text)]++
		return err
	})
	if err != nil {
		s.t.Fatalf("%s: %v", when, err)
	}
	for uid, raw := range told {
		if count[raw] == 0 {
			s.t.Errorf("%s: %q of UID %d was told to be done and is not there", when, path, uid)
		}
	}
	for raw, n := range count {
		if n > 1 {
			s.t.Errorf("%s: %q holds %d times %.60q", when, path, n, raw)
		}
	}
}

var _ disk.FS = (*power)(nil)
