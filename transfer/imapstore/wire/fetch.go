package wire

import (
	"context"
	"strconv"

	"mailferry/transfer/mail"
)

// Query asks for something of a set of messages, but not for their bodies.
type Query struct {
	UIDs         string // a sequence-set
	Items        string // FETCH items without parentheses
	ChangedSince uint64 // 0: not restricted (RFC 7162 section 3.1.4.1)

	// Vanished takes up which of UIDs were expunged since ChangedSince, where Conn.Resync
	// is true (RFC 7162 section 3.2.6); nil: that is not asked for.
	Vanished *mail.UIDSet
}

// Fetching is a query on its way. Queries are answered in the order in which
// they were started, and must be waited for in it.
type Fetching struct {
	c   *Conn
	tag string
	q   Query
}

// command is the query as it is sent.
func (q Query) command() *command {
	m := newCommand("UID FETCH " + q.UIDs + " (" + q.Items + ")")
	if q.ChangedSince > 0 {
		m.add(" (CHANGEDSINCE " + strconv.FormatUint(q.ChangedSince, 10))
		if q.Vanished != nil {
			m.add(" VANISHED")
		}
		m.add(")")
	}
	return m
}

// StartFetch sends a query and does not wait.
func (c *Conn) StartFetch(ctx context.Context, q Query) (*Fetching, error) {
	const op = "list messages"
	if err := c.ready(ctx, op); err != nil {
		return nil, err
	}
	defer c.watch(ctx)()
	tag, err := c.send(op, q.command())
	if err == nil {
		if err = c.bw.Flush(); err != nil {
			err = c.lost(op, err)
		}
	}
	return &Fetching{c, tag, q}, err
}

// Wait calls fn for each FETCH response that names a UID, in the server's order.
// A message may come in several. An error of fn puts the connection out of use.
func (f *Fetching) Wait(ctx context.Context, fn func(*Item) error) error {
	const op = "list messages"
	c := f.c
	if err := c.ready(ctx, op); err != nil {
		return err
	}
	defer c.watch(ctx)()
	rep, err := c.finish(op, f.tag, func(s *response) error {
		if s.Name == "VANISHED" && f.q.Vanished != nil {
			s.vanishedEarlier(f.q.Vanished)
		}
		if s.Name != "FETCH" {
			return nil
		}
		var it Item
		early, err := c.takeEarly(s, &it)
		if err != nil || it.UID == 0 || early {
			return err
		}
		return fn(&it)
	})
	if err == nil && (!rep.OK() || rep.Code == "MESSAGELIMIT") {
		err = classify(op, rep)
	}
	return err
}

// Fetch is StartFetch and Wait in one.
func (c *Conn) Fetch(ctx context.Context, q Query, fn func(*Item) error) error {
	f, err := c.StartFetch(ctx, q)
	if err != nil {
		return err
	}
	return f.Wait(ctx, fn)
}

// Bounds of one command: its line stays below 8 KB, the least a server is known
// to take, and its answer is not so long that nothing is learnt from it.
const (
	chunkMessages = 1000
	chunkRanges   = 340
)

// chunks cuts a set into parts of some n messages that fit a command line. A set
// may hold many more UIDs than the folder holds messages.
func (c *Conn) chunks(set mail.UIDSet, n int) []mail.UIDSet {
	n *= max(1, set.Len()/max(1, int(c.box.exists)))
	var out []mail.UIDSet
	for part := range set.Chunks(n, chunkRanges) {
		out = append(out, part)
	}
	return out
}
