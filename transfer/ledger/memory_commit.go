package ledger

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"mailferry/transfer"
	"mailferry/transfer/mail"
)

// Commit implements transfer.Ledger.
func (m *Memory) Commit(ctx context.Context, c transfer.Change) error {
	var pairs, ids []int64
	return m.change(ctx, "commit", func() (err error) {
		before := maps.Clone(m.pairs)
		if pairs, err = m.admit(c); err != nil {
			m.pairs = before
			return err
		}
		ids = m.apply(c)
		return nil
	}, func() {
		for n, p := range pairsOf(c) {
			p.ID = pairs[n]
		}
		for n, i := range c.Intents {
			i.ID = ids[n]
		}
	})
}

// admit voids, records the pairs, returns their IDs and checks everything else that
// could fail, so that apply cannot. After an error the pairs have to be put back.
func (m *Memory) admit(c transfer.Change) (ids []int64, err error) {
	if err := check(c); err != nil {
		return nil, err
	}
	voided := m.voided(c.Void)
	for _, pair := range pairsOf(c) {
		p := *pair
		if p.ID, err = m.identify(p); err != nil {
			return nil, err
		}
		ids, m.pairs[p.ID] = append(ids, p.ID), p
	}
	for id := range c.Records {
		if _, ok := m.pairs[id]; !ok {
			return nil, refused(errNoPair)
		}
	}
	for _, i := range c.Intents {
		if _, ok := m.pairs[i.Pair]; !ok {
			return nil, refused(errNoPair)
		}
	}
	m.void(voided)
	return ids, nil
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

func (m *Memory) apply(c transfer.Change) (intents []int64) {
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

// voided returns the ID of the pair that is to be voided; 0: none.
func (m *Memory) voided(p *transfer.Pair) int64 {
	switch {
	case p == nil:
		return 0
	case p.ID != 0:
		return p.ID
	}
	if known, ok := m.bySource(p.Source); ok && known.Dest == p.Dest {
		return known.ID
	}
	return 0
}

func (m *Memory) void(id int64) {
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
