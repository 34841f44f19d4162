package imapstore

import (
	"context"
	"errors"
	"time"

	"mailferry/transfer/imapstore/wire"
	"mailferry/transfer/mail"
)

// Create makes a folder, and its parents where the server does not by itself.
func (s *Store) Create(ctx context.Context, folder mail.Folder) error {
	return s.spelled(ctx, func(conn *wire.Conn, names *names) error {
		return at(create(ctx, conn, names, folder.Path, folder.Role), folder.Path)
	})
}

// CreateAll implements mail.FolderMaker: all are asked for at once, and only what
// the server refuses is looked at by itself.
func (s *Store) CreateAll(ctx context.Context, folders []mail.Folder) (errs []error, now []mail.Folder, err error) {
	errs = make([]error, len(folders))
	err = s.spelled(ctx, func(conn *wire.Conn, names *names) error {
		var boxes []wire.NewMailbox
		var where []int
		for i, f := range folders {
			if !f.Path.IsInbox() {
				boxes = append(boxes, wire.NewMailbox{Raw: names.raw(f.Path), Role: f.Role})
				where = append(where, i)
			}
		}
		then := &wire.Afterwards{Prefix: s.known().prefix}
		verdicts, err := conn.CreateAll(ctx, boxes, then)
		if err != nil {
			return err
		}
		for k, i := range where {
			path, err := folders[i].Path, verdicts[k]
			switch {
			case err == nil:
				names.add(path, boxes[k].Raw)
			case refused(err):
				err = create(ctx, conn, names, path, folders[i].Role)
			}
			if errs[i] = at(err, path); err != nil && mail.ErrorOf(err).Scope == mail.ScopeStore {
				return err
			}
		}
		if then.Mailboxes != nil {
			now = foldersOf(s.learn(then.Mailboxes))
			s.expect(now, *then.Opened)
		}
		return nil
	})
	return errs, now, err
}

// expect notes the state of folders that were listed behind the creation of some, so that those without mail need
// not be opened to be appended to. What can be stored in one that was made can be in all.
func (s *Store) expect(now []mail.Folder, opened wire.Selected) {
	if opened.ReadOnly || opened.NotSticky {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.empty, s.emptySince = make(map[mail.Path]mail.Status), time.Now()
	for _, f := range now {
		if f.Status != nil && isEmpty(*f.Status) {
			state := *f.Status
			state.Permanent, state.AnyKeyword = opened.Permanent, opened.AnyKeyword
			s.empty[f.Path] = state
		}
	}
}

// justNow is how long a folder is believed to be without mail: others may deliver to it.
const justNow = 5 * time.Second

// expected returns, once, the state of a folder that was listed without mail just now.
func (s *Store) expected(path mail.Path) (mail.Status, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, ok := s.empty[path]
	delete(s.empty, path)
	return st, ok && time.Since(s.emptySince) < justNow
}

func isEmpty(st mail.Status) bool { return st.UIDValidity != 0 && st.UIDNext != 0 && st.Messages == 0 }

// create makes one folder. A refusal may mean that the parent has to be made first,
// or that the folder exists.
func create(ctx context.Context, conn *wire.Conn, names *names, path mail.Path, role mail.Role) error {
	if path.IsInbox() {
		return nil
	}
	raw := names.raw(path)
	err := conn.Create(ctx, raw, role)
	if parent, ok := path.Parent(); ok && refused(err) {
		if perr := create(ctx, conn, names, parent, ""); perr == nil {
			err = conn.Create(ctx, raw, role)
		}
	}
	if refused(err) && isThere(ctx, conn, raw) {
		err = nil
	}
	if err == nil {
		names.add(path, raw)
	}
	return err
}

// isThere finds out whether a folder could not be created because it exists:
// not every server says so.
func isThere(ctx context.Context, conn *wire.Conn, raw string) bool {
	_, err := conn.Status(ctx, raw)
	return err == nil
}

// refused recognises a plain NO to CREATE.
func refused(err error) bool {
	var no *wire.ReplyError
	return errors.As(err, &no) && no.Reply.Status == "NO" && mail.ErrorOf(err).Retry == mail.RetryNever
}

// SetSubscribed implements mail.Subscriber.
func (s *Store) SetSubscribed(ctx context.Context, path mail.Path, subscribed bool) error {
	return s.spelled(ctx, func(conn *wire.Conn, names *names) error {
		return at(conn.SetSubscribed(ctx, names.raw(path), subscribed), path)
	})
}

// SetSubscribedAll implements mail.FolderMaker.
func (s *Store) SetSubscribedAll(ctx context.Context, paths []mail.Path, subscribed bool) (errs []error, err error) {
	errs = make([]error, len(paths))
	err = s.spelled(ctx, func(conn *wire.Conn, names *names) error {
		raws := make([]string, len(paths))
		for i, path := range paths {
			raws[i] = names.raw(path)
		}
		verdicts, err := conn.SetSubscribedAll(ctx, raws, subscribed)
		for i, e := range verdicts {
			errs[i] = at(e, paths[i])
		}
		return err
	})
	return errs, err
}
