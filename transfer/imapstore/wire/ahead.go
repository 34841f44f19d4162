package wire

import (
	"context"
	"io"

	"mailferry/transfer/mail"
)

// Ahead is a folder and what will be asked first when it has been opened: what List asks for, if
// it is not nil, and then, unless Bodies is 0, FetchBodies of all or most messages from that UID on.
type Ahead struct {
	Raw    string
	List   *Query
	Bodies mail.UID
}

func (a *Ahead) commands() (behind []*command) {
	if a.List != nil {
		behind = append(behind, a.List.command())
	}
	switch {
	case a.Bodies == 1:
		behind = append(behind, bodiesOf("1:*"))
	case a.Bodies > 1: // "*" would be the last message there is, new or not
		behind = append(behind, bodiesOf(from(a.Bodies)))
	}
	return behind
}

// from is the sequence-set of all UIDs from one on.
func from(uid mail.UID) string {
	var set mail.UIDSet
	set.AddRange(uid, ^mail.UID(0))
	return set.String()
}

// ExamineAhead is Examine for callers that know what they will ask first. It is
// sent behind EXAMINE at once. The Fetching is nil without list. Whoever does
// not wait for it must Drop it.
func (c *Conn) ExamineAhead(ctx context.Context, a *Ahead) (Selected, *Fetching, error) {
	sel, tags, err := c.open(ctx, "EXAMINE", "open", a.Raw, a.commands()...)
	if err != nil {
		return sel, nil, err
	}
	var sent *Fetching
	if a.List != nil {
		sent, tags = &Fetching{c, tags[0], *a.List}, tags[1:]
	}
	if a.Bodies > 0 {
		c.ahead = tags[0]
	}
	return sel, sent, nil
}

// following is a folder that will be opened next, and whose opening has been sent.
type following struct {
	raw  string
	tags []string
}

// Follow sends what ExamineAhead of another folder will send, behind the last command of the FetchBodies
// in whose callback it is called, or behind the bodies that ExamineAhead has asked for, and behind folders that
// follow already. After that FetchBodies nothing may be called but ExamineAhead and FetchBodies of what follows, in that order: anything else is
// an error and the end of the connection.
func (c *Conn) Follow(a *Ahead) error {
	const op = "open"
	before := c.next
	c.next = nil // these are on their way, and this comes behind them
	tags, err := c.sendAll(op, append([]*command{c.opening("EXAMINE", a.Raw)}, a.commands()...))
	if c.next = before; err != nil {
		return err
	}
	c.next = append(c.next, following{a.Raw, tags})
	if err := c.bw.Flush(); err != nil {
		return c.lost(op, err)
	}
	return nil
}

// CanFollow reports, in a callback of FetchBodies or after ExamineAhead, whether the last command has been sent.
func (c *Conn) CanFollow(a *Ahead) bool {
	if !c.tail && c.ahead == "" || c.broken != nil {
		return false
	}
	for _, m := range append(a.commands(), c.opening("EXAMINE", a.Raw)) {
		if c.waits(m) {
			return false
		}
	}
	return true
}

// Expects reports whether bodies have been asked for ahead and not been fetched.
func (c *Conn) Expects() bool { return c.ahead != "" }

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
