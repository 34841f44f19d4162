package wire

import (
	"context"
	"io"
)

// ExamineAhead is Examine for callers that know what they will ask first: what list asks
// for, if it is not nil, and then, with bodies, FetchBodies of all or most messages. Both
// are sent behind EXAMINE at once. The Fetching is nil without list. Whoever does
// not wait for it must Drop it.
func (c *Conn) ExamineAhead(ctx context.Context, raw string, list *Query, bodies bool) (Selected, *Fetching, error) {
	var behind []*command
	if list != nil {
		behind = append(behind, list.command())
	}
	if bodies {
		behind = append(behind, bodiesOf("1:*"))
	}
	sel, tags, err := c.open(ctx, "EXAMINE", "open", raw, behind...)
	if err != nil {
		return sel, nil, err
	}
	var sent *Fetching
	if list != nil {
		sent, tags = &Fetching{c, tags[0], *list}, tags[1:]
	}
	if bodies {
		c.ahead = tags[0]
	}
	return sel, sent, nil
}

// Answers reports whether the query that was sent is q. If so, the UIDs that were
// expunged will be told where q wants them.
func (f *Fetching) Answers(q Query) bool {
	if f.q.UIDs != q.UIDs || f.q.Items != q.Items || f.q.ChangedSince != q.ChangedSince || (f.q.Vanished == nil) != (q.Vanished == nil) {
		return false
	}
	f.q.Vanished = q.Vanished
	return true
}

// Drop gives up waiting. What is answered nevertheless may be told to the next
// query of the same folder.
func (f *Fetching) Drop() { f.c.drop(f.tag) }

// dropAhead gives up bodies that nobody has fetched.
func (c *Conn) dropAhead() {
	if c.ahead != "" {
		c.drop(c.ahead)
		c.ahead, c.stash = "", stash{}
	}
}

// stash holds bodies while a listing is read: a server may answer the second of two
// commands before it ends the first (RFC 9051 section 5.5), and Dovecot does.
type stash struct {
	items []stashed
	bytes int64
}

type stashed struct {
	it   Item
	text []byte
}

// MaxStash bounds the memory for bodies that come early. What does not fit is thrown
// away and asked for again.
const MaxStash = 2 << 20

// takeEarly reads a FETCH response, and keeps it if it is one that FetchBodies will want.
func (c *Conn) takeEarly(s *response, it *Item) (early bool, err error) {
	if c.ahead == "" {
		return false, s.fetch(it, nil)
	}
	var held heldBody
	err = s.fetch(it, func(_ *Item, size int64, body io.Reader) error {
		if c.stash.bytes+size > MaxStash {
			held.came = true
			return nil
		}
		return held.take(size, body)
	})
	if held.complete && it.UID != 0 && it.complete() {
		c.stash.items = append(c.stash.items, stashed{*it, held.text})
		c.stash.bytes += int64(len(held.text))
	}
	return held.came, err
}
