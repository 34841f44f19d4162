package ledger_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"mailferry/transfer"
	"mailferry/transfer/ledger"
	"mailferry/transfer/mail"
)

func someTime() time.Time { return time.Unix(1700000000, 0) }

func same(t testing.TB, what string, got, want stored) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\ngot  %+v\nwant %+v", what, got, want)
	}
}

// dirState is every name, mode, time and content in a directory.
func dirState(t testing.TB, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var b strings.Builder
	for _, e := range entries {
		info, err := e.Info()
		must(t, err)
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		must(t, err)
		fmt.Fprintf(&b, "%s %v %v %d %x; ", e.Name(), info.Mode(), info.ModTime(), info.Size(), sha256.Sum256(data))
	}
	return b.String()
}

// A dry run sees what another run has recorded up to now, though most of it is
// only in the write-ahead log.
func TestReadOnlySeesARunInProgress(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "l.db")
	w := mustOpen(t, path)
	defer w.Close()
	p := addPair(t, w, "A", "A")
	for n := range mail.UID(5) {
		sendBatch(t, w, p, n*300+1, 300)
		want := everything(t, w)
		before := dirState(t, dir)
		l, err := ledger.OpenReadOnly(path, accounts())
		must(t, err)
		same(t, fmt.Sprintf("after batch %d", n), everything(t, l), want)
		must(t, l.Close())
		if after := dirState(t, dir); after != before {
			t.Errorf("changed: %s, before: %s", after, before)
		}
	}
}

// What is read while a run commits is one of its states and never a mixture.
func TestReadOnlyWhileARunCommits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l.db")
	w := mustOpen(t, path)
	p := addPair(t, w, "A", "A")
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := mail.UID(0); ctx.Err() == nil && n < 4000; n++ {
			sendBatch(t, w, p, n*20+1, 20)
		}
	})
	for range 15 {
		l, err := ledger.OpenReadOnly(path, accounts())
		must(t, err)
		consistent(t, everything(t, l), 20)
		must(t, l.Close())
	}
	stop()
	wg.Wait()
	must(t, w.Close())
}

// consistent checks a ledger that was filled by sendBatch: records come in whole
// batches without a gap, and the batch after them may have an intent.
func consistent(t testing.TB, s stored, batch int) {
	t.Helper()
	for _, p := range s.Pairs {
		records := s.Records[p.ID]
		if n := len(records); n%batch != 0 || n > 0 && records[n-1].Source != mail.UID(n) {
			t.Errorf("%d records up to uid %d: part of a batch", n, records[n-1].Source)
		}
		claimed, want := s.Claimed[p.Dest.Key()], mail.UIDSet{}
		want.AddRange(1, mail.UID(len(records)))
		if claimed != want.String() {
			t.Errorf("%d records claim %s", len(records), claimed)
		}
		for _, i := range s.Intents[p.Dest.Key()] {
			if i.Source.Len() != batch || i.Source.First() != mail.UID(len(records))+1 {
				t.Errorf("after %d records an intent for %s", len(records), i.Source)
			}
		}
	}
}

func TestReadersAndWritersAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, l *subject) {
		var wg sync.WaitGroup
		for w := range 4 {
			p := addPair(t, l, fmt.Sprintf("S%d", w), fmt.Sprintf("D%d", w))
			wg.Go(func() {
				for n := range mail.UID(20) {
					sendBatch(t, l, p, n*10+1, 10)
					if _, err := l.Records(t.Context(), p.ID, 0, 50); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for range 2 {
			wg.Go(func() {
				for range 30 {
					s, err := read(t.Context(), l)
					if err != nil {
						t.Error(err)
					}
					for id, records := range s.Records {
						if len(records)%10 != 0 {
							t.Errorf("pair %d: %d records", id, len(records))
						}
					}
				}
			})
		}
		wg.Wait()
		for id, records := range everything(t, l).Records {
			if len(records) != 200 {
				t.Errorf("pair %d: %d records", id, len(records))
			}
		}
	})
}

// Close waits for what is under way; what comes later is refused, and nothing is lost.
func TestCloseAmidWork(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l.db")
	l := mustOpen(t, path)
	p := addPair(t, l, "A", "A")
	acknowledged := 0
	var wg sync.WaitGroup
	started := make(chan struct{})
	wg.Go(func() {
		for n := mail.UID(1); ; n++ {
			err := l.Commit(t.Context(), transfer.Change{Records: map[int64][]transfer.Record{p.ID: {record(n, n)}}})
			if err != nil {
				return
			}
			if acknowledged++; acknowledged == 10 {
				close(started)
			}
		}
	})
	<-started
	must(t, l.Close())
	wg.Wait()
	l = mustOpen(t, path)
	defer l.Close()
	if got := len(everything(t, l).Records[p.ID]); got != acknowledged {
		t.Errorf("%d records, %d acknowledged", got, acknowledged)
	}
}
