package other

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"mailferry/archive/mbox/foreign"
	"mailferry/transfer/mail"
)

// single takes a file for one folder.
func (f *finder) single() error {
	if err := f.look(f.root); err != nil {
		return err
	}
	name := filepath.Base(f.root)
	f.folders = append(f.folders, folder{path: mail.NewPath(boxName(name)), at: f.root, subscribed: true})
	return nil
}

// look refuses a file that is no mbox.
func (f *finder) look(at string) error {
	m, err := foreign.Open(at, foreign.Options{Spool: f.spool})
	if err != nil {
		return err
	}
	return m.Close()
}

// boxName is a file's name without what tells its kind.
func boxName(file string) string {
	name := file
	for _, suffix := range []string{".gz", ".mbox", ".mbx"} {
		if len(name) > len(suffix) && strings.EqualFold(name[len(name)-len(suffix):], suffix) {
			name = name[:len(name)-len(suffix)]
		}
	}
	return decodeName(name)
}

// mboxes finds the mbox files of a tree. Files that are none are passed over and named: mail
// programs keep indexes beside them. One that cannot be read may be one, so it is a folder, and
// whoever opens that hears why it is not copied.
func (f *finder) mboxes(ctx context.Context) error { return f.mboxesIn(ctx, f.root, nil) }

func (f *finder) mboxesIn(ctx context.Context, dir string, components []string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		name, at := e.Name(), filepath.Join(dir, e.Name())
		switch {
		case strings.HasPrefix(name, "."), strings.HasSuffix(name, ".msf"):
		case isDir(at, e):
			if f.isLoop(at, e) || f.isOwn(at) {
				continue
			}
			// Thunderbird has the folders below X in X.sbd, Dovecot and Apple Mail beside or in it.
			below := append(slices.Clone(components), decodeName(strings.TrimSuffix(name, ".sbd")))
			if err := f.mboxesIn(ctx, at, below); err != nil {
				return err
			}
		default:
			f.file(at, components)
		}
	}
	return nil
}

func (f *finder) file(at string, components []string) {
	if err := f.look(at); err != nil {
		cause := mail.ErrorOf(err)
		if cause.Kind == mail.KindRefused || cause.Kind == mail.KindNotFound && isNothing(at) {
			f.pass(at, cause.Err.Error())
			return
		}
		f.failed = append(f.failed, f.short(at)+": "+cause.Err.Error())
	}
	name := filepath.Base(at)
	path := append(slices.Clone(components), boxName(name))
	if name == "mbox" && len(components) > 0 { // Apple Mail and Google: X.mbox/mbox
		path = path[:len(path)-1]
		path[len(path)-1] = boxName(filepath.Base(filepath.Dir(at)))
	}
	f.folders = append(f.folders, folder{path: mail.NewPath(path...), at: at, subscribed: true})
}

// isNothing reports whether at is gone, or a link to a name beside it that nothing has, which is how
// Thunderbird and others say that they are running. Other links may lead to a disk that is away.
func isNothing(at string) bool {
	target, err := os.Readlink(at)
	if err != nil {
		_, err = os.Lstat(at)
		return errors.Is(err, fs.ErrNotExist)
	}
	return filepath.Base(target) == target
}
