package ledger_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"mailferry/transfer"
	"mailferry/transfer/ledger"
	"mailferry/transfer/mail"
)

var (
	_ transfer.Ledger = (*ledger.Ledger)(nil)
	_ transfer.Ledger = (*ledger.Memory)(nil)
)

func accounts() ledger.Identity {
	return ledger.Identity{Source: "imaps://ann@old.example", Dest: "imaps://ann@new.example"}
}

// subject is a ledger under test and a way to close and open it again.
type subject struct {
	historian
	reopen func(t *testing.T) historian
}

type historian interface {
	transfer.Ledger
	Runs(context.Context) ([]ledger.Run, error)
}

// onBoth runs a test with the ledger in a file and with the one in memory.
func onBoth(t *testing.T, test func(t *testing.T, s *subject)) {
	t.Run("sqlite", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "state", "a--b.db")
		s := &subject{historian: mustOpen(t, path)}
		s.reopen = func(t *testing.T) historian {
			must(t, s.Close())
			s.historian = mustOpen(t, path)
			return s.historian
		}
		t.Cleanup(func() { must(t, s.Close()) })
		test(t, s)
	})
	t.Run("memory", func(t *testing.T) {
		m := ledger.NewMemory()
		test(t, &subject{historian: m, reopen: func(t *testing.T) historian {
			must(t, m.Close())
			m.Reopen()
			return m
		}})
	})
}

func mustOpen(t testing.TB, path string) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(path, accounts())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func commit(t testing.TB, l transfer.Ledger, c transfer.Change) {
	t.Helper()
	must(t, l.Commit(t.Context(), c))
}

// addPair records a pair of folders and returns it with its ID.
func addPair(t testing.TB, l transfer.Ledger, source, dest string) transfer.Pair {
	t.Helper()
	p := transfer.Pair{Source: mail.ParsePath(source), Dest: mail.ParsePath(dest)}
	commit(t, l, transfer.Change{Pair: &p})
	if p.ID == 0 {
		t.Fatalf("pair %s got no id", source)
	}
	return p
}

func addRecords(t testing.TB, l transfer.Ledger, pair int64, records ...transfer.Record) {
	t.Helper()
	commit(t, l, transfer.Change{Records: map[int64][]transfer.Record{pair: records}})
}

// stored is everything a ledger says, in a form that can be compared.
type stored struct {
	Pairs   []transfer.Pair
	Records map[int64][]transfer.Record
	Claimed map[string]string
	Intents map[string][]transfer.Intent
}

func everything(t testing.TB, l transfer.Ledger) stored {
	t.Helper()
	s, err := read(t.Context(), l)
	must(t, err)
	return s
}

func read(ctx context.Context, l transfer.Ledger) (s stored, err error) {
	s = stored{Records: map[int64][]transfer.Record{}, Claimed: map[string]string{}, Intents: map[string][]transfer.Intent{}}
	if s.Pairs, err = l.Pairs(ctx); err != nil {
		return s, err
	}
	slices.SortFunc(s.Pairs, func(a, b transfer.Pair) int { return int(a.ID - b.ID) })
	for _, p := range s.Pairs {
		records, err := l.Records(ctx, p.ID, 0, 1<<30)
		if err != nil {
			return s, err
		}
		for i := range records {
			if len(records[i].Base) == 0 {
				records[i].Base = nil
			}
		}
		if len(records) > 0 {
			s.Records[p.ID] = records
		}
		claimed, err := l.Claimed(ctx, p.Dest, 0)
		if err != nil {
			return s, err
		}
		s.Claimed[p.Dest.Key()] = claimed.String()
		if s.Intents[p.Dest.Key()], err = l.Intents(ctx, p.Dest); err != nil {
			return s, err
		}
	}
	return s, nil
}

func TestHistoryOfRuns(t *testing.T) {
	onBoth(t, func(t *testing.T, l *subject) {
		began := time.Date(2024, 3, 31, 1, 59, 59, 123456789, time.UTC)
		first, err := l.StartRun(t.Context(), began)
		must(t, err)
		second, err := l.StartRun(t.Context(), began.Add(time.Hour))
		must(t, err)
		if second <= first || first <= 0 {
			t.Errorf("runs are numbered %d, %d", first, second)
		}
		must(t, l.FinishRun(t.Context(), second, began.Add(2*time.Hour), []byte(`{"copied":3}`)))
		if err := l.FinishRun(t.Context(), second+1, began, nil); err == nil {
			t.Error("a run that never began could end")
		}
		runs, err := l.reopen(t).Runs(t.Context())
		must(t, err)
		if len(runs) != 2 || !runs[0].Started.Equal(began.Truncate(time.Millisecond)) || !runs[0].Finished.IsZero() {
			t.Fatalf("history: %+v", runs)
		}
		if r := runs[1]; r.ID != second || string(r.Summary) != `{"copied":3}` || !r.Finished.Equal(began.Add(2*time.Hour).Truncate(time.Millisecond)) {
			t.Errorf("second run: %+v", r)
		}
	})
}

func TestClosedLedgerRefusesEverything(t *testing.T) {
	onBoth(t, func(t *testing.T, l *subject) {
		p := addPair(t, l, "INBOX", "INBOX")
		must(t, l.Close())
		must(t, l.Close())
		ctx := t.Context()
		_, errPairs := l.Pairs(ctx)
		_, errRecords := l.Records(ctx, p.ID, 0, 1)
		_, errClaimed := l.Claimed(ctx, p.Dest, 0)
		_, errIntents := l.Intents(ctx, p.Dest)
		_, errStart := l.StartRun(ctx, time.Now())
		_, errRuns := l.Runs(ctx)
		for op, err := range map[string]error{"pairs": errPairs, "records": errRecords, "claimed": errClaimed,
			"intents": errIntents, "start": errStart, "runs": errRuns, "finish": l.FinishRun(ctx, 1, time.Now(), nil),
			"commit": l.Commit(ctx, transfer.Change{Pair: &transfer.Pair{Source: mail.ParsePath("A"), Dest: mail.ParsePath("A")}})} {
			if err == nil {
				t.Errorf("%s of a closed ledger went well", op)
			}
		}
		if got := everything(t, l.reopen(t)); len(got.Pairs) != 1 {
			t.Errorf("after reopening: %+v", got.Pairs)
		}
	})
}

func TestCancelledCallsChangeNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, l *subject) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		p := transfer.Pair{Source: mail.ParsePath("A"), Dest: mail.ParsePath("A")}
		if err := l.Commit(ctx, transfer.Change{Pair: &p}); !errors.Is(err, context.Canceled) {
			t.Errorf("commit: %v", err)
		}
		if _, err := l.StartRun(ctx, time.Now()); !errors.Is(err, context.Canceled) {
			t.Errorf("start: %v", err)
		}
		if _, err := l.Pairs(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("pairs: %v", err)
		}
		if p.ID != 0 {
			t.Error("an id was given all the same")
		}
		if got := everything(t, l); len(got.Pairs) != 0 {
			t.Errorf("recorded all the same: %+v", got.Pairs)
		}
	})
}
