package transfer

import (
	"cmp"
	"context"
	"slices"

	"mailferry/transfer/mail"
)

// maxChanges is how many changed messages are looked up one by one; when there are more,
// both folders are listed.
const maxChanges = 20_000

// planChanges is plan for a folder that was finished by an earlier run: the source
// tells what changed since (RFC 7162), and nothing came or went at the destination. It
// reports false, and has done nothing, where that is not so or the numbers do not agree.
func (p *pairWork) planChanges(ctx context.Context) (bool, error) {
	p.partial = false
	if !p.knowsChanges() {
		return false, p.unlessCatchingUp()
	}
	c, err := p.listChanges(ctx)
	if err != nil {
		return false, err
	}
	if c == nil {
		return false, p.unlessCatchingUp()
	}
	merge := p.merge(nil)
	ex := &executor{pairWork: p, merge: merge}
	pl := &planner{filter: p.run.job.Filter, merge: merge, dest: c.placed}
	for _, i := range c.changed {
		s := step{verdict: copyIt, info: i}
		if r, ok := c.records[i.UID]; ok {
			s = pl.recorded(i, r)
		}
		if err := ex.do(ctx, s); err != nil {
			return false, err
		}
	}
	for _, r := range c.gone {
		if err := ex.do(ctx, step{verdict: gone, record: r}); err != nil {
			return false, err
		}
	}
	p.there, p.partial = mail.UIDSet{}, true
	p.found = int(p.state.Messages)
	p.already = int(p.pair.SourceState.Messages) - len(c.gone)
	return true, p.planned(ctx, ex, int(p.status().Messages))
}

// knowsChanges reports whether the last run left nothing over, so that every message of
// then has a record and its copy is at the destination, and nothing asks for a look at
// all of them.
func (p *pairWork) knowsChanges() bool {
	if p.reader == nil && !p.catchUp || p.pair.ID == 0 || p.voided || p.dry != nil || p.round > 1 {
		return false
	}
	fresh := p.copied.Empty() && p.adopted.Empty() && p.gone.Empty() && len(p.failed) == 0
	return fresh && p.incremental(p.state) && sameMessages(p.status(), p.pair.DestState)
}

// incremental reports whether the source can tell what changed since the last run.
func (p *pairWork) incremental(now mail.Status) bool {
	job, before := p.run.job, p.pair.SourceState
	return p.pair.Adopted && p.pair.Complete && p.pair.Filter == p.filterText() &&
		!job.Full && !job.Mirror && job.Flags != FlagsSource && !job.Filter.byMessage() &&
		now.UIDValidity == before.UIDValidity && before.UIDNext != 0 && now.UIDNext >= before.UIDNext &&
		before.HighestModSeq != 0 && now.HighestModSeq >= before.HighestModSeq
}

// changesSince asks for what changed since the last run.
func (p *pairWork) changesSince() mail.ListOptions {
	opts := mail.ListOptions{ChangedSince: p.pair.SourceState.HighestModSeq, Flags: true, Size: true}
	if p.run.job.Source.Traits().Resync {
		opts.Vanished = &mail.UIDSet{}
	}
	return opts
}

// changes is what happened at the source since the last run.
type changes struct {
	changed []mail.Info // new or with other flags, ascending by UID
	records map[mail.UID]Record
	placed  mail.UIDSet // the destination's UIDs in these records
	gone    []Record    // expunged
}

// listChanges returns nil if what the source tells does not add up: then it has to be
// listed whole.
func (p *pairWork) listChanges(ctx context.Context) (*changes, error) {
	before, now := p.pair.SourceState, p.state
	c := &changes{records: make(map[mail.UID]Record)}
	opts := p.changesSince()
	many := false
	err := p.source.List(ctx, opts, func(i mail.Info) error {
		if many = many || len(c.changed) >= maxChanges; !many {
			c.changed = append(c.changed, i)
		}
		return nil
	})
	if err != nil {
		return nil, at(EndSource, err)
	}
	if many {
		return nil, nil
	}
	slices.SortFunc(c.changed, func(a, b mail.Info) int { return cmp.Compare(a.UID, b.UID) })
	if ok, err := p.lookUp(ctx, c, before.UIDNext); !ok || err != nil {
		return nil, err
	}
	if opts.Vanished != nil {
		if c.gone, err = p.recordsIn(ctx, *opts.Vanished, before.UIDNext); err != nil {
			return nil, err
		}
	}
	added := len(c.changed) - len(c.records)
	if int(before.Messages)-len(c.gone)+added != int(now.Messages) {
		return nil, nil
	}
	return c, nil
}

// lookUp finds the records of the changed messages that were there before.
func (p *pairWork) lookUp(ctx context.Context, c *changes, next mail.UID) (bool, error) {
	// What came behind the state recorded may have been listed, and copied, all the same.
	if r, err := p.run.ledger.Records(ctx, p.pair.ID, next-1, 1); len(r) > 0 || err != nil {
		return false, ofLedger(err)
	}
	for _, i := range c.changed {
		if i.UID >= next {
			return true, nil
		}
		r, err := p.run.ledger.Records(ctx, p.pair.ID, i.UID-1, 1)
		if err != nil {
			return false, ofLedger(err)
		}
		if len(r) == 0 || r[0].Source != i.UID {
			return false, nil
		}
		c.records[i.UID] = r[0]
		if r[0].Dest != 0 {
			c.placed.Add(r[0].Dest)
		}
	}
	return true, nil
}

// recordsIn returns the records of uids below next.
func (p *pairWork) recordsIn(ctx context.Context, uids mail.UIDSet, next mail.UID) (out []Record, err error) {
	for _, run := range uids.Ranges() {
		for after := run.First - 1; after < min(run.Last, next-1); {
			page, err := p.run.ledger.Records(ctx, p.pair.ID, after, recordPage)
			if err != nil {
				return nil, ofLedger(err)
			}
			if len(page) == 0 {
				break
			}
			for _, r := range page {
				if after = r.Source; r.Source <= run.Last && r.Source < next {
					out = append(out, r)
				}
			}
		}
	}
	return out, nil
}
