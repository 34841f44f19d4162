package archive

import (
	"context"
	"errors"
	"slices"

	"mailferry/archive/catalogue"
	"mailferry/transfer/mail"
)

// Folders lists the folders of the archive's view.
func (a *Archive) Folders(ctx context.Context) ([]mail.Folder, error) {
	const op = "list folders"
	if err := a.usable(ctx, op, mail.Path{}); err != nil {
		return nil, err
	}
	list, err := a.cat.Folders(ctx, a.view)
	if err != nil {
		return nil, fail(op, mail.Path{}, mail.ScopeStore, err)
	}
	out := make([]mail.Folder, len(list))
	for i, f := range list {
		st, err := a.status(ctx, f)
		if err != nil {
			return nil, fail(op, f.Path, mail.ScopeStore, err)
		}
		out[i] = mail.Folder{Path: f.Path, Role: f.Role, Subscribed: f.Subscribed, Status: &st, RawName: f.Dir}
	}
	return out, nil
}

// status is what a folder holds in the archive's view.
func (a *Archive) status(ctx context.Context, f catalogue.Folder) (mail.Status, error) {
	st := mail.Status{UIDValidity: f.Validity, UIDNext: f.Next, Messages: uint32(f.Messages), HighestModSeq: f.ModSeq,
		Unseen: f.Unseen, Bytes: f.Bytes}
	if a.view == (catalogue.View{}) {
		return st, nil
	}
	messages, unseen, bytes, err := a.cat.Totals(ctx, f.ID, a.view)
	st.Messages, st.Unseen, st.Bytes = uint32(messages), unseen, bytes
	st.HighestModSeq = 0 // those of the messages are of now
	return st, err
}

// withPermanent is a handle's status: everything can be stored.
func withPermanent(st mail.Status) mail.Status {
	st.Permanent = mail.NewFlags(mail.Seen, mail.Answered, mail.Flagged, mail.Deleted, mail.Draft)
	st.AnyKeyword = true
	return st
}

// visible returns a folder of the view.
func (a *Archive) visible(ctx context.Context, op string, path mail.Path) (catalogue.Folder, error) {
	f, ok, err := a.cat.Folder(ctx, path)
	switch {
	case err != nil:
		return f, fail(op, path, mail.ScopeStore, err)
	case !ok || f.Gone > 0 && a.view == (catalogue.View{}):
		return f, notFound(op, path)
	case a.view == (catalogue.View{}):
		return f, nil
	}
	list, err := a.cat.Folders(ctx, a.view)
	for _, seen := range list {
		if seen.ID == f.ID {
			return f, nil
		}
	}
	if err != nil {
		return f, fail(op, path, mail.ScopeStore, err)
	}
	return f, notFound(op, path)
}

// Create makes a folder. Its name on disk does not depend on that of its parent being there.
func (a *Archive) Create(ctx context.Context, folder mail.Folder) error {
	errs, _, err := a.CreateAll(ctx, []mail.Folder{folder})
	if err != nil {
		return err
	}
	return errs[0]
}

// CreateAll implements mail.FolderMaker. All folders wait for the disk together.
func (a *Archive) CreateAll(ctx context.Context, folders []mail.Folder) (errs []error, now []mail.Folder, err error) {
	const op = "create"
	if len(folders) == 0 {
		return nil, nil, nil
	}
	if err := a.writable(ctx, op, folders[0].Path); err != nil {
		return nil, nil, err
	}
	a.making.Lock()
	defer a.making.Unlock()
	errs = make([]error, len(folders))
	wanted, where, err := a.lacking(ctx, folders)
	if err != nil {
		return nil, nil, fail(op, mail.Path{}, mail.ScopeStore, err)
	}
	if err := a.addFolders(ctx, wanted...); err != nil {
		for k, f := range wanted { // whose fault is it?
			if len(wanted) > 1 {
				err = a.addFolders(ctx, f)
			}
			errs[where[k]] = fail(op, f.Path, mail.ScopeFolder, err)
		}
	}
	for i, f := range folders {
		if f.Path.IsZero() {
			errs[i] = &mail.Error{Op: op, Scope: mail.ScopeFolder, Retry: mail.RetryNever, Kind: mail.KindRefused,
				Err: errors.New("no name for a folder")}
		}
	}
	return errs, nil, nil
}

// lacking returns what has to be recorded so that all folders are there, and which of them each is.
func (a *Archive) lacking(ctx context.Context, folders []mail.Folder) (wanted []*catalogue.Folder, where []int, err error) {
	list, err := a.cat.Folders(ctx, catalogue.View{Gone: true})
	if err != nil {
		return nil, nil, err
	}
	known := make(map[mail.Path]catalogue.Folder, len(list))
	dirs := make(map[mail.Path]string, len(list))
	for _, f := range list {
		known[f.Path], dirs[f.Path] = f, f.Dir
	}
	for i, folder := range folders {
		if folder.Path.IsInbox() {
			folder.Role = ""
		}
		f, ok := known[folder.Path]
		if folder.Path.IsZero() || ok && f.Gone == 0 && (f.Role != "" || folder.Role == "") {
			continue
		}
		if !ok {
			f.Dir = a.format.dir(folder.Path, dirs)
		}
		f.Path, f.Role, f.Gone = folder.Path, folder.Role, 0
		known[f.Path], dirs[f.Path] = f, f.Dir
		wanted, where = append(wanted, &f), append(where, i)
	}
	return wanted, where, nil
}

// addFolders makes folders, on the disk first, all or none of them.
func (a *Archive) addFolders(ctx context.Context, folders ...*catalogue.Folder) error {
	if len(folders) == 0 {
		return nil
	}
	dirs := make(map[string]mail.Path, len(folders))
	for _, f := range folders {
		dirs[f.Dir] = f.Path
	}
	if err := a.format.make(dirs); err != nil {
		return err
	}
	return a.cat.AddFolders(context.WithoutCancel(ctx), a.touch(), folders...)
}

// SetSubscribed records a subscription, also in the list that other programs read.
func (a *Archive) SetSubscribed(ctx context.Context, path mail.Path, subscribed bool) error {
	errs, err := a.SetSubscribedAll(ctx, []mail.Path{path}, subscribed)
	if err != nil {
		return err
	}
	return errs[0]
}

// SetSubscribedAll implements mail.FolderMaker.
func (a *Archive) SetSubscribedAll(ctx context.Context, paths []mail.Path, subscribed bool) ([]error, error) {
	const op = "subscribe"
	if len(paths) == 0 {
		return nil, nil
	}
	if err := a.writable(ctx, op, paths[0]); err != nil {
		return nil, err
	}
	a.making.Lock()
	defer a.making.Unlock()
	list, err := a.cat.Folders(ctx, a.view)
	if err != nil {
		return nil, fail(op, mail.Path{}, mail.ScopeStore, err)
	}
	errs := make([]error, len(paths))
	var changed []int64
	var where []int // in paths
	for i, path := range paths {
		k := slices.IndexFunc(list, func(f catalogue.Folder) bool { return f.Path == path })
		switch {
		case k < 0:
			errs[i] = notFound(op, path)
		case list[k].Subscribed != subscribed:
			list[k].Subscribed = subscribed
			changed, where = append(changed, list[k].ID), append(where, i)
		}
	}
	if len(changed) == 0 {
		return errs, nil
	}
	if err := a.subscribe(ctx, list, subscribed, changed); err != nil {
		for _, i := range where {
			errs[i] = fail(op, paths[i], mail.ScopeFolder, err)
		}
	}
	return errs, nil
}

func (a *Archive) subscribe(ctx context.Context, list []catalogue.Folder, subscribed bool, changed []int64) error {
	var dirs []string
	for _, f := range list {
		if f.Subscribed {
			dirs = append(dirs, f.Dir)
		}
	}
	a.touch()
	if err := a.format.subscribe(dirs); err != nil {
		return err
	}
	return a.cat.SetSubscribed(context.WithoutCancel(ctx), subscribed, changed...)
}
