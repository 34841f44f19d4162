package imapstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"mailferry/transfer/imapstore/wire"
	"mailferry/transfer/mail"
)

const (
	windowUIDs   = 10_000 // messages sorted in memory at once
	windowRanges = 340    // keeps a command line below 8 KB
	changedUIDs  = 25_000 // messages of which one command asks what has changed
	aheadChanged = 8      // such commands on their way
	ahead        = 2      // others
)

// List implements mail.Reader. Whatever order the server answers in, messages are
// sorted within windows that follow each other; the next window is asked for
// before the last has been read.
func (r *reader) List(ctx context.Context, opts mail.ListOptions, fn func(mail.Info) error) error {
	conn, err := r.session("list messages")
	if err != nil {
		return err
	}
	if opts.Only != nil && opts.Only.Empty() {
		return nil
	}
	l := &listing{conn: conn, opts: opts, modSeqs: r.status.HighestModSeq > 0, next: r.status.UIDNext, sent: r.listed}
	r.listed = nil
	defer l.dropSent()
	if err := l.run(ctx, fn); err != nil {
		if l.stopped != nil {
			return l.stopped
		}
		return at(err, r.path)
	}
	return nil
}

// listing is one call of List.
type listing struct {
	conn    *wire.Conn
	opts    mail.ListOptions
	modSeqs bool
	next    mail.UID       // UIDNEXT; 0: unknown
	sent    *wire.Fetching // what was asked for when the folder was opened; nil: nothing
	stopped error          // the caller's own
}

// window is a part of a listing: what is asked for, and what may come.
type window struct {
	query   string
	want    *mail.UIDSet // nil: everything from l.opts.From on
	changed uint64
}

func (l *listing) run(ctx context.Context, fn func(mail.Info) error) error {
	exists := l.conn.Exists()
	if l.opts.Vanished != nil && !l.conn.Resync() {
		return notTold()
	}
	switch {
	case exists == 0 && l.opts.Only == nil && l.opts.Vanished == nil:
		return nil
	case l.opts.Only != nil:
		return l.windows(ctx, l.since(windowsOf(l.bounded(*l.opts.Only), int(exists))), fn)
	case l.opts.ChangedSince > 0:
		return l.windows(ctx, l.since(l.spans(int(exists))), fn)
	case exists <= windowUIDs:
		return l.single(ctx, fn)
	}
	criteria := "UID " + l.open()
	found, err := l.conn.Search(ctx, criteria)
	if err != nil {
		return err
	}
	if l.opts.From <= 1 && found.Len() < int(l.conn.Exists()) {
		return incomplete(found.Len(), int(l.conn.Exists()))
	}
	return l.windows(ctx, windowsOf(l.bounded(found), int(exists)), fn)
}

// open is the sequence-set from the first UID asked for to the last there is.
// The server returns its last message even when that is an earlier one.
func (l *listing) open() string {
	return strconv.FormatUint(uint64(max(l.opts.From, 1)), 10) + ":*"
}

func (l *listing) bounded(set mail.UIDSet) mail.UIDSet {
	if l.opts.From <= 1 {
		return set
	}
	var below mail.UIDSet
	below.AddRange(1, l.opts.From-1)
	return set.Minus(below)
}

func incomplete(got, want int) error {
	return &mail.Error{Op: "list messages", Scope: mail.ScopeFolder, Retry: mail.RetrySoon, Kind: mail.KindProtocol,
		Err: fmt.Errorf("the server listed %d of %d messages", got, want)}
}

// windowsOf cuts a set into commands. A set of very many ranges that leaves little
// out is asked for as a whole, and what was not wanted is dropped.
func windowsOf(set mail.UIDSet, exists int) []window {
	var out []window
	// A set may hold many more UIDs than the folder holds messages.
	n := windowUIDs * max(1, set.Len()/max(1, exists))
	for part := range set.Chunks(n, windowUIDs) {
		span := int(part.Last()-part.First()) + 1
		if len(part.Ranges()) > windowRanges && part.Len() >= span/4 {
			var cover mail.UIDSet
			cover.AddRange(part.First(), part.Last())
			out = append(out, window{query: cover.String(), want: &part})
			continue
		}
		for small := range part.Chunks(n, windowRanges) {
			out = append(out, window{query: small.String(), want: &small})
		}
	}
	return out
}

// items are the FETCH items that the options ask for. header is how the key's
// fields are asked for.
func (l *listing) items(header string) string {
	items := []string{"UID"}
	if l.opts.Flags {
		items = append(items, "FLAGS")
	}
	if l.opts.Size {
		items = append(items, "RFC822.SIZE")
	}
	if l.opts.Date {
		items = append(items, "INTERNALDATE")
	}
	if l.modSeqs && (l.opts.Flags || l.opts.ChangedSince > 0) {
		items = append(items, "MODSEQ")
	}
	if l.opts.Key {
		items = append(items, header)
	}
	return strings.Join(items, " ")
}

func keyFields() string {
	return "BODY.PEEK[HEADER.FIELDS (" + strings.ToUpper(strings.Join(mail.KeyFields(), " ")) + ")]"
}

func (l *listing) query(w window) wire.Query {
	q := wire.Query{UIDs: w.query, Items: l.items(keyFields()), ChangedSince: w.changed}
	if w.changed > 0 {
		q.Vanished = l.opts.Vanished
	}
	return q
}

// since restricts windows to what has changed.
func (l *listing) since(parts []window) []window {
	for i := range parts {
		parts[i].changed = l.opts.ChangedSince
	}
	return parts
}

// spans cuts a folder into windows of about as many messages each, by UIDs alone: a
// server answers with what has changed and nothing else, so that there is no need to
// know which messages there are. The last one has no "*" in it, which stands for the
// last message there is: those behind it may have been expunged.
func (l *listing) spans(exists int) []window {
	first := max(l.opts.From, 1)
	var out []window
	if n := mail.UID(exists/changedUIDs + 1); l.next > first {
		step := (l.next-first)/n + 1
		for ; n > 1 && l.next-first > step; n-- {
			out = append(out, windowOf(first, first+step-1))
			first += step
		}
	}
	return append(out, windowOf(first, ^mail.UID(0)))
}

func windowOf(first, last mail.UID) window {
	var set mail.UIDSet
	set.AddRange(first, last)
	return window{query: set.String(), want: &set}
}

func notTold() error {
	return &mail.Error{Op: "list messages", Scope: mail.ScopeFolder, Retry: mail.RetrySoon, Kind: mail.KindProtocol,
		Err: errors.New("the server does not tell what was expunged, though it did before")}
}

// single lists a folder by one command.
func (l *listing) single(ctx context.Context, fn func(mail.Info) error) error {
	w := window{query: l.open()}
	exists, expunged := int(l.conn.Exists()), l.conn.Expunged()
	got := l.collector(w)
	asked, err := l.start(ctx, l.query(w))
	if err == nil {
		err = asked.Wait(ctx, got.take)
	}
	if err != nil {
		return err
	}
	least := exists - (l.conn.Expunged() - expunged)
	if err := l.check(ctx, got, least); err != nil {
		return err
	}
	return l.emit(ctx, got, fn)
}

// check makes sure that nothing is missing between the first message listed and
// the last of the folder.
func (l *listing) check(ctx context.Context, got *collector, least int) error {
	if l.opts.From <= 1 {
		if got.seen < least {
			return incomplete(got.seen, least)
		}
		return nil
	}
	if told := got.seen + got.early.Len(); told > 0 && told >= least-int(got.firstSeq)+1 {
		return nil
	}
	// A server that has nothing from there on may say nothing at all.
	found, err := l.conn.Search(ctx, "UID "+l.open())
	if err != nil {
		return err
	}
	if n := l.bounded(found).Len(); got.seen < n {
		return incomplete(got.seen, n)
	}
	return nil
}

// windows lists parts one after the other, while others are on their way.
func (l *listing) windows(ctx context.Context, parts []window, fn func(mail.Info) error) error {
	var sent []*asking // oldest first
	depth := ahead
	if l.opts.ChangedSince > 0 {
		depth = aheadChanged
	}
	for len(parts) > 0 || len(sent) > 0 {
		for len(sent) < depth && len(parts) > 0 {
			asked, err := l.ask(ctx, parts[0])
			if err != nil {
				return err
			}
			sent, parts = append(sent, asked), parts[1:]
		}
		current := sent[0]
		sent = sent[1:]
		if err := current.wait(ctx, sent); err != nil {
			return err
		}
		if l.needsMore(current.got) {
			// Questions about this window must not get mixed with the next ones' answers.
			if err := waitAll(ctx, sent); err != nil {
				return err
			}
		}
		if err := l.emit(ctx, current.got, fn); err != nil {
			return l.leave(ctx, sent, err)
		}
	}
	return nil
}

func waitAll(ctx context.Context, sent []*asking) error {
	for i, a := range sent {
		if err := a.wait(ctx, sent[i+1:]); err != nil {
			return err
		}
	}
	return nil
}

// asking is a window on its way.
type asking struct {
	sent *wire.Fetching // nil once answered
	got  *collector
}

func (l *listing) ask(ctx context.Context, w window) (*asking, error) {
	sent, err := l.start(ctx, l.query(w))
	return &asking{sent, l.collector(w)}, err
}

// start sends a query, unless it is on its way already.
func (l *listing) start(ctx context.Context, q wire.Query) (*wire.Fetching, error) {
	if sent := l.sent; sent != nil && sent.Answers(q) {
		l.sent = nil
		return sent, nil
	}
	return l.conn.StartFetch(ctx, q)
}

func (l *listing) dropSent() {
	if l.sent != nil {
		l.sent.Drop()
	}
}

// wait reads the answer. What comes for later windows meanwhile is theirs: a server
// may answer several at once.
func (a *asking) wait(ctx context.Context, later []*asking) error {
	if a.sent == nil {
		return nil
	}
	sent := a.sent
	a.sent = nil
	return sent.Wait(ctx, func(it *wire.Item) error {
		for _, next := range later {
			if next.got.wants(it.UID) {
				return next.got.take(it)
			}
		}
		return a.got.take(it)
	})
}

// leave reads what is still on its way, so that the connection can be used on.
func (l *listing) leave(ctx context.Context, sent []*asking, err error) error {
	if l.stopped == nil {
		return err
	}
	if werr := waitAll(ctx, sent); werr != nil {
		return errors.Join(err, werr)
	}
	return err
}

// emit asks again for what is lacking and hands the window on.
func (l *listing) emit(ctx context.Context, got *collector, fn func(mail.Info) error) error {
	if l.needsMore(got) {
		if err := l.complete(ctx, got); err != nil {
			return err
		}
	}
	for _, uid := range slices.Sorted(got.uids()) {
		if l.stopped = fn(l.info(got.items[uid])); l.stopped != nil {
			return l.stopped
		}
	}
	return nil
}

func (l *listing) info(it *wire.Item) mail.Info {
	info := mail.Info{UID: it.UID, ModSeq: it.ModSeq, Content: it.Content}
	if l.opts.Flags {
		info.Flags = it.Flags
	}
	if l.opts.Size {
		info.Size = it.Size
	}
	if l.opts.Date {
		info.InternalDate = it.Date
	}
	if l.opts.Key {
		info.Key = mail.KeyOf(it.Header)
	}
	return info
}
