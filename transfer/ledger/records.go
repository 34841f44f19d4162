package ledger

import (
	"cmp"
	"database/sql"
	"slices"

	"mailferry/transfer"
	"mailferry/transfer/mail"
)

func (w *committer) addRecords(c transfer.Change) error {
	for pair, records := range c.Records {
		if err := w.mustKnow(pair); err != nil {
			return err
		}
		entries, err := w.entriesOf(records)
		if err != nil {
			return err
		}
		if err := w.add(pair, entries); err != nil {
			return err
		}
	}
	return nil
}

// entriesOf returns records in order of their source UIDs; of several of one message the last counts.
func (w *committer) entriesOf(records []transfer.Record) (entries []entry, err error) {
	entries = make([]entry, len(records))
	for i, r := range records {
		e := entry{source: r.Source, dest: r.Dest, appended: r.Appended}
		if i > 0 && slices.Equal(r.Base, records[i-1].Base) {
			e.flags = entries[i-1].flags
		} else if e.flags, err = w.intern(r.Base.String()); err != nil {
			return nil, err
		}
		entries[i] = e
	}
	slices.SortStableFunc(entries, func(a, b entry) int { return cmp.Compare(a.source, b.source) })
	last := entries[:0]
	for i, e := range entries {
		if i+1 == len(entries) || entries[i+1].source != e.source {
			last = append(last, e)
		}
	}
	return last, nil
}

// add puts entries, in order, into chunks of a pair. From the end on: each chunk gets those from its
// own first one on, and the pair's first chunk what comes before that as well.
func (w *committer) add(pair int64, entries []entry) error {
	for len(entries) > 0 {
		uid := entries[len(entries)-1].source
		c, old, err := w.find(w.chunkAt, pair, int64(uid))
		if err == nil && c.first == 0 {
			c, old, err = w.find(w.leastChunk, pair)
		}
		if err != nil {
			return err
		}
		from := 0
		if c.first <= uid {
			from, _ = slices.BinarySearchFunc(entries, c.first, entryBySource)
		}
		if err := w.rewrite(pair, c.first, overlay(old, entries[from:])); err != nil {
			return err
		}
		entries = entries[:from]
	}
	return nil
}

// find returns a chunk of a pair and what is in it; its first UID is 0 if there is none.
func (w *committer) find(query *sql.Stmt, args ...any) (c chunk, entries []entry, err error) {
	c, err = scanChunk(query.QueryRow(args...))
	if err == sql.ErrNoRows {
		return chunk{}, nil, nil
	}
	if err == nil {
		entries, err = c.entries()
	}
	return c, entries, err
}

// overlay returns old with the entries of fresh, which replace those of the same messages.
func overlay(old, fresh []entry) []entry {
	out := make([]entry, 0, len(old)+len(fresh))
	for _, e := range fresh {
		i, found := slices.BinarySearchFunc(old, e.source, entryBySource)
		out = append(append(out, old[:i]...), e)
		if found {
			i++
		}
		old = old[i:]
	}
	return append(out, old...)
}

// rewrite replaces the chunk that begins with first, 0 being none, by the chunks that entries need.
func (w *committer) rewrite(pair int64, first mail.UID, entries []entry) error {
	if first != 0 && (len(entries) == 0 || entries[0].source != first) {
		if _, err := w.dropChunk.Exec(pair, int64(first)); err != nil {
			return err
		}
	}
	size, err := w.sizeFor(pair, entries)
	if err != nil {
		return err
	}
	for piece := range slices.Chunk(entries, size) {
		if _, err := w.putChunk.Exec(newChunk(pair, piece).columns()...); err != nil {
			return err
		}
	}
	return nil
}

// sizeFor returns how many of the entries go into each chunk. Those at a pair's end are filled, because
// more comes behind them. Others are equal, so that each has room for more.
func (w *committer) sizeFor(pair int64, entries []entry) (int, error) {
	if len(entries) <= w.chunkSize {
		return w.chunkSize, nil
	}
	var one int
	err := w.chunkBehind.QueryRow(pair, int64(entries[len(entries)-1].source)).Scan(&one)
	if err == sql.ErrNoRows {
		return w.chunkSize, nil
	}
	pieces := (len(entries) + w.chunkSize - 1) / w.chunkSize
	return (len(entries) + pieces - 1) / pieces, err
}

// forgetRecords looks only at the chunks that can hold what is to be forgotten, from the end on.
func (w *committer) forgetRecords(c transfer.Change) error {
	for pair, uids := range c.Forget {
		for ranges := slices.Clone(uids.Ranges()); len(ranges) > 0; {
			at, entries, err := w.find(w.chunkAt, pair, int64(ranges[len(ranges)-1].Last))
			if err != nil {
				return err
			}
			if at.first == 0 {
				break
			}
			left := slices.DeleteFunc(slices.Clone(entries), func(e entry) bool { return uids.Contains(e.source) })
			if len(left) < len(entries) {
				if err := w.rewrite(pair, at.first, left); err != nil {
					return err
				}
			}
			ranges = below(ranges, at.first)
		}
	}
	return nil
}

// below returns what of ranges is less than uid, in place.
func below(ranges []mail.Range, uid mail.UID) []mail.Range {
	n := len(ranges)
	for n > 0 && ranges[n-1].First >= uid {
		n--
	}
	if n > 0 {
		ranges[n-1].Last = min(ranges[n-1].Last, uid-1)
	}
	return ranges[:n]
}
