package transfer

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"mailferry/transfer/mail"
)

// makeFolders creates what the destination lacks, parents first, and carries
// subscriptions over. All of it comes before the first message is sent. A folder that
// cannot be made is that folder's error alone.
func (r *run) makeFolders(ctx context.Context, src []mail.Folder) error {
	byDepth := slices.SortedFunc(slices.Values(r.folders), func(a, b *folderWork) int { return a.dest.Compare(b.dest) })
	for _, f := range byDepth {
		if f.exists {
			continue
		}
		err := r.insist(ctx, f.pairs[0].src.Path, always, func() error {
			return r.job.Dest.Create(ctx, mail.Folder{Path: f.dest, Role: f.pairs[0].src.Role})
		})
		if err != nil {
			err = at(EndDest, err)
			if endsRun(err) || unreachable(err) {
				return err
			}
			for _, p := range f.pairs {
				p.err = err
			}
			continue
		}
		f.made = true
	}
	if err := r.checkMade(ctx); err != nil {
		return err
	}
	if err := r.subscribe(ctx, src); err != nil {
		return err
	}
	return r.standStill(ctx)
}

// standStill waits once for all folders that may still be receiving from an
// earlier run, instead of once for each. Those that grow meanwhile wait for themselves.
func (r *run) standStill(ctx context.Context) error {
	waiting := false
	for _, f := range r.folders {
		intents, err := r.ledger.Intents(ctx, f.dest)
		if err != nil {
			return ofLedger(err)
		}
		waiting = waiting || len(intents) > 0 || f.unknownPast()
	}
	if !waiting {
		return nil
	}
	var states [2]map[mail.Path]mail.Status
	for i := range states {
		list, err := r.job.Dest.Folders(ctx)
		if err != nil {
			return at(EndDest, err)
		}
		states[i] = make(map[mail.Path]mail.Status)
		for _, f := range list {
			if f.Status != nil {
				states[i][f.Path] = *f.Status
			}
		}
		if i == 0 {
			if err := r.pause(ctx, r.job.Timing.Settle); err != nil {
				return err
			}
		}
	}
	for _, f := range r.folders {
		before, known := states[0][f.dest]
		f.still = known && sameMessages(before, states[1][f.dest])
	}
	return nil
}

// checkMade makes sure that what was created is there under its own name. A server
// that takes two names for one (case, Unicode forms) says OK for the second, too, and the
// mail of two folders would be taken for that of one.
func (r *run) checkMade(ctx context.Context) error {
	if !slices.ContainsFunc(r.folders, func(f *folderWork) bool { return f.made }) {
		return nil
	}
	list, err := r.job.Dest.Folders(ctx)
	if err != nil {
		return at(EndDest, err)
	}
	listed := make(map[mail.Path]bool)
	for _, f := range list {
		listed[f.Path] = !f.NoSelect && !f.Missing
	}
	for _, f := range r.folders {
		if !f.made || listed[f.dest] {
			continue
		}
		for _, p := range f.pairs {
			p.err = at(EndDest, &mail.Error{Op: "create", Folder: f.dest, Scope: mail.ScopeFolder, Retry: mail.RetryNever,
				Hint: "it may take the name for that of another folder: --map sends the mail elsewhere",
				Err:  errors.New("the destination said it was created, but does not list it")})
		}
	}
	return nil
}

// insist tries again what may succeed and worth says is worth it, as long as the
// pauses allow.
func (r *run) insist(ctx context.Context, folder mail.Path, worth func(*mail.Error) bool, do func() error) error {
	wait := r.job.Timing.Backoff
	for n := 1; ; n++ {
		err := do()
		if err == nil || endsRun(err) || n >= r.job.Timing.Attempts {
			return err
		}
		e := mail.ErrorOf(err)
		if e.Retry == mail.RetryNever || !worth(e) {
			return err
		}
		pause := cmp.Or(e.After, wait)
		r.watch.retry(folder, n, pause, e.After > 0, err)
		if err := r.pause(ctx, pause); err != nil {
			return err
		}
		wait *= 2
	}
}

// comeBackLater is for the first contact: a server that is busy may be waited for,
// but a wrong address is better told at once.
func comeBackLater(e *mail.Error) bool { return e.Retry == mail.RetryLater }

func always(*mail.Error) bool { return true }

// subscribe carries changes of subscriptions over, three ways like flags: a
// folder is subscribed or unsubscribed when that changed at the source since the last run.
func (r *run) subscribe(ctx context.Context, src []mail.Folder) error {
	to, ok := r.job.Dest.(mail.Subscriber)
	if !ok {
		return nil
	}
	for _, f := range r.folders {
		for _, p := range f.pairs {
			if p.err != nil || p.src.Subscribed == p.pair.Subscribed {
				continue
			}
			if p.src.Subscribed != f.before.Subscribed {
				err := r.insist(ctx, p.src.Path, always, func() error { return to.SetSubscribed(ctx, f.dest, p.src.Subscribed) })
				if err != nil && (endsRun(err) || unreachable(err)) {
					return at(EndDest, err)
				}
				if err != nil {
					r.watch.problem(Problem{Kind: ProblemSubscription, Folder: p.src.Path, Dest: f.dest, Err: at(EndDest, err)})
					continue
				}
			}
			if err := p.noteSubscribed(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *pairWork) noteSubscribed(ctx context.Context) error {
	p.pair.Subscribed = p.src.Subscribed
	if p.pair.ID == 0 {
		return nil // recorded with the pair itself
	}
	pair := p.pair
	return ofLedger(p.run.ledger.Commit(ctx, Change{Pair: &pair}))
}
