package imapstore

import (
	"context"
	"slices"

	"mailferry/transfer/imapstore/wire"
	"mailferry/transfer/mail"
)

// Folders implements mail.Source.
func (s *Store) Folders(ctx context.Context) ([]mail.Folder, error) {
	var folders []mail.Folder
	err := s.with(ctx, func(conn *wire.Conn) error {
		boxes, names, err := s.list(ctx, conn)
		if err != nil {
			return err
		}
		for _, m := range boxes {
			folders = append(folders, folderOf(m, names.pathOf(m.Raw)))
		}
		return nil
	})
	slices.SortFunc(folders, func(a, b mail.Folder) int { return a.Path.Compare(b.Path) })
	return folders, err
}

// list asks for the folders and learns their names.
func (s *Store) list(ctx context.Context, conn *wire.Conn) ([]*wire.Mailbox, *names, error) {
	srv := s.known()
	boxes, err := conn.List(ctx, srv.prefix)
	if err != nil {
		return nil, nil, err
	}
	boxes = slices.DeleteFunc(boxes, func(m *wire.Mailbox) bool { return !srv.personal(m.Raw) })
	for _, m := range boxes {
		if srv.delim == "" {
			srv = srv.withDelim(m.Delim)
		}
	}
	names := newNames(srv, boxes)
	s.mu.Lock()
	s.server, s.names = srv, names
	s.mu.Unlock()
	return boxes, names, nil
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
	_, names, err := s.list(ctx, conn)
	return names, err
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
