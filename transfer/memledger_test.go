package transfer_test

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"mailferry/transfer"
	"mailferry/transfer/mail"
)

type memLedger struct {
	mu      sync.Mutex
	next    int64
	pairs   map[int64]transfer.Pair
	records map[int64]map[mail.UID]transfer.Record
	intents map[int64]transfer.Intent
}

func newLedger() transfer.Ledger {
	return &memLedger{pairs: map[int64]transfer.Pair{}, records: map[int64]map[mail.UID]transfer.Record{}, intents: map[int64]transfer.Intent{}}
}
func (l *memLedger) Pairs(context.Context) ([]transfer.Pair, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Values(l.pairs)), nil
}
func (l *memLedger) Records(_ context.Context, pair int64, after mail.UID, limit int) (out []transfer.Record, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, uid := range slices.Sorted(maps.Keys(l.records[pair])) {
		if uid > after && len(out) < limit {
			out = append(out, l.records[pair][uid])
		}
	}
	return out, nil
}
func (l *memLedger) Claimed(_ context.Context, dest mail.Path, from mail.UID) (out mail.UIDSet, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, p := range l.pairs {
		if p.Dest == dest {
			for _, r := range l.records[id] {
				if r.Dest >= from {
					out.Add(r.Dest)
				}
			}
		}
	}
	return out, nil
}
func (l *memLedger) Intents(_ context.Context, dest mail.Path) (out []transfer.Intent, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(l.intents)) {
		if l.pairs[l.intents[id].Pair].Dest == dest {
			out = append(out, l.intents[id])
		}
	}
	return out, nil
}
func (l *memLedger) Commit(ctx context.Context, c transfer.Change) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.Void != nil {
		delete(l.records, c.Void.ID)
		for id, i := range l.intents {
			if i.Pair == c.Void.ID {
				delete(l.intents, id)
			}
		}
	}
	if c.Pair != nil {
		if c.Pair.ID == 0 {
			l.next++
			c.Pair.ID = l.next
		}
		l.pairs[c.Pair.ID] = *c.Pair
	}
	for id, set := range c.Forget {
		for uid := range set.All() {
			delete(l.records[id], uid)
		}
	}
	for id, list := range c.Records {
		if l.records[id] == nil {
			l.records[id] = map[mail.UID]transfer.Record{}
		}
		for _, r := range list {
			l.records[id][r.Source] = r
		}
	}
	for _, id := range c.Settle {
		delete(l.intents, id)
	}
	for _, i := range c.Intents {
		l.next++
		i.ID = l.next
		l.intents[i.ID] = *i
	}
	return nil
}
func (l *memLedger) StartRun(context.Context, time.Time) (int64, error)        { return 1, nil }
func (l *memLedger) FinishRun(context.Context, int64, time.Time, []byte) error { return nil }
func (l *memLedger) Close() error                                              { return nil }
