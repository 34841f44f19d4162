package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func root(t *testing.T) (*Root, string) {
	t.Helper()
	dir := t.TempDir()
	r, err := OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r, dir
}

// TestNothingLeadsOutOfTheRoot: neither dots nor links.
func TestNothingLeadsOutOfTheRoot(t *testing.T) {
	r, dir := root(t)
	out := t.TempDir()
	if err := os.WriteFile(filepath.Join(out, "precious"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(out, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, base := range []string{"link", "../" + filepath.Base(out), out} {
		name := base + "/precious"
		for doing, err := range map[string]error{
			"open":   second(r.Open(name)),
			"create": second(r.Create(base + "/new")),
			"update": second(r.Update(name)),
			"remove": r.Remove(name),
			"rename": r.Rename(name, "here"),
			"mkdir":  r.Mkdir(base + "/sub"),
			"list":   r.List(base, func([]fs.DirEntry) error { return nil }),
		} {
			if err == nil {
				t.Errorf("%s of %s went well", doing, name)
			}
		}
	}
	if list, err := os.ReadDir(out); err != nil || len(list) != 1 {
		t.Errorf("outside there is now %v, %v", list, err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestFilesAreMadeOnceAndAreReadBack(t *testing.T) {
	r, dir := root(t)
	var files []File
	for i := range 20 {
		f, err := r.Create(fmt.Sprintf("f%d", i))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, "text"); err != nil {
			t.Fatal(err)
		}
		f.Flushing()
		files = append(files, f)
	}
	date := time.Unix(1_000_000_000, 0)
	if err := errors.Join(r.Chtimes("f3", date), r.Sync(files), r.Sync(files[:2]), r.Sync(nil), r.SyncDir(".")); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Create("f3"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("made twice: %v", err)
	}
	if _, err := r.Open("none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("opened what is not there: %v", err)
	}
	info, err := os.Stat(filepath.Join(dir, "f3"))
	if err != nil || info.Mode() != 0o600 || !info.ModTime().Equal(date) {
		t.Errorf("%v, %v", info, err)
	}
	n := 0
	if err := r.List(".", func(list []fs.DirEntry) error { n += len(list); return nil }); err != nil || n != 20 {
		t.Errorf("%d names, %v", n, err)
	}
}

// TestSyncOfAClosedFileIsAnError: an error must not get lost in the crowd.
func TestSyncOfAClosedFileIsAnError(t *testing.T) {
	r, _ := root(t)
	for _, n := range []int{2, 30} {
		var files []File
		for i := range n {
			f, err := r.Create(fmt.Sprintf("%d-%d", n, i))
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, f)
			defer f.Close()
		}
		files[0].Close()
		if err := r.Sync(files); err == nil {
			t.Errorf("sync of %d files, one closed, went well", n)
		}
	}
}

func TestReplaceLeavesTheOldOrTheNew(t *testing.T) {
	r, dir := root(t)
	for _, text := range []string{"one", "two\n", ""} {
		if err := Replace(r, "small", text); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadSmall(r, "small"); err != nil || got != text {
			t.Errorf("%q, %v", got, err)
		}
	}
	// What a killed process left does not stand in the way.
	if err := os.WriteFile(filepath.Join(dir, "small"+Unfinished), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Replace(r, "small", "three"); err != nil {
		t.Fatal(err)
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) != 1 {
		t.Errorf("left: %v, %v", list, err)
	}
	if got, err := ReadSmall(r, "none"); got != "" || err != nil {
		t.Errorf("what is not there: %q, %v", got, err)
	}
}
