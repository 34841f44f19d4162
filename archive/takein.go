package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"mailferry/archive/catalogue"
	"mailferry/transfer/mail"
)

// takeIn brings the catalogue up to the files: folders and messages that are there
// and not recorded are recorded, and what a writer left half done is put away.
func (a *Archive) takeIn(ctx context.Context) error {
	if err := a.takeInFolders(ctx); err != nil {
		return err
	}
	folders, err := a.cat.Folders(ctx, catalogue.View{Gone: true})
	if err != nil {
		return err
	}
	if a.lock != nil {
		dirs := make(map[string]mail.Path, len(folders))
		for _, f := range folders {
			dirs[f.Dir] = f.Path
		}
		// Without its directories a folder cannot be opened; that messages are missing is said below.
		if err := a.format.make(dirs); err != nil {
			return err
		}
	}
	for _, f := range folders {
		if a.lock != nil {
			if err := a.format.mend(f, a.places(ctx, f.ID)); err != nil {
				return err
			}
		}
		if err := a.takeInMessages(ctx, &f); err != nil {
			return err
		}
	}
	return nil
}

func (a *Archive) takeInFolders(ctx context.Context) error {
	known := make(map[string]bool)
	folders, err := a.cat.Folders(ctx, catalogue.View{Gone: true})
	if err != nil {
		return err
	}
	for _, f := range folders {
		known[f.Dir] = true
	}
	subscribed := make(map[string]bool)
	if len(folders) == 0 {
		list, err := a.format.subscribed()
		if err != nil {
			return err
		}
		for _, dir := range list {
			subscribed[dir] = true
		}
	}
	err = a.format.folders(func(dir string, path mail.Path) error {
		if known[dir] {
			return nil
		}
		if _, twice, err := a.cat.Folder(ctx, path); twice || err != nil {
			return err
		}
		return a.cat.AddFolders(ctx, a.touch(), &catalogue.Folder{Path: path, Dir: dir, Subscribed: subscribed[dir]})
	})
	if err != nil {
		return err
	}
	inbox := mail.NewPath("INBOX")
	if _, there, err := a.cat.Folder(ctx, inbox); there || err != nil {
		return err
	}
	return a.cat.AddFolders(ctx, a.touch(), &catalogue.Folder{Path: inbox, Dir: a.format.dir(inbox, nil)})
}

// takeInPart is how many messages are recorded at once.
const takeInPart = 500

func (a *Archive) takeInMessages(ctx context.Context, f *catalogue.Folder) error {
	found, err := a.format.survey(*f, a.places(ctx, f.ID))
	if err != nil {
		return err
	}
	if n := len(found.missing); n > 0 {
		a.opts.note(fmt.Sprintf("%d recorded messages of folder %q are missing; verify names them", n, f.Path))
	}
	if len(found.ours) == 0 {
		return nil
	}
	var part []catalogue.Message
	taken := 0
	for i, s := range found.ours {
		if err := ctx.Err(); err != nil {
			return err
		}
		m, err := found.read(s.place)
		if err == nil {
			part = append(part, m)
		} else if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrInvalid) {
			return err
		}
		if len(part) == takeInPart || i == len(found.ours)-1 && len(part) > 0 {
			f.Stamp = max(f.Stamp, s.stamp)
			if err := a.cat.Append(ctx, a.touch(), f, part, nil); err != nil {
				return err
			}
			taken, part = taken+len(part), nil
		}
	}
	a.opts.note(fmt.Sprintf("%d messages of folder %q were there and not in the catalogue; they are now", taken, f.Path))
	return nil
}

// places is what the catalogue knows of a folder.
func (a *Archive) places(ctx context.Context, folder int64) places {
	return func(fn func(mail.UID, string) error) error { return a.cat.Places(ctx, folder, fn) }
}
