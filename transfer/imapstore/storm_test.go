package imapstore

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"mailferry/transfer/mail"
)

// TestReadingStorm: many folders are read over two connections while the server refuses, breaks off and hangs
// up, and readers give up at any time. What comes is its folder's, everybody gets an end, and no connection
// is lost to the others.
func TestReadingStorm(t *testing.T) {
	const folders = 40
	for seed := range uint64(8) {
		d := newDice(seed)
		s := newShelf(folders, 3000)
		s.odd = func() oddity {
			if odd := oddity(d.roll(60)); odd < oddities {
				return odd
			}
			return 0
		}
		opts := s.server().start(t)
		opts.Connections = 2
		src := NewSource(opts)
		if _, err := src.Folders(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		var wg sync.WaitGroup
		for i := range folders {
			wg.Go(func() {
				err := readOddly(ctx, src, s, shelfFolder(i), d)
				if errors.Is(err, errMixedUp) || errors.Is(err, context.DeadlineExceeded) || err != nil && strings.Contains(err.Error(), "octet moved") {
					t.Errorf("seed %d: %v", seed, err)
				}
			})
		}
		wg.Wait()
		cancel()
		src.store.left(t)
		if err := src.Close(); err != nil {
			t.Error(err)
		}
	}
}

// readOddly reads a folder, unless chance makes it stop before the end.
func readOddly(ctx context.Context, src *Source, s *shelf, folder string, d *dice) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if d.once(6) {
		defer time.AfterFunc(time.Duration(d.roll(8000))*time.Microsecond, cancel).Stop()
	}
	var opts *mail.ListOptions
	if d.once(5) {
		opts = &mail.ListOptions{Flags: true, Size: true}
	}
	r, err := src.OpenReaderAhead(ctx, mail.NewPath(folder), opts, 1)
	if err != nil {
		return err
	}
	defer r.Close()
	if d.once(6) {
		return nil
	}
	return s.take(ctx, r, folder, opts, func() error {
		if d.once(40) {
			return errors.New("stopped")
		}
		return nil
	})
}

// TestUnwantedMailIsNotReceived: a connection on which much mail is on its way that nobody reads is
// given up for another one.
func TestUnwantedMailIsNotReceived(t *testing.T) {
	for _, tc := range []struct{ messages, conns int }{{1, 1}, {2 * wasteBytes / 100_000, 2}} {
		s := newShelf(1, 100_000)
		s.folders["big"] = tc.messages
		f := s.server()
		opts := f.start(t)
		opts.Connections = 1
		src := NewSource(opts)
		if _, err := src.Folders(t.Context()); err != nil {
			t.Fatal(err)
		}
		r, err := src.OpenReaderAhead(t.Context(), mail.NewPath("big"), nil, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if r, err = src.OpenReader(t.Context(), mail.NewPath(shelfFolder(0))); err != nil {
			t.Fatal(err)
		}
		if err := s.take(t.Context(), r, shelfFolder(0), nil, nil); err != nil {
			t.Error(err)
		}
		if err := errors.Join(r.Close(), src.Close()); err != nil {
			t.Error(err)
		}
		if conns, _ := f.met(); conns != tc.conns {
			t.Errorf("%d messages: %d connections, want %d", tc.messages, conns, tc.conns)
		}
	}
}
