package ledger

import (
	"context"
	"slices"
	"sync"
	"time"

	"mailferry/transfer"
	"mailferry/transfer/mail"
)

// Memory is a Ledger that lasts as long as the process, for tests. Its hooks let
// it fail on demand; set them before the ledger is shared.
type Memory struct {
	// Fail is called before anything changes, with "commit", "start run" or
	// "finish run". Its error is returned, and nothing changes.
	Fail func(op string) error
	// AfterFail is called after the change took effect. Its error is returned
	// instead of the answer: the caller is told neither success nor any ID.
	AfterFail func(op string) error

	mu      sync.Mutex
	closed  bool
	pairs   map[int64]transfer.Pair
	records map[int64][]transfer.Record // by pair, ascending by Source
	intents []transfer.Intent           // ascending by ID
	lastID  int64                       // of intents
	runs    []Run
}

// NewMemory returns an empty ledger.
func NewMemory() *Memory {
	return &Memory{pairs: make(map[int64]transfer.Pair), records: make(map[int64][]transfer.Record)}
}

// Reopen makes the ledger usable again after Close, with all that was recorded,
// as if a new run had opened it.
func (m *Memory) Reopen() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = false
}

// Close ends the use of the ledger until Reopen.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}

// begin locks the ledger for a reader; the caller unlocks it if there is no error.
func (m *Memory) begin(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return failed(opRead, errClosed)
	}
	return nil
}

// change runs a change between the hooks. answer tells the caller the outcome.
func (m *Memory) change(ctx context.Context, op string, effect func() error, answer func()) error {
	if m.Fail != nil {
		if err := m.Fail(op); err != nil {
			return err
		}
	}
	if err := m.begin(ctx); err != nil {
		return err
	}
	err := effect()
	m.mu.Unlock()
	if err != nil {
		return err
	}
	if m.AfterFail != nil {
		if err := m.AfterFail(op); err != nil {
			return err
		}
	}
	answer()
	return nil
}

// Pairs implements transfer.Ledger.
func (m *Memory) Pairs(ctx context.Context) ([]transfer.Pair, error) {
	if err := m.begin(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	var out []transfer.Pair
	for _, p := range m.pairs {
		out = append(out, p)
	}
	return out, nil
}

// Records implements transfer.Ledger.
func (m *Memory) Records(ctx context.Context, pair int64, after mail.UID, limit int) ([]transfer.Record, error) {
	if err := m.begin(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	all := m.records[pair]
	i, found := slices.BinarySearchFunc(all, after, bySource)
	if found {
		i++
	}
	return slices.Clone(all[i:min(len(all), i+max(limit, 0))]), nil
}

// Claimed implements transfer.Ledger.
func (m *Memory) Claimed(ctx context.Context, dest mail.Path, from mail.UID) (mail.UIDSet, error) {
	if err := m.begin(ctx); err != nil {
		return mail.UIDSet{}, err
	}
	defer m.mu.Unlock()
	var uids []mail.UID
	for id, p := range m.pairs {
		if p.Dest != dest {
			continue
		}
		for _, r := range m.records[id] {
			if r.Dest >= from {
				uids = append(uids, r.Dest)
			}
		}
	}
	slices.Sort(uids)
	return mail.NewUIDSet(uids...), nil
}

// Intents implements transfer.Ledger.
func (m *Memory) Intents(ctx context.Context, dest mail.Path) ([]transfer.Intent, error) {
	if err := m.begin(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	var out []transfer.Intent
	for _, i := range m.intents {
		if m.pairs[i.Pair].Dest == dest {
			i.Source = i.Source.Clone()
			out = append(out, i)
		}
	}
	return out, nil
}

// StartRun implements transfer.Ledger.
func (m *Memory) StartRun(ctx context.Context, started time.Time) (run int64, err error) {
	var id int64
	err = m.change(ctx, "start run", func() error {
		id = int64(len(m.runs)) + 1
		m.runs = append(m.runs, Run{ID: id, Started: started.Truncate(time.Millisecond)})
		return nil
	}, func() { run = id })
	return run, err
}

// FinishRun implements transfer.Ledger.
func (m *Memory) FinishRun(ctx context.Context, run int64, finished time.Time, summary []byte) error {
	return m.change(ctx, "finish run", func() error {
		if run < 1 || run > int64(len(m.runs)) {
			return failed(opFinish, errNoRun)
		}
		r := &m.runs[run-1]
		r.Finished, r.Summary = finished.Truncate(time.Millisecond), slices.Clone(summary)
		return nil
	}, func() {})
}

// Runs returns the history, oldest first.
func (m *Memory) Runs(ctx context.Context) ([]Run, error) {
	if err := m.begin(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	return slices.Clone(m.runs), nil
}
