package imapstore

import (
	"errors"
	"math"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"mailferry/transfer/mail"
)

// forEver is longer than any test lasts.
const forEver = time.Hour

// narrow is an account of which the server lets in two connections at once and the options say four.
func narrow(t *testing.T, folders int) (*shelf, *fake, *Source) {
	t.Helper()
	s := newShelf(folders, 3000)
	f := s.server()
	f.most = 2
	opts := f.start(t)
	opts.Connections = 4
	src := NewSource(opts)
	src.store.pool.limitWait = forEver
	t.Cleanup(func() {
		src.store.left(t)
		if err := src.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := src.Folders(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, f, src
}

// openAll opens folders, one after the other.
func openAll(t *testing.T, src *Source, n int) (readers []mail.Reader) {
	t.Helper()
	for i := range n {
		r, err := src.OpenReader(t.Context(), mail.NewPath(shelfFolder(i)))
		if err != nil {
			t.Fatal(err)
		}
		readers = append(readers, r)
	}
	return readers
}

func closeAll(t *testing.T, readers ...mail.Reader) {
	t.Helper()
	for _, r := range readers {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestServerLetsInFewer: many openings at once share what connections there are, and the server is
// not asked for more again and again.
func TestServerLetsInFewer(t *testing.T) {
	const openings, callers = 80, 64
	s, f, src := narrow(t, openings)
	next := make(chan int, openings)
	for i := range openings {
		next <- i
	}
	close(next)
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for i := range next {
				if err := s.read(t, src, i); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if conns, refused := f.met(); conns != 2 || refused > 4 {
		t.Errorf("%d connections, %d refused", conns, refused)
	}
}

// read reads a folder, every second one ahead.
func (s *shelf) read(t *testing.T, src *Source, i int) (err error) {
	path := mail.NewPath(shelfFolder(i))
	var r mail.Reader
	if i%2 == 0 {
		r, err = src.OpenReader(t.Context(), path)
	} else {
		r, err = src.OpenReaderAhead(t.Context(), path, nil, 1)
	}
	if err != nil {
		return err
	}
	return errors.Join(s.take(t.Context(), r, shelfFolder(i), nil, nil), r.Close())
}

// TestPatienceEnds: who cannot be let in is told so after a while, without the server being asked each
// time, and there is a connection for him when one has been released.
func TestPatienceEnds(t *testing.T) {
	_, f, src := narrow(t, 4)
	src.store.pool.limitWait = time.Millisecond
	readers := openAll(t, src, 2)
	path := mail.NewPath(shelfFolder(2))
	for range 5 {
		_, err := src.OpenReader(t.Context(), path)
		if e := mail.ErrorOf(err); err == nil || e.Kind != mail.KindLimit || e.Retry != mail.RetryLater || !strings.Contains(err.Error(), "Too many") {
			t.Errorf("OpenReader: %v", err)
		}
		_, err = src.OpenReaderAhead(t.Context(), path, nil, 1)
		if e := mail.ErrorOf(err); err == nil || e.Kind != mail.KindLimit || e.Retry != mail.RetryLater || e.Folder != path {
			t.Errorf("OpenReaderAhead: %v", err)
		}
	}
	if conns, refused := f.met(); conns != 2 || refused != 1 {
		t.Errorf("%d connections, %d refused", conns, refused)
	}
	closeAll(t, readers...)
	closeAll(t, openAll(t, src, 2)...)
}

// TestPatienceOfThoseBefore: who waits already when the server's limit becomes known does not wait for ever, either.
func TestPatienceOfThoseBefore(t *testing.T) {
	p := newPool(Options{Connections: 2})
	p.limitWait, p.live = time.Millisecond, 1
	for range cap(p.slots) {
		p.slots <- struct{}{}
	}
	ended := make(chan error, 2)
	go func() {
		_, err := p.acquire(t.Context())
		ended <- err
	}()
	go func() {
		_, err := new(queue).arrive(t.Context(), p, new(turn))
		ended <- err
	}()
	if !p.unfilled(&mail.Error{Kind: mail.KindLimit, Retry: mail.RetryLater, Err: errors.New("too many")}) {
		t.Error("nothing is learnt")
	}
	for range 2 {
		if err := <-ended; mail.ErrorOf(err).Kind != mail.KindLimit || mail.ErrorOf(err).Retry != mail.RetryLater {
			t.Error(err)
		}
	}
}

// TestReleasedInTime: an opening that the server did not let in gets a connection that is released.
func TestReleasedInTime(t *testing.T) {
	s, _, src := narrow(t, 6)
	readers := openAll(t, src, 2)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			if err := s.read(t, src, 2+i); err != nil {
				t.Error(err)
			}
		})
	}
	closeAll(t, readers...)
	wg.Wait()
}

// TestConnectionsAreReplaced: as many as were let in are let in again when they have gone, though no more.
func TestConnectionsAreReplaced(t *testing.T) {
	_, f, src := narrow(t, 4)
	src.store.pool.limitWait = time.Millisecond
	for range 3 {
		f.mu.Lock()
		f.gone = make(chan struct{}, 2)
		f.mu.Unlock()
		readers := openAll(t, src, 2)
		if _, err := src.OpenReader(t.Context(), mail.NewPath(shelfFolder(2))); mail.ErrorOf(err).Kind != mail.KindLimit {
			t.Errorf("a third one: %v", err)
		}
		for _, r := range readers {
			r.(*reader).conn.Close()
		}
		closeAll(t, readers...)
		<-f.gone
		<-f.gone
	}
	if conns, refused := f.met(); conns != 6 || refused != 1 {
		t.Errorf("%d connections, %d refused", conns, refused)
	}
	f.mu.Lock()
	f.gone = nil
	f.mu.Unlock()
}

// TestGoneUnnoticed: a server that still counts a connection which has gone does not make the bound
// narrower for good.
func TestGoneUnnoticed(t *testing.T) {
	_, f, src := narrow(t, 4)
	src.store.pool.limitWait = time.Millisecond
	readers := openAll(t, src, 2)
	path := mail.NewPath(shelfFolder(2))
	if _, err := src.OpenReader(t.Context(), path); mail.ErrorOf(err).Kind != mail.KindLimit {
		t.Errorf("a third one: %v", err)
	}
	f.mu.Lock()
	f.most, f.gone = 1, make(chan struct{}, 1)
	f.mu.Unlock()
	readers[0].(*reader).conn.Close()
	closeAll(t, readers[0])
	<-f.gone
	if _, err := src.OpenReader(t.Context(), path); mail.ErrorOf(err).Kind != mail.KindLimit {
		t.Errorf("while the server counts it: %v", err)
	}
	f.mu.Lock()
	f.most, f.gone = 2, nil
	f.mu.Unlock()
	src.store.pool.limitWait = forEver
	closeAll(t, readers[1], openAll(t, src, 1)[0])
}

// TestPreparingTeaches: connections that are opened before they are needed find the server's limit, and keep to it.
func TestPreparingTeaches(t *testing.T) {
	_, f, src := narrow(t, 4)
	for range 3 {
		src.Prepare(t.Context(), 4, math.MaxInt64)
	}
	if conns, refused := f.met(); conns != 2 || refused != 2 {
		t.Errorf("%d connections, %d refused", conns, refused)
	}
	closeAll(t, openAll(t, src, 2)...)
}

// TestLanesDoNotWait: folders that can share a connection do not wait for another one.
func TestLanesDoNotWait(t *testing.T) {
	const folders = 8
	s := &intake{d: newDice(1), rare: 1, boxes: make(map[string][]string)}
	for i := range folders {
		s.boxes[shelfFolder(i)] = nil
	}
	f := &fake{most: 2}
	opts := listen(t, func(conn net.Conn) {
		defer conn.Close()
		f.admit(conn, s.serve)
	})
	opts.Connections = 4
	st := New(opts)
	defer st.Close()
	st.pool.limitWait = forEver
	if _, err := st.Folders(t.Context()); err != nil {
		t.Fatal(err)
	}
	writers := make([]mail.Reader, folders)
	for range 2 { // the limit is found, and kept to
		var wg sync.WaitGroup
		for i := range folders {
			wg.Go(func() {
				var err error
				if writers[i], err = st.OpenAppender(t.Context(), mail.NewPath(shelfFolder(i)), worthOctets); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if t.Failed() {
			return
		}
		closeAll(t, writers...)
	}
	if conns, refused := f.met(); conns != 2 || refused > 2 {
		t.Errorf("%d connections, %d refused", conns, refused)
	}
	st.left(t)
}
