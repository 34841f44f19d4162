package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"mailferry/archive/catalogue"
	"mailferry/archive/maildir"
	"mailferry/transfer/mail"
)

const opOpen = "open the archive"

// Open opens the archive at root. Without Options.Write it takes no lock and changes
// nothing, also beside a run that writes it. With Write, what a run that was killed left behind is
// taken in first. A catalogue that is lost or damaged is made again from its copy or from
// the files; for reading, in a temporary directory.
//
// It is a *mail.Error: of KindNotFound if nothing is there, of KindLocked if another process
// writes it, wrapping ErrNotArchive if something else is there, which is left untouched.
func Open(ctx context.Context, root string, opts Options) (*Archive, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, fail(opOpen, mail.Path{}, mail.ScopeStore, err)
	}
	if err := ctx.Err(); err != nil {
		return nil, fail(opOpen, mail.Path{}, mail.ScopeStore, err)
	}
	if opts.Write && (opts.AsOf != "" || opts.WithGone) {
		return nil, refuse(opOpen, root, errors.New("an earlier state cannot be written"), mail.KindRefused, "")
	}
	if err := checkRoot(root); err != nil {
		return nil, err
	}
	a := newArchive(root, opts)
	if err := a.open(ctx); err != nil {
		return nil, errors.Join(fail(opOpen, mail.Path{}, mail.ScopeStore, &located{root, err}), a.shut(false))
	}
	return a, nil
}

func checkRoot(root string) error {
	info, err := os.Stat(root)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return refuse(opOpen, root, errors.New("there is nothing of that name"), mail.KindNotFound, "")
	case err != nil:
		return fail(opOpen, mail.Path{}, mail.ScopeStore, err)
	case !info.IsDir():
		return refuse(opOpen, root, fmt.Errorf("it is a file, so %w", ErrNotArchive), mail.KindRefused, "name the directory of an archive")
	}
	if _, err := os.ReadDir(root); err != nil {
		return fail(opOpen, mail.Path{}, mail.ScopeStore, err)
	}
	return nil
}

func (a *Archive) open(ctx context.Context) (err error) {
	if err := a.openRoot(); err != nil {
		return err
	}
	if err := a.recognise(); err != nil {
		return err
	}
	if a.opts.Write {
		return a.openToWrite(ctx)
	}
	if err := a.openToRead(ctx); err != nil {
		return err
	}
	return a.setView(ctx)
}

// recognise finds out the format, and that this is an archive at all.
func (a *Archive) recognise() error {
	if err := a.findFormat(); err != nil {
		return err
	}
	info, err := a.fs.Stat(ownDir)
	switch {
	case err == nil && info.IsDir():
		return a.checkInside()
	case err == nil:
		return refuse(opOpen, a.root, fmt.Errorf("%s in it is no directory: %w", ownDir, ErrNotArchive), mail.KindRefused, "")
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	ours := errors.New("found")
	err = a.format.folders(func(dir string, _ mail.Path) error {
		f, err := a.format.survey(catalogue.Folder{Dir: dir}, func(func(mail.UID, string) error) error { return nil })
		if err == nil && len(f.ours) > 0 {
			return ours
		}
		return err
	})
	if err == ours {
		return a.checkInside()
	}
	if err != nil {
		return err
	}
	return refuse(opOpen, a.root, ErrNotArchive, mail.KindRefused, "name a directory that backup has made")
}

// checkInside refuses links, by which files and directories lead out of the archive.
func (a *Archive) checkInside() error { return a.checkLinks(".") }

func (a *Archive) checkLinks(dir string) error {
	var below []string
	err := a.fs.List(dir, func(entries []fs.DirEntry) error {
		for _, e := range entries {
			name := path.Join(dir, e.Name())
			if e.Type()&fs.ModeSymlink != 0 {
				return refuse(opOpen, a.root, errors.New("it contains a symbolic link: "+name), mail.KindRefused,
					"an archive is one directory; remove the link")
			}
			if e.IsDir() && a.mayHoldFolders(dir, e.Name()) {
				below = append(below, name)
			}
		}
		return nil
	})
	for i := 0; err == nil && i < len(below); i++ {
		err = a.checkLinks(below[i])
	}
	return err
}

// mayHoldFolders is false for directories that hold messages, of which there may be millions: a link among
// them cannot be followed out of the archive.
func (a *Archive) mayHoldFolders(dir, name string) bool {
	switch {
	case dir == ".":
		return a.format.name() == MBox || !maildir.Unrelated(name) || name == ownDir
	case dir == ownDir:
		return false
	}
	return a.format.name() == MBox
}

func (a *Archive) openToWrite(ctx context.Context) (err error) {
	if err := a.format.makeOwn(); err != nil {
		return err
	}
	if a.lock, err = takeLock(a.root, a.own(lockFile)); err != nil {
		return err
	}
	scan, err := a.openCatalogue(ctx)
	if err != nil {
		return err
	}
	if err := a.lock.write(mark{pid: os.Getpid()}); err != nil {
		return err
	}
	if a.run, err = a.cat.LastRun(ctx); err != nil {
		return err
	}
	if scan {
		return a.takeIn(ctx)
	}
	return nil
}

// openCatalogue opens the catalogue, or one made in its place. scan says that files
// may be there which it does not have.
func (a *Archive) openCatalogue(ctx context.Context) (scan bool, err error) {
	path, m := a.own(catalogueFile), a.lock.before
	if err := sound(path, m, catalogueFile); err == nil {
		a.cat, err = catalogue.Open(path, !m.clean())
		if err == nil {
			return !m.clean(), nil
		}
		if !catalogue.Damaged(err) {
			return false, err
		}
	} else if !lost(err) {
		return false, err
	}
	a.opts.note("the catalogue of the archive is lost or damaged; it is being made again from its copy and the files")
	if err := setAside(path); err != nil {
		return false, err
	}
	return true, a.replaceCatalogue(ctx, path, m)
}

var errBroken = errors.New("it is not what the last run left")

// sound compares a file with its seal, if it has one.
func sound(path string, m mark, name string) error {
	if _, err := os.Stat(path); err != nil {
		return err
	}
	want, sealed := m.sealed[name]
	if !sealed {
		return nil
	}
	if now, err := sealOf(path); err != nil || now != want {
		return errors.Join(err, errBroken)
	}
	return nil
}

func lost(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, errBroken) }

// setAside keeps a damaged catalogue for those who want to look at it.
func setAside(path string) error {
	for _, suffix := range []string{"", "-journal"} {
		if err := os.Rename(path+suffix, path+".damaged"+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// replaceCatalogue makes a catalogue at path from the copy of the last run, else a new one.
// Its UIDs may have been told for other messages since, so every UIDVALIDITY is new.
func (a *Archive) replaceCatalogue(ctx context.Context, path string, m mark) (err error) {
	if sound(a.own(copyFile), m, copyFile) == nil {
		if err := copyTo(path, a.own(copyFile)); err != nil {
			return err
		}
		if a.cat, err = catalogue.Open(path, true); err == nil {
			return a.outdate(ctx)
		}
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	if a.cat, err = catalogue.Create(path, string(a.format.name())); err != nil {
		return err
	}
	a.opts.note("the catalogue's copy is lost too: earlier states, gone marks, roles, keywords beyond the first 26 and time zones are not known any more")
	source, err := readmeValue(a.own("README"), readmeSource)
	if err != nil || source == "" {
		return err
	}
	return a.cat.SetSource(ctx, source)
}

// outdate forgets what may have changed since the catalogue was copied. Behind the end that a file had then, messages
// were confirmed since; stamps in the names of files only rise.
func (a *Archive) outdate(ctx context.Context) error {
	if a.format.name() == MBox {
		if err := a.cat.ForgetStamps(ctx); err != nil {
			return err
		}
	}
	return a.cat.Renumber(ctx)
}

func (a *Archive) openToRead(ctx context.Context) error {
	path := a.own(catalogueFile)
	for range 3 {
		m := readMark(a.own(lockFile))
		err := sound(path, m, catalogueFile)
		if err == nil {
			a.cat, err = catalogue.OpenReadOnly(path, false)
			if err == nil {
				return nil
			}
			if !catalogue.Damaged(err) {
				return err
			}
		} else if !lost(err) {
			return err
		}
		if readMark(a.own(lockFile)).String() == m.String() {
			return a.rebuildAside(ctx, m)
		}
		// A run began or ended meanwhile.
	}
	return refuse(opOpen, a.root, errors.New("the archive changes all the time"), mail.KindLocked, "wait until the other run has ended")
}

// rebuildAside makes a catalogue in a temporary directory: reading changes nothing.
func (a *Archive) rebuildAside(ctx context.Context, m mark) (err error) {
	a.opts.note("the catalogue of the archive is lost or damaged; this run reads the files themselves")
	if a.temp, err = os.MkdirTemp("", "mailferry-catalogue-"); err != nil {
		return err
	}
	if err := a.replaceCatalogue(ctx, filepath.Join(a.temp, catalogueFile), m); err != nil {
		return err
	}
	if a.run, err = a.cat.LastRun(ctx); err != nil {
		return err
	}
	return a.takeIn(ctx)
}

func copyTo(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = out.ReadFrom(in)
	return errors.Join(err, out.Sync(), out.Close())
}
