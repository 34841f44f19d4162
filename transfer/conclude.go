package transfer

import (
	"context"
	"time"

	"mailferry/transfer/mail"
)

// conclude notes the state of both ends as the pair's work ends. It is recorded for
// all pairs together, when the run ends.
func (p *pairWork) conclude(context.Context) error {
	if p.run.job.DryRun {
		return nil
	}
	p.pair.SourceState = p.state
	if st := p.src.Status; st != nil && p.state.Bytes < 0 && sameMessages(*st, p.state) {
		p.pair.SourceState.Bytes = st.Bytes // the opening does not tell it
	}
	p.concluded, p.opened, p.ended = true, p.status(), p.round
	return nil
}

// conclude records the state of both ends of every pair that is done, so that the next
// run need not open what is finished. One listing tells the destination's, as far as it is not known.
func (r *run) conclude(ctx context.Context) error {
	var done []*pairWork
	for _, f := range r.folders {
		for _, p := range f.pairs {
			if p.concluded {
				done = append(done, p)
			}
		}
	}
	if len(done) == 0 {
		return nil
	}
	// What was done is recorded even when the run was stopped.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	states, err := r.finalStates(ctx, done)
	if err != nil {
		return err
	}
	var change Change
	for _, p := range done {
		now := states[p.dest]
		if now.UIDValidity == p.opened.UIDValidity {
			pair := p.finalState(now)
			change.Pairs = append(change.Pairs, &pair)
		}
	}
	if len(change.Pairs) == 0 {
		return nil
	}
	return ofLedger(r.ledger.Commit(ctx, change))
}

// seamless reports whether what was added has got every UID from the opening's UIDNEXT on: nothing of
// anybody else's has come between.
func (p *pairWork) seamless() bool {
	return len(p.pairs) == 1 && p.ended == p.round && p.added > 0 && p.placed == p.added &&
		p.opened.UIDNext != 0 && p.lastUID == p.opened.UIDNext+mail.UID(p.added)-1
}

// finalStates returns the destination's state, by folder. Where nothing was added, or nothing but this run's mail has come
// up to its last message, it is that of the opening and what was added: what has come since is found by the next run, as what comes a moment later is.
func (r *run) finalStates(ctx context.Context, done []*pairWork) (map[mail.Path]mail.Status, error) {
	states := make(map[mail.Path]mail.Status)
	unknown := false
	for _, p := range done {
		switch {
		case p.seamless():
			now := p.opened
			now.UIDNext, now.Messages = p.lastUID+1, now.Messages+uint32(p.added)
			states[p.dest] = now
		case p.added == 0 && len(p.pairs) == 1 && p.opened.UIDNext != 0:
			states[p.dest] = p.opened
		default:
			unknown = true
		}
	}
	if !unknown {
		return states, nil
	}
	var list []mail.Folder
	err := r.insist(ctx, mail.Path{}, always, func() (err error) {
		list, err = r.job.Dest.Folders(ctx)
		return err
	})
	if err != nil {
		return nil, at(EndDest, err)
	}
	listed := make(map[mail.Path]mail.Folder, len(list))
	for _, f := range list {
		listed[f.Path] = f
	}
	for _, p := range done {
		if _, known := states[p.dest]; known {
			continue
		}
		if states[p.dest], err = r.destStatus(ctx, listed[p.dest]); err != nil {
			return nil, err
		}
	}
	return states, nil
}

// destStatus opens the folder where the destination does not tell its status otherwise.
func (r *run) destStatus(ctx context.Context, f mail.Folder) (mail.Status, error) {
	switch {
	case f.Status != nil:
		return *f.Status, nil
	case f.Path.IsZero() || f.NoSelect || f.Missing:
		return mail.Status{}, nil
	}
	reader, err := r.job.Dest.OpenReader(ctx, f.Path)
	if err != nil {
		return mail.Status{}, at(EndDest, err)
	}
	status := reader.Status()
	return status, at(EndDest, reader.Close())
}

// finalState is what is recorded of a pair that is done. Messages that came or went at the
// destination meanwhile, other than this run's, must be looked at: the next run looks for
// new ones from the UIDNEXT recorded here.
func (p *pairWork) finalState(now mail.Status) Pair {
	pair := p.pair
	pair.Filter = p.filterText()
	pair.DestState = now
	// Changes of flags since the opening have not been seen.
	pair.DestState.HighestModSeq = p.opened.HighestModSeq
	alone := p.added == 0 || p.lastUID == p.from+mail.UID(p.added)-1 // no other UID has been given away between ours
	undisturbed := p.ended == p.round && alone && int(now.Messages) == p.base+p.added && now.UIDNext == max(p.lastUID+1, p.opened.UIDNext)
	if !undisturbed {
		pair.DestState.UIDNext = p.opened.UIDNext
	}
	pair.Complete = undisturbed && len(p.failed) == 0 && len(p.leftOut) == 0 && p.gone.Empty() && len(p.expunge) == 0 && !p.unset && !p.suspect
	return pair
}
