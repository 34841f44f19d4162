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
	open map[string]dir
}

// nearMost is how many directories are kept open.
const nearMost = 24

// errLink says that the whole name has to be looked up: on the way there may be a link.
var errLink = errors.New("it is a link")

// in calls do with two directories, which may be the same, and lets nobody close them meanwhile.
// What do returns may be wrapped.
func (n *near) in(root *os.Root, one, two string, do func(one, two dir) error) error {
	for {
		n.mu.RLock()
		a, known := n.open[one]
		b, also := n.open[two]
		if known && also {
			defer n.mu.RUnlock()
			return do(a, b)
		}
		n.mu.RUnlock()
		if err := n.add(root, one, two); err != nil {
			return err
		}
	}
}

// add opens those of the directories that are not open.
func (n *near) add(root *os.Root, names ...string) (err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.open)+len(names) > nearMost {
		err = n.closeAll() // those of folders that are done, most of them
	}
	if n.open == nil {
		n.open = make(map[string]dir)
	}
	for _, name := range names {
		if _, known := n.open[name]; known || err != nil {
			continue
		}
		var d dir
		if d, err = openDir(root, name); err == nil {
			n.open[name] = d
		}
	}
	return err
}

// leave closes all.
func (n *near) leave() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.closeAll()
}

func (n *near) closeAll() error {
	var errs []error
	for _, d := range n.open {
		errs = append(errs, d.close())
	}
	n.open = nil
	return errors.Join(errs...)
}

// split returns the directory of a name and the name there; ok is false where there is no directory to
// keep open, or the name there could lead out of it.
func split(name string) (dir, base string, ok bool) {
	dir, base = path.Split(name)
	dir = path.Clean(dir)
	return dir, base, dir != "." && base != "" && base != "." && base != ".."
}

// file calls do with the directory of a file and its name there. Where that is not enough, the error is errLink.
func (r *Root) file(name string, do func(d dir, base string) error) error {
	in, base, ok := split(name)
	if !ok {
		return errLink
	}
	return r.near.in(r.root, in, in, func(d, _ dir) error { return do(d, base) })
}
