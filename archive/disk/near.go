package disk

import (
	"errors"
	"os"
	"path"
	"sync"
)

// near keeps directories open in which much is done: a name is looked up part by part,
// so that no link leads out of the archive, and that costs as much as writing a small file.
type near struct {
	mu   sync.RWMutex
	open map[string]*os.Root
}

// nearMost is how many directories are kept open.
const nearMost = 24

// in calls do with the directory dir and lets nobody close it meanwhile.
// What do returns may be wrapped.
func (n *near) in(root *os.Root, dir string, do func(*os.Root) error) error {
	if dir == "." || dir == "" {
		return do(root)
	}
	n.mu.RLock()
	if r := n.open[dir]; r != nil {
		defer n.mu.RUnlock()
		return do(r)
	}
	n.mu.RUnlock()
	r, err := root.OpenRoot(dir)
	if err != nil {
		return err
	}
	n.mu.Lock()
	if other := n.open[dir]; other != nil {
		n.mu.Unlock()
		return errors.Join(r.Close(), n.in(root, dir, do))
	}
	if len(n.open) >= nearMost {
		err = n.closeAll() // those of folders that are done, most of them
	}
	if n.open == nil {
		n.open = make(map[string]*os.Root)
	}
	n.open[dir] = r
	n.mu.Unlock()
	return errors.Join(err, n.in(root, dir, do))
}

// leave closes all.
func (n *near) leave() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.closeAll()
}

func (n *near) closeAll() error {
	var errs []error
	for _, r := range n.open {
		errs = append(errs, r.Close())
	}
	n.open = nil
	return errors.Join(errs...)
}

// file calls do with the directory of a file and its name there.
func (r *Root) file(name string, do func(dir *os.Root, base string) error) error {
	dir, base := path.Split(name)
	return r.near.in(r.root, path.Clean(dir), func(d *os.Root) error { return do(d, base) })
}
