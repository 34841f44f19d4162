package imapstore

import (
	"context"

	"mailferry/transfer/imapstore/wire"
	"mailferry/transfer/mail"
)

// Bounds of what is asked for before anybody has asked for it.
const (
	aheadMessages = windowUIDs
	aheadBytes    = wire.MaxStash
)

// OpenReaderAhead implements mail.AheadSource. A listing is asked for in the same round trip
// as long as the folder was small when it was last listed, and so are bodies behind one. While no
// connection is free the folder is asked for behind what another one is receiving.
func (s *Store) OpenReaderAhead(ctx context.Context, path mail.Path, list *mail.ListOptions, bodies mail.UID) (mail.Reader, error) {
	ahead, expected := s.ahead(path, list, bodies)
	if ahead == nil {
		return s.OpenReader(ctx, path)
	}
	t := &turn{ahead: ahead, bytes: expected}
	conn, err := s.queue.arrive(ctx, s.pool, t)
	if err != nil {
		return nil, at(err, path)
	}
	r, err := s.openOn(ctx, &reader{store: s, conn: conn, path: path, last: t.whole(), next: t.rest, expected: expected},
		func(r *reader, ctx context.Context) (sel wire.Selected, err error) {
			sel, r.listed, err = r.conn.ExamineAhead(ctx, ahead)
			return sel, err
		})
	if err == nil && r.last && r.status.Messages+1 == uint32(r.status.UIDNext) {
		// Without gaps nothing else will have to be asked.
		if err = r.follow(&remainder{messages: int(r.status.Messages), bytes: expected}); err != nil {
			r.Close()
		}
	}
	if err != nil {
		return nil, at(err, path)
	}
	return r, nil
}

// OpenReaderAhead is the Store's.
func (s *Source) OpenReaderAhead(ctx context.Context, path mail.Path, list *mail.ListOptions, bodies mail.UID) (mail.Reader, error) {
	return s.store.OpenReaderAhead(ctx, path, list, bodies)
}

// Prepare implements mail.Preparer: it logs in.
func (s *Store) Prepare(ctx context.Context, handles int, octets int64) {
	s.pool.prepare(ctx, handles, octets)
}

// Prepare is the Store's.
func (s *Source) Prepare(ctx context.Context, handles int, octets int64) {
	s.store.Prepare(ctx, handles, octets)
}

// ahead is what a caller will ask first, in the server's words, and about how many octets of mail will come;
// nil when that cannot be told before a connection is there, or is too much.
func (s *Store) ahead(path mail.Path, opts *mail.ListOptions, bodies mail.UID) (*wire.Ahead, int64) {
	s.mu.Lock()
	names := s.names
	s.mu.Unlock()
	if s.known() == nil || names == nil {
		return nil, 0
	}
	raw := names.raw(path)
	known := names.status[raw]
	if known == nil || known.Messages == 0 {
		return nil, 0
	}
	expected := known.Bytes
	if expected < 0 {
		expected = followBytes / 4
	}
	if n, _ := s.sliceOf(raw); opts == nil && n > 0 && int(known.Messages) >= n*sliceLeast {
		bodies = 0 // several connections will ask for them
	}
	if opts == nil {
		return &wire.Ahead{Raw: raw, Bodies: bodies}, expected
	}
	if known.Messages > aheadMessages || opts.Only != nil {
		return nil, 0
	}
	switch {
	case bodies > 1: // the caller knows that it is little
		expected = 0
	case known.Bytes < 0 || expected > aheadBytes:
		bodies = 0
	}
	l := &listing{opts: *opts, modSeqs: known.HighestModSeq > 0, next: known.UIDNext}
	w := window{query: l.open()}
	if opts.ChangedSince > 0 {
		w = l.since(l.spans(int(known.Messages)))[0]
	}
	q := l.query(w)
	return &wire.Ahead{Raw: raw, List: &q, Bodies: bodies}, expected
}
