package archive_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"mailferry/archive"
	"mailferry/archive/disk"
	"mailferry/transfer/mail"
)

// fullDisk has room for so many octets of mail.
type fullDisk struct {
	*disk.Root
	room int
}

func (f *fullDisk) take(n int) error {
	if f.room -= n; f.room < 0 {
		return syscall.ENOSPC
	}
	return nil
}

func (f *fullDisk) Create(name string) (disk.File, error) {
	file, err := f.Root.Create(name)
	return &fullFile{file, f}, err
}

type fullFile struct {
	disk.File
	on *fullDisk
}

func (f *fullFile) Write(p []byte) (int, error) {
	if err := f.on.take(len(p)); err != nil {
		return 0, err
	}
	return f.File.Write(p)
}

func (f *fullDisk) Sync(files []disk.File) error {
	real := make([]disk.File, len(files))
	for i := range files {
		real[i] = files[i].(*fullFile).File
	}
	return f.Root.Sync(real)
}

func (f *fullDisk) Update(name string) (disk.Updating, error) {
	file, err := f.Root.Update(name)
	return &fullUpdating{file, f}, err
}

type fullUpdating struct {
	disk.Updating
	on *fullDisk
}

func (f *fullUpdating) WriteAt(p []byte, at int64) (int, error) {
	if err := f.on.take(len(p)); err != nil {
		return 0, err
	}
	return f.Updating.WriteAt(p, at)
}

// TestAFullDiskCostsOnlyWhatDoesNotFit: what was told to be done is there, what was not is not, and with room
// again the archive goes on.
func TestAFullDiskCostsOnlyWhatDoesNotFit(t *testing.T) {
	forBoth(t, func(t *testing.T, format archive.Format) {
		dir := filepath.Join(t.TempDir(), "a")
		closed(t, create(t, dir, archive.Options{Format: format}))
		root, err := disk.OpenRoot(dir)
		ok(t, err)
		defer root.Close()
		full := &fullDisk{root, 5000}
		a := open(t, dir, archive.Options{Write: true}.On(full))
		ok(t, a.BeginRun(t.Context(), source))
		done := fillUp(t, a, 100)
		if len(done) == 0 || len(done) == 100 {
			t.Fatalf("%d messages fit", len(done))
		}
		full.room = 1 << 20
		closed(t, a)
		expectExactly(t, dir, done)
		a = open(t, dir, archive.Options{Write: true})
		putLetters(t, a, inbox, 200, 201)
		closed(t, a)
		expectSound(t, open(t, dir, archive.Options{}))
	})
}

// fillUp appends letters, each made durable by itself, and returns those that were told to be done.
func fillUp(t *testing.T, a *archive.Archive, letters int) (done map[string]bool) {
	t.Helper()
	done = make(map[string]bool)
	for n := 1; n <= letters; n++ {
		w, err := a.OpenWriter(t.Context(), inbox)
		if err != nil {
			expectSpace(t, err)
			return done
		}
		tell := func(_ mail.UID, err error) {
			if err == nil {
				done[string(letter(n))] = true
				return
			}
			expectSpace(t, err)
		}
		if err := errors.Join(w.Append(t.Context(), message(n, letter(n)), tell), w.Flush(t.Context())); err != nil {
			expectSpace(t, err)
		}
		_ = w.Close() // what it could not write was told above
	}
	return done
}

func expectSpace(t *testing.T, err error) {
	t.Helper()
	if e := mail.ErrorOf(err); e.Kind != mail.KindSpace || !strings.Contains(e.Hint, "make room") {
		t.Errorf("a full disk is told as %v (kind %d, hint %q)", err, e.Kind, e.Hint)
	}
}

func expectExactly(t *testing.T, dir string, want map[string]bool) {
	t.Helper()
	a := open(t, dir, archive.Options{Write: true})
	defer closed(t, a)
	expectSound(t, a)
	r, err := a.OpenReader(t.Context(), inbox)
	ok(t, err)
	defer closed(t, r)
	got := make(map[string]bool)
	for uid, text := range fetch(t, r) {
		if got[text] {
			t.Errorf("UID %d is there twice", uid)
		}
		got[text] = true
	}
	for text := range want {
		if !got[text] {
			t.Errorf("told to be done, and not there: %.60q", text)
		}
	}
}

// TestAFullFileSystem is the same on a real file system, where the catalogue does not fit either.
func TestAFullFileSystem(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a small file system")
	}
	forBoth(t, func(t *testing.T, format archive.Format) {
		mount := mounted(t, "size=400k")
		dir := filepath.Join(mount, "a")
		a := create(t, dir, archive.Options{Format: format})
		ok(t, a.BeginRun(t.Context(), source))
		done := fillUp(t, a, 1500)
		if len(done) == 0 || len(done) == 1500 {
			t.Fatalf("%d messages fit", len(done))
		}
		if err := a.EndRun(t.Context(), false); err != nil {
			expectSpace(t, err)
		}
		if err := a.Close(); err != nil {
			expectSpace(t, err)
		}
		ok(t, syscall.Mount("tmpfs", mount, "tmpfs", syscall.MS_REMOUNT, "size=10m"))
		expectExactly(t, dir, done)
	})
}

func mounted(t *testing.T, options string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("mount: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

// TestAReadOnlyDisk: everything can be read, and writing is refused at the beginning, with the reason.
func TestAReadOnlyDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a file system")
	}
	forBoth(t, func(t *testing.T, format archive.Format) {
		mount := mounted(t, "size=10m")
		dir := filepath.Join(mount, "a")
		a := create(t, dir, archive.Options{Format: format})
		putLetters(t, a, inbox, 1, 3)
		closed(t, a)
		ok(t, syscall.Mount("tmpfs", mount, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
		before := tree(t, mount)
		for _, try := range []func() (*archive.Archive, error){
			func() (*archive.Archive, error) { return archive.Open(t.Context(), dir, archive.Options{Write: true}) },
			func() (*archive.Archive, error) { return archive.Create(t.Context(), dir+"2", archive.Options{}) },
		} {
			if _, err := try(); err == nil || mail.ErrorOf(err).Kind != mail.KindRefused || !strings.Contains(mail.ErrorOf(err).Hint, "read-only") {
				t.Errorf("writing: %v", err)
			}
		}
		r := open(t, dir, archive.Options{})
		expectSound(t, r)
		closed(t, r)
		if after := tree(t, mount); after != before {
			t.Errorf("changed to\n%s", after)
		}
	})
}
