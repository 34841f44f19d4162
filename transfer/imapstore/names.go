package imapstore

import (
	"slices"
	"strconv"
	"strings"
	"sync"

	"mailferry/transfer/imapstore/wire"
	"mailferry/transfer/mail"
)

// names maps paths to the raw names a server lists, one to one, so that a
// folder is opened by exactly the octets that LIST gave.
type names struct {
	server *server
	mu     sync.Mutex
	byPath map[mail.Path]string
	byRaw  map[string]mail.Path
	status map[string]*mail.Status // by raw name, as of the listing
}

// newNames gives every listed folder a path of its own. Names that are written as
// this package would write them come first, so that an oddly spelt twin is the
// one to get the odd path, in every run.
func newNames(srv *server, boxes []*wire.Mailbox) *names {
	n := &names{server: srv, byPath: make(map[mail.Path]string), byRaw: make(map[string]mail.Path), status: make(map[string]*mail.Status)}
	sorted := slices.Clone(boxes)
	slices.SortFunc(sorted, func(a, b *wire.Mailbox) int {
		if ca, cb := n.canonical(a), n.canonical(b); ca != cb {
			if ca {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Raw, b.Raw)
	})
	for _, m := range sorted {
		n.add(n.free(m), m.Raw)
		n.status[m.Raw] = m.Status
	}
	return n
}

func (n *names) canonical(m *wire.Mailbox) bool {
	return n.server.encode(n.server.decode(m.Raw, m.Delim)) == m.Raw
}

// free returns the first path for a folder that no other folder has.
func (n *names) free(m *wire.Mailbox) mail.Path {
	candidates := []mail.Path{
		n.server.decode(m.Raw, m.Delim),
		mail.NewPath(n.server.split(m.Raw, m.Delim)...),
		mail.NewPath(m.Raw),
	}
	for _, path := range candidates {
		if _, taken := n.byPath[path]; !taken && !path.IsZero() {
			return path
		}
	}
	for i := 2; ; i++ {
		path := mail.NewPath(m.Raw + "~" + strconv.Itoa(i))
		if _, taken := n.byPath[path]; !taken {
			return path
		}
	}
}

func (n *names) add(path mail.Path, raw string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.byPath[path], n.byRaw[raw] = raw, path
}

// rawOf returns the raw name of a folder that exists.
func (n *names) rawOf(path mail.Path) (raw string, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	raw, ok = n.byPath[path]
	return raw, ok
}

// raw returns the raw name of a folder, whether it exists or is to be created.
func (n *names) raw(path mail.Path) string {
	if raw, ok := n.rawOf(path); ok {
		return raw
	}
	parts := path.Components()
	for i := len(parts) - 1; i > 0; i-- { // below a parent that is spelt oddly
		parent := mail.NewPath(parts[:i]...)
		if raw, ok := n.rawOf(parent); ok && !parent.IsInbox() && n.server.delim != "" {
			rest := mapParts(parts[i:], wire.EncodeName)
			return raw + n.server.delim + strings.Join(rest, n.server.delim)
		}
	}
	return n.server.encode(path)
}

func (n *names) pathOf(raw string) mail.Path {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.byRaw[raw]
}
