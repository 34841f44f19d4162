package floor

import (
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// Fsync writes the files as a Maildir++ at dir, each synced by itself before it
// gets its name, with n at a time.
func Fsync(dir string, folders []Folder, n int) error {
	if err := makeDirs(dir, folders); err != nil {
		return err
	}
	var g errgroup.Group
	g.SetLimit(n)
	for _, f := range folders {
		for _, m := range f.Messages {
			g.Go(func() error {
				if err := writeFile(tmp(dir, f, m), m.Body, true); err != nil {
					return err
				}
				return os.Rename(tmp(dir, f, m), cur(dir, f, m))
			})
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return syncDirs(dir, folders)
}

// Syncfs writes the files as a Maildir++ at dir and syncs the whole file system
// after every group of so many; 0 makes one group of all.
func Syncfs(dir string, folders []Folder, group int) error {
	if err := makeDirs(dir, folders); err != nil {
		return err
	}
	root, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	var files []file
	for _, f := range folders {
		for _, m := range f.Messages {
			files = append(files, file{tmp(dir, f, m), cur(dir, f, m), m.Body})
		}
	}
	if group == 0 {
		group = max(1, len(files))
	}
	for part := range slices.Chunk(files, group) {
		if err := writeGroup(root, part); err != nil {
			return err
		}
	}
	return syncDirs(dir, folders)
}

// file is a message on its way to its name.
type file struct {
	from, to string
	body     []byte
}

func writeGroup(root *os.File, files []file) error {
	var g errgroup.Group
	g.SetLimit(8)
	for _, f := range files {
		g.Go(func() error { return writeFile(f.from, f.body, false) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if err := unix.Syncfs(int(root.Fd())); err != nil {
		return err
	}
	for _, f := range files {
		if err := os.Rename(f.from, f.to); err != nil {
			return err
		}
	}
	return nil
}

func writeFile(name string, body []byte, sync bool) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(body); err != nil || !sync {
		return err
	}
	return f.Sync()
}

func folderDir(dir string, f Folder) string {
	if f.Raw == "INBOX" {
		return dir
	}
	return filepath.Join(dir, "."+string(dots([]byte(f.Raw))))
}

func dots(raw []byte) []byte {
	for i, c := range raw {
		if c == '/' {
			raw[i] = '.'
		}
	}
	return raw
}

func tmp(dir string, f Folder, m Message) string {
	return filepath.Join(folderDir(dir, f), "tmp", m.File)
}
func cur(dir string, f Folder, m Message) string {
	return filepath.Join(folderDir(dir, f), "cur", m.File)
}

func makeDirs(dir string, folders []Folder) error {
	for _, f := range folders {
		for _, name := range []string{"cur", "new", "tmp"} {
			if err := os.MkdirAll(filepath.Join(folderDir(dir, f), name), 0o700); err != nil {
				return err
			}
		}
	}
	return nil
}

func syncDirs(dir string, folders []Folder) error {
	for _, f := range folders {
		d, err := os.Open(filepath.Join(folderDir(dir, f), "cur"))
		if err != nil {
			return err
		}
		err = d.Sync()
		d.Close()
		if err != nil {
			return err
		}
	}
	return nil
}
