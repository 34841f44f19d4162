package archive

import (
	"context"
	"errors"

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
	const op = "create"
	if err := a.writable(ctx, op, folder.Path); err != nil {
		return err
	}
	if folder.Path.IsZero() {
		return &mail.Error{Op: op, Scope: mail.ScopeFolder, Retry: mail.RetryNever, Kind: mail.KindRefused,
			Err: errors.New("no name for a folder")}
	}
	return fail(op, folder.Path, mail.ScopeFolder, a.addFolder(ctx, folder))
}

func (a *Archive) addFolder(ctx context.Context, folder mail.Folder) error {
	a.making.Lock()
	defer a.making.Unlock()
	f, ok, err := a.cat.Folder(ctx, folder.Path)
	if err != nil || ok && f.Gone == 0 {
		return err
	}
	if !ok {
		if f.Dir, err = a.newDir(ctx, folder.Path); err != nil {
			return err
		}
	}
	if err := a.format.make(f.Dir, folder.Path); err != nil {
		return err
	}
	f.Path, f.Role = folder.Path, folder.Role
	if folder.Path.IsInbox() {
		f.Role = ""
	}
	return a.cat.AddFolder(context.WithoutCancel(ctx), a.touch(), &f)
}

// newDir finds a place for a folder that no other folder has, on any file system.
func (a *Archive) newDir(ctx context.Context, path mail.Path) (string, error) {
	list, err := a.cat.Folders(ctx, catalogue.View{Gone: true})
	if err != nil {
		return "", err
	}
	existing := make(map[mail.Path]string, len(list))
	for _, f := range list {
		existing[f.Path] = f.Dir
	}
	return a.format.dir(path, existing), nil
}

// SetSubscribed records a subscription, also in the list that other programs read.
func (a *Archive) SetSubscribed(ctx context.Context, path mail.Path, subscribed bool) error {
	const op = "subscribe"
	if err := a.writable(ctx, op, path); err != nil {
		return err
	}
	a.making.Lock()
	defer a.making.Unlock()
	f, err := a.visible(ctx, op, path)
	if err != nil || f.Subscribed == subscribed {
		return err
	}
	a.touch()
	list, err := a.cat.Folders(ctx, a.view)
	if err != nil {
		return fail(op, path, mail.ScopeFolder, err)
	}
	var dirs []string
	for _, other := range list {
		if other.Path == path && subscribed || other.Path != path && other.Subscribed {
			dirs = append(dirs, other.Dir)
		}
	}
	if err := a.format.subscribe(dirs); err != nil {
		return fail(op, path, mail.ScopeFolder, err)
	}
	return fail(op, path, mail.ScopeFolder, a.cat.SetSubscribed(context.WithoutCancel(ctx), f.ID, subscribed))
}
