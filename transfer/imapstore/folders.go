package imapstore

import (
	"context"
	"slices"

	"mailferry/transfer/imapstore/wire"
	"mailferry/transfer/mail"
)

// roll is one listing of the folders.
type roll struct {
	boxes []*wire.Mailbox
	names *names
}

// Folders implements mail.Source.
func (s *Store) Folders(ctx context.Context) ([]mail.Folder, error) {
	conn, found, err := s.arrive(ctx, true)
	if err != nil {
		return nil, err
	}
	defer s.pool.release(conn)
	if found == nil {
		if found, err = s.list(ctx, conn); err != nil {
			return nil, err
		}
	}
	return foldersOf(found), nil
}

func foldersOf(found *roll) []mail.Folder {
	folders := make([]mail.Folder, len(found.boxes))
	for i, m := range found.boxes {
		folders[i] = folderOf(m, found.names.pathOf(m.Raw))
	}
	slices.SortFunc(folders, func(a, b mail.Folder) int { return a.Path.Compare(b.Path) })
	return folders
}

// list asks for the folders and learns their names.
func (s *Store) list(ctx context.Context, conn *wire.Conn) (*roll, error) {
	boxes, err := conn.List(ctx, s.known().prefix)
	if err != nil {
		return nil, err
	}
	return s.learn(boxes), nil
}

// learn leaves out other people's folders and keeps the spelling of the rest.
func (s *Store) learn(boxes []*wire.Mailbox) *roll {
	srv := s.known()
	boxes = slices.DeleteFunc(boxes, func(m *wire.Mailbox) bool { return !srv.personal(m.Raw) })
	for _, m := range boxes {
		if srv.delim == "" {
			srv = srv.withDelim(m.Delim)
		}
	}
	found := &roll{boxes, newNames(srv, boxes)}
	s.mu.Lock()
	s.server, s.names = srv, found.names
	s.mu.Unlock()
	return found
}

// withDelim is for servers that tell no delimiter but in LIST.
func (s *server) withDelim(delim string) *server {
	changed := *s
	changed.delim = delim
	return &changed
}

// spelling returns the names, after a listing if there was none yet.
func (s *Store) spelling(ctx context.Context, conn *wire.Conn) (*names, error) {
	s.mu.Lock()
	names := s.names
	s.mu.Unlock()
	if names != nil {
		return names, nil
	}
	found, err := s.list(ctx, conn)
	if err != nil {
		return nil, err
	}
	return found.names, nil
}

func folderOf(m *wire.Mailbox, path mail.Path) mail.Folder {
	f := mail.Folder{
		Path: path, NoSelect: !m.Openable(), Subscribed: m.Subscribed,
		Missing: m.Subscribed && m.Has(`\NonExistent`), RawName: m.Raw, Status: m.Status,
	}
	if f.NoSelect {
		f.Status = nil
	}
	if path.IsInbox() {
		return f
	}
	for _, role := range mail.Roles() {
		if m.Has(string(role)) {
			f.Role = role
			break
		}
	}
	return f
}
