package archive

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"mailferry/archive/catalogue"
	"mailferry/archive/disk"
	"mailferry/transfer/mail"
)

const opCreate = "create the archive"

// Create makes an archive at root, which may be missing or an empty directory,
// and opens it for writing. If there is an archive already, the error is ErrExists; if there is
// anything else, nothing of it is touched.
func Create(ctx context.Context, root string, opts Options) (*Archive, error) {
	opts.Write = true
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, fail(opCreate, mail.Path{}, mail.ScopeStore, err)
	}
	if err := ctx.Err(); err != nil {
		return nil, fail(opCreate, mail.Path{}, mail.ScopeStore, err)
	}
	if err := checkVacant(root); err != nil {
		return nil, err
	}
	a := newArchive(root, opts)
	if err := a.create(ctx); err != nil {
		return nil, errors.Join(fail(opCreate, mail.Path{}, mail.ScopeStore, &located{root, err}), a.shut(false))
	}
	return a, nil
}

// checkVacant refuses whatever an archive must not be put into.
func checkVacant(root string) error {
	info, err := os.Stat(root)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, lerr := os.Lstat(root); lerr == nil {
			return refuse(opCreate, root, errors.New("it is a symbolic link to nothing"), mail.KindRefused, "name a directory")
		}
		return nil
	case err != nil:
		return fail(opCreate, mail.Path{}, mail.ScopeStore, err)
	case !info.IsDir():
		return refuse(opCreate, root, errors.New("it is a file and not a directory"), mail.KindRefused, "name a directory that is new or empty")
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		return fail(opCreate, mail.Path{}, mail.ScopeStore, err)
	}
	for _, e := range entries {
		if e.Name() == ownDir {
			return refuse(opCreate, root, ErrExists, mail.KindRefused, "")
		}
	}
	if len(entries) > 0 {
		return refuse(opCreate, root, errors.New("the directory is not empty, and "+ErrNotArchive.Error()), mail.KindRefused,
			"name a directory that is new or empty")
	}
	return nil
}

func (a *Archive) create(ctx context.Context) error {
	if err := makeRoot(a.root); err != nil {
		return err
	}
	if err := a.openRoot(); err != nil {
		return err
	}
	var err error
	if a.format, err = a.formatNamed(a.opts.Format); err != nil {
		return err
	}
	if err := a.format.makeOwn(); err != nil {
		return err
	}
	if a.lock, err = takeLock(a.root, a.own(lockFile)); err != nil {
		return err
	}
	if err := a.lock.write(mark{pid: os.Getpid()}); err != nil {
		return err
	}
	if a.cat, err = catalogue.Create(a.own(catalogueFile), string(a.format.name())); err != nil {
		return err
	}
	if err := a.writeReadme(""); err != nil {
		return err
	}
	inbox := mail.NewPath("INBOX")
	if err := a.addFolders(ctx, &catalogue.Folder{Path: inbox, Dir: a.format.dir(inbox, nil)}); err != nil {
		return err
	}
	if err := a.fs.SyncDir(ownDir); err != nil {
		return err
	}
	return a.fs.SyncDir(".")
}

// makeRoot makes the directory, and its name durable.
func makeRoot(root string) error {
	parent := filepath.Dir(root)
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return err
	}
	if err := os.Mkdir(root, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	d, err := os.Open(parent)
	if err != nil {
		return nil // it may be searched and not read; then it is not ours to sync
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrInvalid) {
		return err
	}
	return nil
}

func (a *Archive) openRoot() error {
	if a.opts.fs != nil {
		a.fs = a.opts.fs
		return nil
	}
	root, err := disk.OpenRoot(a.root)
	if err != nil {
		return err
	}
	a.fs, a.closer = root, root.Close
	return nil
}

func (a *Archive) formatNamed(name Format) (format, error) {
	switch name {
	case "", Maildir:
		return maildirFormat{a.fs}, nil
	case MBox:
		return mboxFormat{a.fs}, nil
	}
	return nil, errors.New("there is no format " + string(name))
}
