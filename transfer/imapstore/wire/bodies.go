package wire

import (
	"bytes"
	"context"
	"errors"
	"io"

	"mailferry/transfer/mail"
)

// lateBody bounds what is held in memory for servers that tell a message's UID
// or flags behind its body. Larger bodies are asked for a second time, when
// all else is known.
const lateBody = 1 << 20

// FetchBodies calls fn for each message of the set that the server delivers, at
// most once each. info has UID, Flags, InternalDate and the body's Size. An error
// of fn puts the connection out of use and is returned.
func (c *Conn) FetchBodies(ctx context.Context, uids mail.UIDSet, fn func(mail.Info, io.Reader) error) error {
	f := &bodyFetch{c: c, want: uids, fn: fn}
	var parts []mail.UIDSet
	first := true
	f.next = func() (part mail.UIDSet, more bool) {
		if first { // what came ahead is known by now
			parts, first = c.chunks(f.want.Minus(f.done), chunkMessages), false
		}
		if len(parts) == 0 {
			return part, false
		}
		part, parts = parts[0], parts[1:]
		return part, len(parts) > 0
	}
	f.answered = func() {}
	return f.run(ctx, func() error {
		if err := f.missing(); err != nil {
			return err
		}
		for uid := range f.again.Minus(f.done).All() {
			if err := f.one(uid); err != nil {
				return err
			}
		}
		return nil
	})
}

// FetchParts is FetchBodies of what next returns, one command for each part: an empty one is the last. next is
// called when there is room for a further command, which is before the last one is answered, and answered after
// each part. What the server did not deliver with the part is not asked for again: it is in left, with UIDs
// that may not be there at all.
func (c *Conn) FetchParts(ctx context.Context, next func() mail.UIDSet, answered func(), fn func(mail.Info, io.Reader) error) (left mail.UIDSet, err error) {
	f := &bodyFetch{c: c, fn: fn, answered: answered}
	f.next = func() (mail.UIDSet, bool) {
		part := next()
		f.want.Union(part)
		return part, !part.Empty()
	}
	err = f.run(ctx, func() error { return nil })
	for _, part := range f.cut {
		f.again.Union(part)
	}
	return f.again.Minus(f.done), err
}

// Slices cuts a set into parts of some n messages for FetchParts.
func (c *Conn) Slices(uids mail.UIDSet, n int) []mail.UIDSet { return c.chunks(uids, n) }

// run asks for all parts, and then does rest.
func (f *bodyFetch) run(ctx context.Context, rest func() error) error {
	c := f.c
	if err := c.ready(ctx, opFetch); err != nil {
		return err
	}
	defer c.watch(ctx)()
	f.known = make(map[mail.UID]*Item)
	defer func() { c.tail = false }()
	if err := f.ahead(); err != nil {
		return err
	}
	if err := f.chunks(); err != nil {
		return err
	}
	return rest()
}

const opFetch = "fetch"

type bodyFetch struct {
	c     *Conn
	fn    func(mail.Info, io.Reader) error
	want  mail.UIDSet
	done  mail.UIDSet
	again mail.UIDSet        // to be asked for one by one
	cut   []mail.UIDSet      // parts that were not answered in full
	known map[mail.UID]*Item // what came ahead of the body
	sole  mail.UID           // the only message asked for just now

	next     func() (part mail.UIDSet, more bool) // what to ask for; empty: nothing more
	answered func()                               // a part has been
}

// ahead takes what comes by itself, because it was asked for when the folder was opened.
// What the server refused then is asked for again.
func (f *bodyFetch) ahead() error {
	tag := f.c.ahead
	if tag == "" {
		return nil
	}
	f.c.ahead, f.c.tail = "", true
	early := f.c.stash.items
	f.c.stash = stash{}
	for _, b := range early {
		if err := f.deliver(b.it.UID, &b.it, int64(len(b.text)), bytes.NewReader(b.text)); err != nil {
			f.c.spoil(err)
			return err
		}
	}
	_, err := f.c.finish(opFetch, tag, f.response)
	clear(f.known)
	f.c.tail = false
	return err
}

// chunks keeps the next command on its way while one is being answered.
func (f *bodyFetch) chunks() error {
	type asked struct {
		tag  string
		part mail.UIDSet
	}
	var sent []asked
	for more := true; ; {
		for more && len(sent) < 2 {
			var part mail.UIDSet
			if part, more = f.next(); part.Empty() {
				break
			}
			tag, err := f.c.send(opFetch, bodiesOf(part.String()))
			if err != nil {
				return err
			}
			sent = append(sent, asked{tag, part})
		}
		if len(sent) == 0 {
			break
		}
		now := sent[0]
		sent = sent[1:]
		f.c.tail = !more && len(f.cut) == 0 && f.again.Empty()
		rep, err := f.c.finish(opFetch, now.tag, f.response)
		if err != nil {
			return err
		}
		if err := f.refused(rep); err != nil {
			if len(sent) > 0 { // much mail may be on its way that nobody wants
				f.c.spoil(err)
			}
			return err
		}
		if !rep.OK() || rep.Code == "MESSAGELIMIT" {
			f.cut = append(f.cut, now.part)
		}
		clear(f.known)
		f.answered()
	}
	f.c.tail = false
	return nil
}

func bodiesOf(set string) *command {
	return newCommand("UID FETCH " + set + " (UID FLAGS INTERNALDATE BODY.PEEK[])")
}

// missing finds out which messages there are and have not come.
func (f *bodyFetch) missing() error {
	for _, part := range f.cut {
		found, err := f.c.search("UID " + part.String())
		var refused *ReplyError
		if errors.As(err, &refused) && f.c.broken == nil {
			continue // the caller finds out
		}
		if err != nil {
			return err
		}
		for uid := range found.All() {
			if f.wanted(uid) {
				f.again.Add(uid)
			}
		}
	}
	return nil
}

// refused returns the error of a reply that says more than "not this message".
// A plain NO does not: one message that a server cannot read must not hold up
// the others.
func (f *bodyFetch) refused(rep Reply) error {
	if rep.OK() {
		return nil
	}
	if e := classify(opFetch, rep); e.Retry != mail.RetryNever || rep.Status != "NO" {
		return e
	}
	return nil
}

// one asks for a single message, first for what is to be known of it and then
// for its body.
func (f *bodyFetch) one(uid mail.UID) error {
	set := mail.NewUIDSet(uid).String()
	var meta Item
	rep, err := f.ask("UID FETCH "+set+" (UID FLAGS INTERNALDATE RFC822.SIZE)", func(s *response) error {
		var it Item
		if err := s.fetch(&it, nil); err != nil || it.UID != uid {
			return err
		}
		it.Merge(&meta)
		meta = it
		return nil
	})
	if err != nil || meta.UID == 0 || !rep.OK() {
		return err
	}
	meta.Has |= HasFlags | HasDate
	f.known[uid], f.sole = &meta, uid
	_, err = f.ask("UID FETCH "+set+" (UID BODY.PEEK[])", f.response)
	f.sole = 0
	delete(f.known, uid)
	return err
}

func (f *bodyFetch) ask(text string, h handler) (Reply, error) {
	tag, err := f.c.send(opFetch, newCommand(text))
	if err != nil {
		return Reply{}, err
	}
	rep, err := f.c.finish(opFetch, tag, func(s *response) error {
		if s.Name != "FETCH" {
			return nil
		}
		return h(s)
	})
	if err == nil {
		err = f.refused(rep)
	}
	return rep, err
}

// response takes one FETCH response.
func (f *bodyFetch) response(s *response) error {
	if s.Name != "FETCH" {
		return nil
	}
	var it Item
	var held heldBody
	err := s.fetch(&it, func(it *Item, size int64, body io.Reader) error {
		uid := it.UID
		if uid == 0 {
			uid = f.sole
		}
		if known := f.known[uid]; uid != 0 && known != nil {
			it.Merge(known)
		}
		if uid != 0 && size >= 0 && it.complete() {
			return f.deliver(uid, it, size, body)
		}
		return held.take(size, body)
	})
	if err != nil || it.UID == 0 || !f.wanted(it.UID) {
		return err
	}
	if known := f.known[it.UID]; known != nil {
		it.Merge(known)
	}
	switch {
	case held.came && held.complete && it.complete():
		return f.deliver(it.UID, &it, int64(len(held.text)), bytes.NewReader(held.text))
	case held.came && f.sole != 0:
		return f.emptyIfSo(&it, &held)
	case held.came:
		f.again.Add(it.UID)
		f.c.tail = false // it will be asked for
	default:
		f.known[it.UID] = &it
	}
	return nil
}

// emptyIfSo takes NIL for an empty body only where the server says that the
// message has no octets.
func (f *bodyFetch) emptyIfSo(it *Item, held *heldBody) error {
	if held.isNil && it.Has&HasSize != 0 && it.Size == 0 {
		return f.deliver(it.UID, it, 0, bytes.NewReader(nil))
	}
	return nil
}

func (it *Item) complete() bool { return it.Has&(HasFlags|HasDate) == HasFlags|HasDate }

func (f *bodyFetch) wanted(uid mail.UID) bool { return f.want.Contains(uid) && !f.done.Contains(uid) }

func (f *bodyFetch) deliver(uid mail.UID, it *Item, size int64, body io.Reader) error {
	if !f.wanted(uid) {
		return nil
	}
	f.done.Add(uid)
	return f.fn(mail.Info{UID: uid, Flags: it.Flags, InternalDate: it.Date, Size: size}, body)
}

// heldBody keeps a body until the rest of its response is read.
type heldBody struct {
	came, complete, isNil bool
	text                  []byte
}

func (h *heldBody) take(size int64, body io.Reader) error {
	h.came, h.isNil = true, size < 0
	if size < 0 || size > lateBody {
		return nil
	}
	h.text = make([]byte, size)
	if _, err := io.ReadFull(body, h.text); err != nil {
		return errors.Join(errLiteral, err)
	}
	h.complete = true
	return nil
}
