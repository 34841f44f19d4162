package imapstore

import (
	"context"
	"errors"
	"iter"
	"maps"

	"mailferry/transfer/imapstore/wire"
	"mailferry/transfer/mail"
)

// collector gathers the answers to one window, which may tell of a message in
// several responses, of messages nobody asked for, and in any order.
type collector struct {
	w        window
	from     mail.UID
	items    map[mail.UID]*wire.Item
	seen     int         // messages in the window
	early    mail.UIDSet // messages before From
	firstSeq uint32      // the smallest message number seen
}

func (l *listing) collector(w window) *collector {
	return &collector{w: w, from: l.opts.From, items: make(map[mail.UID]*wire.Item)}
}

// wants reports whether a message was asked for in this window by its UID.
func (c *collector) wants(uid mail.UID) bool { return c.w.want != nil && c.w.want.Contains(uid) }

func (c *collector) take(it *wire.Item) error {
	if c.firstSeq == 0 || it.Seq < c.firstSeq && it.Seq > 0 {
		c.firstSeq = it.Seq
	}
	switch {
	case it.UID < c.from:
		c.early.Add(it.UID)
		return nil
	case c.w.want != nil && !c.w.want.Contains(it.UID):
		return nil
	}
	if known := c.items[it.UID]; known != nil {
		it.Merge(known)
	} else {
		c.seen++
	}
	kept := *it
	c.items[it.UID] = &kept
	return nil
}

func (c *collector) uids() iter.Seq[mail.UID] { return maps.Keys(c.items) }

// needed is what every message must have been told with. Size and date are not
// in it: some servers have none for some messages.
func (l *listing) needed() wire.Has {
	var needed wire.Has
	if l.opts.Flags {
		needed |= wire.HasFlags
	}
	if l.opts.Key {
		needed |= wire.HasHeader
	}
	return needed
}

func (l *listing) wanted() wire.Has {
	wanted := l.needed()
	if l.opts.Size {
		wanted |= wire.HasSize
	}
	if l.opts.Date {
		wanted |= wire.HasDate
	}
	return wanted
}

// lacking returns the messages that were not told of as asked, and those asked
// for by UID that were not told of at all: they may be gone, or have been passed over.
func (l *listing) lacking(c *collector) mail.UIDSet {
	var set mail.UIDSet
	wanted := l.wanted()
	for uid, it := range c.items {
		nilHeader := l.opts.Key && it.Header == nil
		if it.Has&wanted != wanted || nilHeader {
			set.Add(uid)
		}
	}
	if c.w.want != nil && c.w.changed == 0 && len(c.items) < c.w.want.Len() {
		for uid := range c.w.want.All() {
			if c.items[uid] == nil {
				set.Add(uid)
			}
		}
	}
	return set
}

func (l *listing) needsMore(c *collector) bool {
	set := l.lacking(c)
	return !set.Empty()
}

// complete asks once more for what is lacking, now for whole headers. What does
// not come at all has been expunged. A message that still lacks what identifies
// it is an error: taken for something it is not, it would be lost.
func (l *listing) complete(ctx context.Context, c *collector) error {
	again := l.lacking(c)
	told := make(map[mail.UID]bool)
	for part := range again.Chunks(windowUIDs, windowRanges) {
		q := wire.Query{UIDs: part.String(), Items: l.items("BODY.PEEK[HEADER]")}
		err := l.conn.Fetch(ctx, q, func(it *wire.Item) error {
			told[it.UID] = told[it.UID] || again.Contains(it.UID)
			return c.take(it)
		})
		if err != nil {
			return err
		}
	}
	for uid := range again.All() {
		it := c.items[uid]
		if it != nil && it.Has&l.needed() == l.needed() {
			continue
		}
		if it == nil || !told[uid] {
			delete(c.items, uid)
			continue
		}
		return &mail.Error{Op: "list messages", UID: uid, Scope: mail.ScopeFolder, Retry: mail.RetryNever, Kind: mail.KindProtocol,
			Err: errors.New("the server does not tell what was asked about this message")}
	}
	return nil
}
