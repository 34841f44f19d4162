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
// as long as the folder was small when it was last listed, and so are bodies behind one.
func (s *Store) OpenReaderAhead(ctx context.Context, path mail.Path, list *mail.ListOptions, bodies bool) (mail.Reader, error) {
	r, err := s.open(ctx, path, func(r *reader, ctx context.Context) (sel wire.Selected, err error) {
		sel, r.listed, err = r.examineAhead(ctx, list, bodies)
		return sel, err
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// OpenReaderAhead is the Store's.
func (s *Source) OpenReaderAhead(ctx context.Context, path mail.Path, list *mail.ListOptions, bodies bool) (mail.Reader, error) {
	return s.store.OpenReaderAhead(ctx, path, list, bodies)
}

// Prepare implements mail.Preparer: it logs in.
func (s *Store) Prepare(ctx context.Context, handles int) { s.pool.prepare(ctx, handles) }

// Prepare is the Store's.
func (s *Source) Prepare(ctx context.Context, handles int) { s.store.Prepare(ctx, handles) }

func (r *reader) examineAhead(ctx context.Context, opts *mail.ListOptions, bodies bool) (wire.Selected, *wire.Fetching, error) {
	names, err := r.store.spelling(ctx, r.conn)
	if err != nil {
		return wire.Selected{}, nil, err
	}
	known := names.status[r.raw]
	if opts == nil {
		return r.conn.ExamineAhead(ctx, r.raw, nil, bodies && known != nil && known.Messages > 0)
	}
	if known == nil || known.Messages == 0 || known.Messages > aheadMessages || opts.Only != nil {
		sel, err := r.conn.Examine(ctx, r.raw)
		return sel, nil, err
	}
	l := &listing{conn: r.conn, opts: *opts, modSeqs: known.HighestModSeq > 0, next: known.UIDNext}
	w := window{query: l.open()}
	if opts.ChangedSince > 0 {
		w = l.since(l.spans(int(known.Messages)))[0]
	}
	q := l.query(w)
	return r.conn.ExamineAhead(ctx, r.raw, &q, bodies && known.Bytes >= 0 && known.Bytes <= aheadBytes)
}
