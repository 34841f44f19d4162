package imapstore

import (
	"context"
	"errors"
	"io"
	"math"

	"mailferry/transfer/imapstore/wire"
	"mailferry/transfer/mail"
)

// reader is a session on a folder opened by EXAMINE.
type reader struct {
	store  *Store
	conn   *wire.Conn // nil after Close
	path   mail.Path
	raw    string
	status mail.Status

	listed *wire.Fetching // a listing that is on its way; nil: none
	last   bool           // its next Fetch is the last thing it is used for, in all likelihood
	next   []*turn        // whose openings have been sent behind what this one fetches

	expected int64 // octets of mail, about
}

// OpenReader implements mail.Source.
func (s *Store) OpenReader(ctx context.Context, path mail.Path) (mail.Reader, error) {
	r, err := s.open(ctx, path, (*reader).examine)
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (r *reader) examine(ctx context.Context) (wire.Selected, error) {
	return r.conn.Examine(ctx, r.raw)
}
func (r *reader) sel(ctx context.Context) (wire.Selected, error) { return r.conn.Select(ctx, r.raw) }

func (s *Store) open(ctx context.Context, path mail.Path,
	enter func(*reader, context.Context) (wire.Selected, error)) (*reader, error) {
	conn, _, err := s.arrive(ctx, true)
	if err != nil {
		return nil, err
	}
	return s.openOn(ctx, &reader{store: s, conn: conn, path: path}, enter)
}

// openOn opens the folder on r's connection. After an error r is closed.
func (s *Store) openOn(ctx context.Context, r *reader, enter func(*reader, context.Context) (wire.Selected, error)) (*reader, error) {
	err := r.conn.Compress(ctx) // mail is about to move
	if err == nil {
		err = r.enter(ctx, enter)
	}
	if err != nil {
		r.Close()
		return nil, at(err, r.path)
	}
	return r, nil
}

func (r *reader) enter(ctx context.Context, enter func(*reader, context.Context) (wire.Selected, error)) error {
	names, err := r.store.spelling(ctx, r.conn)
	if err != nil {
		return err
	}
	r.raw = names.raw(r.path)
	selected, err := enter(r, ctx)
	if err != nil {
		return err
	}
	r.status = statusOf(selected)
	if r.status.UIDNext == 0 {
		r.fillIn(ctx)
	}
	return nil
}

// fillIn asks once more for what a server did not tell when the folder was opened.
func (r *reader) fillIn(ctx context.Context) {
	if r.conn.Reserved() {
		return
	}
	if st, err := r.conn.Status(ctx, r.raw); err == nil {
		r.status.UIDNext = st.UIDNext
		r.status.HighestModSeq = max(r.status.HighestModSeq, st.HighestModSeq)
	}
}

func statusOf(sel wire.Selected) mail.Status {
	st := mail.Status{
		UIDValidity: sel.UIDValidity, UIDNext: sel.UIDNext, Messages: sel.Exists,
		HighestModSeq: sel.HighestModSeq, Unseen: -1, Bytes: -1,
		Permanent: sel.Permanent, AnyKeyword: sel.AnyKeyword,
	}
	if sel.NotSticky {
		st.UIDValidity = 0
	}
	return st
}

func (r *reader) Status() mail.Status { return r.status }

var errHandleClosed = errors.New("the folder has been closed")

func (r *reader) session(op string) (*wire.Conn, error) {
	if r.conn == nil {
		return nil, &mail.Error{Op: op, Folder: r.path, Scope: mail.ScopeFolder, Retry: mail.RetryNever, Err: errHandleClosed}
	}
	return r.conn, nil
}

// Fetch implements mail.Reader.
func (r *reader) Fetch(ctx context.Context, uids mail.UIDSet, fn func(mail.Info, io.Reader) error) error {
	conn, err := r.session("fetch")
	if err != nil {
		return err
	}
	if n := r.sliced(uids); n > 0 {
		return r.fetchSliced(ctx, uids, n, fn)
	}
	var stopped error
	left := r.leftOf(uids)
	err = conn.FetchBodies(ctx, uids, func(info mail.Info, body io.Reader) error {
		if stopped = fn(info, body); stopped == nil {
			left.took(info.Size)
			stopped = r.follow(left)
		}
		return stopped
	})
	if stopped != nil && err == stopped {
		return err
	}
	return at(err, r.path)
}

// wasteBytes is how much mail that nobody wants any more may come before a connection is of use again.
const wasteBytes = 1 << 20

// Close gives the connection back, or ends it when it is not in order.
func (r *reader) Close() error {
	if r.conn != nil {
		conn := r.conn
		r.conn = nil
		if r.listed != nil {
			r.listed.Drop()
		}
		conn.Abandon()
		if conn.Expects() && r.expected > wasteBytes {
			conn.Close()
		}
		r.pass(conn)
	}
	return nil
}

// pass gives the connection to whoever's opening it has sent, or back.
func (r *reader) pass(conn *wire.Conn) {
	next := r.next
	r.next = nil
	if len(next) > 0 && conn.Usable() && conn.Reserved() && r.store.queue.hand(next[0], conn, next[1:]) {
		return
	}
	r.store.pool.release(conn)
	r.store.queue.strand(next)
}

// Once so little is left to come, other folders are asked for behind it, as long as they are no
// more together. More would leave a folder waiting for a busy connection when another becomes free.
const (
	followBytes    = 8 << 20
	followMessages = 8
	followFolders  = 16
)

// remainder is what has been asked for and has not come.
type remainder struct {
	messages int
	bytes    int64 // at most; negative: unknown
}

func (r *reader) leftOf(uids mail.UIDSet) *remainder {
	left := &remainder{messages: uids.Len(), bytes: -1}
	r.store.mu.Lock()
	names := r.store.names
	r.store.mu.Unlock()
	if names != nil {
		if known := names.status[r.raw]; known != nil && known.Bytes > 0 {
			left.bytes = known.Bytes
		}
	}
	return left
}

func (l *remainder) took(size int64) {
	l.messages--
	if l.bytes >= 0 {
		l.bytes = max(0, l.bytes-size)
	}
}

// follow claims openings that wait for a connection.
func (r *reader) follow(left *remainder) error {
	if n := len(r.next); !r.last || n > 0 && !r.next[n-1].whole() {
		return nil
	}
	room := followBytes - left.bytes
	if left.bytes < 0 || left.messages <= followMessages {
		room = followBytes
	}
	if left.bytes < 0 && left.messages > followMessages {
		return nil
	}
	for _, t := range r.next {
		room -= t.bytes
	}
	for room > 0 && len(r.next) < followFolders {
		// The first one may be as large as it likes: the line must not fall silent.
		most := room
		if len(r.next) == 0 {
			most = math.MaxInt64
		}
		t := r.store.queue.claim(r.conn, most)
		if t == nil {
			return nil
		}
		r.next = append(r.next, t)
		room -= t.bytes
		if err := r.conn.Follow(t.ahead); err != nil || !t.whole() {
			return err
		}
	}
	return nil
}
