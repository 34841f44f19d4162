package transfer

import (
	"context"
	"errors"
	"slices"
	"time"

	"mailferry/transfer/mail"
)

var errNoProof = errors.New("recognised at the destination, but not equal in every octet")

// settle finds out what became of the messages that were on their way when an
// earlier connection or run ended. The destination has stood still since.
func (p *pairWork) settle(ctx context.Context) error {
	all, err := p.intents(ctx)
	if err != nil {
		return err
	}
	var open mail.UIDSet
	var ids []int64
	from := ^mail.UID(0)
	for _, i := range all {
		if i.Pair == p.pair.ID && p.pair.ID != 0 && !p.voided {
			open.Union(i.Source)
			ids = append(ids, i.ID)
			from = min(from, max(i.DestNext, 1))
		}
	}
	if len(ids) == 0 {
		return nil
	}
	placed, unplaced, err := p.recordedIn(ctx, open)
	if err != nil {
		return err
	}
	open = open.Minus(placed)
	// A message whose place is unknown competes for it with those in flight.
	open.Union(unplaced)
	claimed, err := p.claimed(ctx, from)
	if err != nil {
		return err
	}
	found, err := p.look(ctx, mail.ListOptions{Only: &open}, mail.ListOptions{From: from}, claimed, true)
	if err != nil {
		return err
	}
	return p.record(ctx, found, true, Change{Settle: ids})
}

// adopt matches what is to be copied with what the destination holds and nobody
// claims: everything the first time, later what has come there since the last run. So
// nothing is copied that is there already, whoever put it there.
func (p *pairWork) adopt(ctx context.Context) error {
	p.strays = p.strays || !p.pair.Adopted
	from := mail.UID(0)
	if p.pair.Adopted && !p.run.job.Full && p.pair.Filter == p.filterText() {
		from = p.pair.DestState.UIDNext
	}
	strangers := p.there.Minus(upTo(max(from, 1) - 1))
	var claimed mail.UIDSet
	if !strangers.Empty() {
		var err error
		if claimed, err = p.claimedByOthers(ctx, from); err != nil {
			return err
		}
		strangers = strangers.Minus(claimed)
	}
	if !strangers.Empty() && !p.todo.Empty() {
		if n, err := p.byOrigin(ctx); err != nil {
			return err
		} else if n > 0 {
			if err := p.plan(ctx); err != nil {
				return err
			}
			if claimed, err = p.claimedByOthers(ctx, from); err != nil {
				return err
			}
		}
	}
	var found matching
	if !strangers.Empty() && !p.todo.Empty() {
		var err error
		todo := p.todo.Clone()
		if found, err = p.look(ctx, mail.ListOptions{Only: &todo}, mail.ListOptions{From: from}, claimed, false); err != nil {
			return err
		}
	}
	change := Change{}
	if !p.pair.Adopted {
		pair := p.pair
		pair.Adopted = true
		change.Pair = &pair
	}
	if len(found.pairs) == 0 && change.Pair == nil {
		p.doubt.Union(found.doubtful)
		return nil
	}
	if err := p.record(ctx, found, false, change); err != nil {
		return err
	}
	if len(found.pairs) == 0 {
		return nil
	}
	return p.plan(ctx)
}

// claimedByOthers is claimed, but for what only pairs claim whose source folder is not
// listed any more: a folder that was renamed at the source comes with the same mail, and
// its role may lead it to the same destination.
func (p *pairWork) claimedByOthers(ctx context.Context, from mail.UID) (mail.UIDSet, error) {
	claimed, err := p.claimed(ctx, from)
	if err != nil || claimed.Empty() || p.pair.Adopted {
		return claimed, err
	}
	pairs, err := p.run.ledger.Pairs(ctx)
	if err != nil {
		return claimed, ofLedger(err)
	}
	var lost, held mail.UIDSet
	for _, pair := range pairs {
		if pair.Dest != p.dest {
			continue
		}
		claims := &held
		if _, listed := p.run.seen[pair.Source]; !listed {
			claims = &lost
		}
		if err := p.addClaims(ctx, pair.ID, claims); err != nil {
			return claimed, err
		}
	}
	return claimed.Minus(lost.Minus(held)), nil
}

// addClaims adds the destination UIDs that a pair's records name.
func (p *pairWork) addClaims(ctx context.Context, pair int64, to *mail.UIDSet) error {
	for after := mail.UID(0); ; {
		page, err := p.run.ledger.Records(ctx, pair, after, recordPage)
		if err != nil {
			return ofLedger(err)
		}
		for _, r := range page {
			if after = r.Source; r.Dest != 0 {
				to.Add(r.Dest)
			}
		}
		if len(page) < recordPage {
			return nil
		}
	}
}

// look matches source messages with destination messages that are not claimed.
func (p *pairWork) look(ctx context.Context, srcOpts, dstOpts mail.ListOptions, claimed mail.UIDSet, proof bool) (matching, error) {
	if p.reader == nil || srcOpts.Only != nil && srcOpts.Only.Empty() {
		return matching{}, nil
	}
	dst, err := candidates(ctx, p.reader, dstOpts, claimed)
	if err != nil || len(dst) == 0 {
		return matching{}, at(EndDest, err)
	}
	src, err := candidates(ctx, p.source, srcOpts, mail.UIDSet{})
	if err != nil {
		return matching{}, at(EndSource, err)
	}
	m := matcher{
		sizes: p.sizesCompare(),
		proof: proof,
		srcHash: func(ctx context.Context, uids mail.UIDSet) (map[mail.UID]digest, error) {
			d, err := digests(ctx, p.source, uids)
			return d, at(EndSource, err)
		},
		dstHash: func(ctx context.Context, uids mail.UIDSet) (map[mail.UID]digest, error) {
			d, err := digests(ctx, p.reader, uids)
			return d, at(EndDest, err)
		},
	}
	return m.match(ctx, src, dst)
}

func (p *pairWork) sizesCompare() bool {
	return p.run.job.Source.Traits().KeepsBytes && p.run.job.Dest.Traits().KeepsBytes
}

func (p *pairWork) claimed(ctx context.Context, from mail.UID) (mail.UIDSet, error) {
	if p.voided {
		return mail.UIDSet{}, nil
	}
	set, err := p.run.ledger.Claimed(ctx, p.dest, from)
	return set, ofLedger(err)
}

// candidates lists what a reader holds but for except, which may be nearly all of it:
// then only UIDs are asked for first.
func candidates(ctx context.Context, r mail.Reader, opts mail.ListOptions, except mail.UIDSet) (out []candidate, err error) {
	if !except.Empty() {
		var left mail.UIDSet
		err := r.List(ctx, opts, func(i mail.Info) error {
			left.Add(i.UID)
			return nil
		})
		if left = left.Minus(except); err != nil || left.Empty() {
			return nil, err
		}
		opts = mail.ListOptions{Only: &left}
	}
	opts.Key, opts.Size, opts.Flags = true, true, true
	shared := make(flagPool)
	err = r.List(ctx, opts, func(i mail.Info) error {
		i.Flags = shared.one(i.Flags)
		out = append(out, candidateOf(i))
		return nil
	})
	return out, err
}

// record commits what a look found together with the rest of change.
func (p *pairWork) record(ctx context.Context, found matching, appended bool, change Change) error {
	p.doubt.Union(found.doubtful)
	status := p.status()
	var records []Record
	for _, m := range found.pairs {
		base := adoptedBase(m.src.flags, m.dst.flags, status)
		// Only what is equal in every octet can be taken for this ledger's own work, which
		// --mirror may expunge.
		records = append(records, Record{Source: m.src.uid, Dest: m.dst.uid, Appended: appended && m.whole, Base: base})
	}
	if p.run.job.DryRun {
		p.addDry(records)
	} else if err := p.commitFound(ctx, records, change); err != nil {
		return err
	}
	for _, m := range found.pairs {
		delete(p.refused, m.src.uid)
		if p.sentAll.Contains(m.src.uid) {
			p.copied.Add(m.src.uid)
			p.counts.Bytes += m.src.size
		} else {
			p.adopted.Add(m.src.uid)
		}
		if m.doubt {
			p.counts.InDoubt++
			p.run.watch.problem(Problem{Kind: ProblemInDoubt, Folder: p.src.Path, Dest: p.dest, UID: m.src.uid, Size: m.src.size, Err: errNoProof})
		}
	}
	return nil
}

// addDry takes records into the dry run's own account.
func (p *pairWork) addDry(records []Record) {
	p.dry = append(p.dry, records...)
	slices.SortFunc(p.dry, func(a, b Record) int { return int(int64(a.Source) - int64(b.Source)) })
}

func (p *pairWork) commitFound(ctx context.Context, records []Record, change Change) error {
	if len(records) > 0 {
		change.Records = map[int64][]Record{p.pair.ID: records}
		p.blank = false
	}
	if err := p.run.ledger.Commit(ctx, change); err != nil {
		return ofLedger(err)
	}
	if change.Pair != nil {
		p.pair = *change.Pair
	}
	return nil
}

// recordedIn returns which of uids have a record that says where they are, and
// every UID, of uids or not, whose record does not.
func (p *pairWork) recordedIn(ctx context.Context, uids mail.UIDSet) (placed, unplaced mail.UIDSet, err error) {
	next := p.records(ctx)
	for {
		r, ok, err := next()
		if err != nil || !ok {
			return placed, unplaced, err
		}
		switch {
		case r.Dest == 0:
			unplaced.Add(r.Source)
		case uids.Contains(r.Source):
			placed.Add(r.Source)
		}
	}
}

const recordPage = 5000

// records yields the pair's records in ascending order, a page at a time.
func (p *pairWork) records(ctx context.Context) func() (Record, bool, error) {
	var page []Record
	var after mail.UID
	ended := p.pair.ID == 0 || p.voided || p.blank && p.round <= 1
	stored := func() (Record, bool, error) {
		if len(page) == 0 && !ended {
			var err error
			if page, err = p.run.ledger.Records(ctx, p.pair.ID, after, recordPage); err != nil {
				return Record{}, false, ofLedger(err)
			}
			ended = len(page) < recordPage
		}
		if len(page) == 0 {
			return Record{}, false, nil
		}
		r := page[0]
		page, after = page[1:], r.Source
		return r, true, nil
	}
	return mergeRecords(stored, p.dry)
}

// mergeRecords puts extra, which is sorted too, between what stored yields.
func mergeRecords(stored func() (Record, bool, error), extra []Record) func() (Record, bool, error) {
	if len(extra) == 0 {
		return stored
	}
	var head Record
	have, ended := false, false
	return func() (Record, bool, error) {
		if !have && !ended {
			var err error
			if head, have, err = stored(); err != nil {
				return Record{}, false, err
			}
			ended = !have
		}
		if len(extra) > 0 && (!have || extra[0].Source < head.Source) {
			r := extra[0]
			extra = extra[1:]
			return r, true, nil
		}
		if !have {
			return Record{}, false, nil
		}
		have = false
		return head, true, nil
	}
}

func unixOrZero(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
