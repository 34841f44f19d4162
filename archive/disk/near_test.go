package disk_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"mailferry/archive/disk"
)

// Directories are kept open, more of them than are kept at once, and from several goroutines.
func TestManyDirectoriesAtOnce(t *testing.T) {
	dir := t.TempDir()
	r, err := disk.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	const folders, files = 60, 5
	var wg sync.WaitGroup
	for n := range folders {
		folder := fmt.Sprintf(".Folder%d", n)
		for _, sub := range []string{folder, folder + "/tmp", folder + "/cur"} {
			if err := r.Mkdir(sub); err != nil {
				t.Fatal(err)
			}
		}
		wg.Go(func() {
			for i := range files {
				name := fmt.Sprintf("%s/tmp/%d", folder, i)
				f, err := r.Create(name)
				if err != nil {
					t.Error(err)
					return
				}
				_, err = f.Write([]byte(name))
				if err := errors.Join(err, f.Close(), r.Chtimes(name, time.Unix(1e9, 0)), r.Rename(name, fmt.Sprintf("%s/cur/%d", folder, i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for n := range folders {
		for i := range files {
			at := filepath.Join(dir, fmt.Sprintf(".Folder%d/cur/%d", n, i))
			info, err := os.Stat(at)
			if err != nil || !info.ModTime().Equal(time.Unix(1e9, 0)) {
				t.Errorf("%s: %v", at, err)
			}
		}
	}
}

// A directory that went away is not written to by its open handle.
func TestADirectoryThatWentAway(t *testing.T) {
	dir := t.TempDir()
	r, err := disk.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, sub := range []string{"a", "a/tmp", "a/cur"} {
		if err := r.Mkdir(sub); err != nil {
			t.Fatal(err)
		}
	}
	f, err := r.Create("a/tmp/1")
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if err := os.RemoveAll(filepath.Join(dir, "a")); err != nil {
		t.Fatal(err)
	}
	_, err = r.Create("a/tmp/2")
	if err := errors.Join(err, r.Rename("a/tmp/1", "a/cur/1"), r.SyncDir("a/cur")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("written to a directory that is gone: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "a")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory is there again: %v", err)
	}
}
