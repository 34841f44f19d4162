package ledger

import (
	"cmp"
	"context"
	"slices"

	"mailferry/transfer"
	"mailferry/transfer/mail"
)

// Commit implements transfer.Ledger.
func (m *Memory) Commit(ctx context.Context, c transfer.Change) error {
	var pair int64
	var ids []int64
	return m.change(ctx, "commit", func() (err error) {
		if pair, err = m.admit(c); err != nil {
			return err
		}
		ids = m.apply(c, pair)
		return nil
	}, func() {
		if c.Pair != nil {
			c.Pair.ID = pair
		}
		for n, i := range c.Intents {
			i.ID = ids[n]
		}
	})
}

// admit checks everything that could fail, so that apply cannot, and returns the
// ID that c.Pair has or will have.
func (m *Memory) admit(c transfer.Change) (pair int64, err error) {
	if err := check(c); err != nil {
		return 0, err
	}
	if c.Pair != nil {
		if pair, err = m.identify(*c.Pair); err != nil {
			return 0, err
		}
	}
	known := func(id int64) bool { _, ok := m.pairs[id]; return ok || id != 0 && id == pair }
	for id := range c.Records {
		if !known(id) {
			return 0, refused(errNoPair)
		}
	}
	for _, i := range c.Intents {
		if !known(i.Pair) {
			return 0, refused(errNoPair)
		}
	}
	return pair, nil
}

// identify returns the ID under which p is to be recorded.
func (m *Memory) identify(p transfer.Pair) (int64, error) {
	other, exists := m.bySource(p.Source)
	switch {
	case p.ID != 0:
		if _, ok := m.pairs[p.ID]; !ok {
			return 0, refused(errNoPair)
		}
		if exists && other.ID != p.ID {
			return 0, taken(p, other)
		}
		return p.ID, nil
	case !exists:
		return int64(len(m.pairs)) + 1, nil
	case other.Dest != p.Dest:
		return 0, taken(p, other)
	}
	return other.ID, nil
}

func (m *Memory) bySource(source mail.Path) (transfer.Pair, bool) {
	for _, p := range m.pairs {
		if p.Source == source {
			return p, true
		}
	}
	return transfer.Pair{}, false
}

func (m *Memory) apply(c transfer.Change, pair int64) (intents []int64) {
	if c.Void != nil {
		m.void(*c.Void)
	}
	if c.Pair != nil {
		p := *c.Pair
		p.ID = pair
		m.pairs[pair] = p
	}
	for id, uids := range c.Forget {
		m.records[id] = slices.DeleteFunc(m.records[id], func(r transfer.Record) bool { return uids.Contains(r.Source) })
	}
	for id, records := range c.Records {
		for _, r := range records {
			m.put(id, r)
		}
	}
	m.intents = slices.DeleteFunc(m.intents, func(i transfer.Intent) bool { return slices.Contains(c.Settle, i.ID) })
	for _, i := range c.Intents {
		m.lastID++
		intents = append(intents, m.lastID)
		m.intents = append(m.intents, transfer.Intent{ID: m.lastID, Pair: i.Pair, DestValidity: i.DestValidity,
			DestNext: i.DestNext, Source: i.Source.Clone()})
	}
	return intents
}

func (m *Memory) void(p transfer.Pair) {
	id := p.ID
	if id == 0 {
		if known, ok := m.bySource(p.Source); ok && known.Dest == p.Dest {
			id = known.ID
		}
	}
	delete(m.records, id)
	m.intents = slices.DeleteFunc(m.intents, func(i transfer.Intent) bool { return i.Pair == id })
}

func (m *Memory) put(pair int64, r transfer.Record) {
	all := m.records[pair]
	i, found := slices.BinarySearchFunc(all, r.Source, bySource)
	if found {
		all[i] = r
		return
	}
	m.records[pair] = slices.Insert(all, i, r)
}

func bySource(r transfer.Record, uid mail.UID) int { return cmp.Compare(r.Source, uid) }
