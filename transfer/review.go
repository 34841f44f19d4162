package transfer

import (
	"cmp"
	"context"
	"slices"

	"mailferry/transfer/mail"
)

// review drops the records that do not agree with what both ends hold, and those
// that do not say where their message is: adoption then looks for it.
func (p *pairWork) review(ctx context.Context) error {
	if !p.run.job.Full || p.reader == nil || p.pair.ID == 0 || p.voided || p.run.job.DryRun && p.dry != nil {
		return nil
	}
	dst, err := listKeys(ctx, p.reader)
	if err != nil {
		return at(EndDest, err)
	}
	rv := &reviewer{dst: dst, compare: p.sizesCompare(), next: p.records(ctx), keep: p.run.job.DryRun}
	err = p.source.List(ctx, mail.ListOptions{Key: true}, func(i mail.Info) error {
		return rv.pass(i.UID, &i.Key)
	})
	if err != nil {
		return at(EndSource, err)
	}
	if err := rv.pass(0, nil); err != nil {
		return err
	}
	if p.run.job.DryRun {
		p.voided, p.dry = true, rv.kept
		return nil
	}
	if rv.forget.Empty() {
		return nil
	}
	pair := p.pair
	pair.Adopted, pair.Complete = false, false // whatever becomes of this run, it is looked for
	if err := p.run.ledger.Commit(ctx, Change{Pair: &pair, Forget: map[int64]mail.UIDSet{p.pair.ID: rv.forget}}); err != nil {
		return ofLedger(err)
	}
	p.pair = pair
	return nil
}

// reviewer goes through the source's listing and the records, both ascending by UID.
type reviewer struct {
	dst     []keyed
	compare bool // keys mean nothing where messages are rewritten
	next    func() (Record, bool, error)
	head    Record
	have    bool
	forget  mail.UIDSet
	keep    bool
	kept    []Record
}

// pass judges the records up to uid (0: all) of which key is the source's. A
// record whose source is gone stays: --mirror needs it.
func (r *reviewer) pass(uid mail.UID, key *mail.Key) error {
	for {
		if !r.have {
			var err error
			if r.head, r.have, err = r.next(); err != nil || !r.have {
				return err
			}
		}
		if uid != 0 && r.head.Source > uid {
			return nil
		}
		r.have = false
		if key != nil && r.head.Source == uid && !r.holds(*key) {
			r.forget.Add(uid)
		} else if r.keep {
			r.kept = append(r.kept, r.head)
		}
	}
}

func (r *reviewer) holds(key mail.Key) bool {
	if r.head.Dest == 0 {
		return false
	}
	i, ok := slices.BinarySearchFunc(r.dst, r.head.Dest, func(k keyed, uid mail.UID) int { return cmp.Compare(k.uid, uid) })
	if !ok {
		return false
	}
	d := r.dst[i]
	return !r.compare || d.full == short(key.Full) || d.bare == short(key.Bare)
}

// keyed is a message's key in little room: a folder may hold a million.
type keyed struct {
	uid        mail.UID
	full, bare [8]byte
}

func short(key [16]byte) [8]byte { return [8]byte(key[:8]) }

func listKeys(ctx context.Context, r mail.Reader) (out []keyed, err error) {
	err = r.List(ctx, mail.ListOptions{Key: true}, func(i mail.Info) error {
		out = append(out, keyed{i.UID, short(i.Key.Full), short(i.Key.Bare)})
		return nil
	})
	return out, err
}
