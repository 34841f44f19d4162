package transfer

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"mailferry/transfer/mail"
)

// makeFolders creates what the destination lacks, parents first, carries subscriptions
// over and records the new pairs. All of it comes before the first message is sent. A
// folder that cannot be made is that folder's error alone.
func (r *run) makeFolders(ctx context.Context, src []mail.Folder) error {
	now, err := r.createMissing(ctx)
	if err == nil {
		err = r.checkMade(ctx, now)
	}
	if err != nil {
		return err
	}
	if err := r.tellRoles(ctx); err != nil {
		return err
	}
	if err := r.subscribe(ctx, src); err != nil {
		return err
	}
	if err := r.recordPairs(ctx); err != nil {
		return err
	}
	return r.standStill(ctx)
}

// tellRoles tells an archive the roles of folders of which it knows none: it may have lost its catalogue, or the folder
// had none when it was made.
func (r *run) tellRoles(ctx context.Context) error {
	if r.historian == nil {
		return nil
	}
	var folders []mail.Folder
	for _, f := range r.folders {
		if role := f.pairs[0].src.Role; f.exists && f.before.Role == "" && role != "" {
			folders = append(folders, mail.Folder{Path: f.dest, Role: role})
		}
	}
	if len(folders) == 0 {
		return nil
	}
	_, _, err := r.create(ctx, folders)
	return at(EndDest, err)
}

// createMissing returns what the destination holds then, nil if it does not tell.
func (r *run) createMissing(ctx context.Context) (now []mail.Folder, err error) {
	var missing []*folderWork
	var folders []mail.Folder
	for _, f := range slices.SortedFunc(slices.Values(r.folders), func(a, b *folderWork) int { return a.dest.Compare(b.dest) }) {
		if !f.exists {
			missing = append(missing, f)
			folders = append(folders, mail.Folder{Path: f.dest, Role: f.pairs[0].src.Role})
		}
	}
	errs, now, err := r.create(ctx, folders)
	for i, f := range missing {
		if f.made = i < len(errs) && errs[i] == nil; f.made || i >= len(errs) {
			continue
		}
		for _, p := range f.pairs {
			p.err = at(EndDest, errs[i])
		}
	}
	return now, at(EndDest, err)
}

// create makes folders, all at once where the store can, and tries again what may
// succeed. The second error ends the run.
func (r *run) create(ctx context.Context, folders []mail.Folder) (errs []error, now []mail.Folder, err error) {
	errs = make([]error, len(folders))
	if maker, ok := r.job.Dest.(mail.FolderMaker); ok && len(folders) > 1 {
		err = r.insist(ctx, folders[0].Path, always, func() (err error) {
			errs, now, err = maker.CreateAll(ctx, folders)
			return err
		})
		if err != nil {
			return nil, nil, err
		}
	} else {
		for i := range errs {
			errs[i] = errNotTried
		}
	}
	for i, f := range folders {
		if errs[i] == nil || mail.ErrorOf(errs[i]).Retry == mail.RetryNever && errs[i] != errNotTried {
			continue
		}
		now = nil // of before
		errs[i] = r.insist(ctx, f.Path, always, func() error { return r.job.Dest.Create(ctx, f) })
		if errs[i] != nil && (endsRun(errs[i]) || unreachable(at(EndDest, errs[i]))) {
			return errs[:i], nil, errs[i]
		}
	}
	return errs, now, nil
}

var errNotTried = errors.New("not tried yet")

// recordPairs records all new pairs in one commit, where both ends' UIDVALIDITY is known
// already; the others are recorded one by one when they are opened.
func (r *run) recordPairs(ctx context.Context) error {
	var change Change
	var fresh []*pairWork
	for _, f := range r.folders {
		status := f.before.Status
		for _, p := range f.pairs {
			if p.err != nil || p.pair.ID != 0 || status == nil || status.UIDValidity == 0 ||
				p.src.Status == nil || p.src.Status.UIDValidity == 0 {
				continue
			}
			pair := &Pair{Source: p.src.Path, Dest: p.dest, Subscribed: p.pair.Subscribed,
				SourceState: mail.Status{UIDValidity: p.src.Status.UIDValidity},
				DestState:   mail.Status{UIDValidity: status.UIDValidity},
				// What no run can have sent anything to holds nothing to be recognised.
				Adopted: (f.made || r.fresh) && status.Messages == 0}
			change.Pairs = append(change.Pairs, pair)
			fresh = append(fresh, p)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	if err := r.ledger.Commit(ctx, change); err != nil {
		return ofLedger(err)
	}
	for i, p := range fresh {
		p.pair, p.blank = *change.Pairs[i], true
	}
	return nil
}

// standStill waits once for all folders that may still be receiving from an
// earlier run, instead of once for each. Those that grow meanwhile wait for themselves.
func (r *run) standStill(ctx context.Context) error {
	waiting := false
	for _, f := range r.folders {
		intents, err := f.intents(ctx)
		if err != nil {
			return err
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
// mail of two folders would be taken for that of one. A listing that came with the creation is
// believed when it has all of them: it may have been made beside it.
func (r *run) checkMade(ctx context.Context, now []mail.Folder) error {
	if !slices.ContainsFunc(r.folders, func(f *folderWork) bool { return f.made }) {
		return nil
	}
	if len(r.unlisted(now)) > 0 {
		var err error
		if now, err = r.job.Dest.Folders(ctx); err != nil {
			return at(EndDest, err)
		}
	}
	for _, f := range r.unlisted(now) {
		for _, p := range f.pairs {
			p.err = at(EndDest, &mail.Error{Op: "create", Folder: f.dest, Scope: mail.ScopeFolder, Retry: mail.RetryNever,
				Hint: "it may take the name for that of another folder: --map sends the mail elsewhere",
				Err:  errors.New("the destination said it was created, but does not list it")})
		}
	}
	return nil
}

// unlisted returns the folders that were made and are not among those listed, and takes in
// the state of those that are.
func (r *run) unlisted(list []mail.Folder) (missing []*folderWork) {
	listed := make(map[mail.Path]mail.Folder)
	for _, f := range list {
		if !f.NoSelect && !f.Missing {
			listed[f.Path] = f
		}
	}
	for _, f := range r.folders {
		if !f.made {
			continue
		}
		if now, ok := listed[f.dest]; ok {
			f.before.Status = now.Status
		} else {
			missing = append(missing, f)
		}
	}
	return missing
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
	for _, subscribed := range []bool{true, false} {
		if err := r.subscribeAll(ctx, to, subscribed); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) subscribeAll(ctx context.Context, to mail.Subscriber, subscribed bool) error {
	var work []*pairWork
	var paths []mail.Path
	for _, f := range r.folders {
		for _, p := range f.pairs {
			if p.err != nil || p.src.Subscribed == p.pair.Subscribed || p.src.Subscribed != subscribed {
				continue
			}
			if subscribed != f.before.Subscribed {
				work, paths = append(work, p), append(paths, f.dest)
			} else if err := p.noteSubscribed(ctx); err != nil {
				return err
			}
		}
	}
	errs, err := r.setSubscribed(ctx, to, paths, subscribed)
	if err != nil {
		return at(EndDest, err)
	}
	for i, p := range work {
		if errs[i] != nil {
			r.watch.problem(Problem{Kind: ProblemSubscription, Folder: p.src.Path, Dest: p.dest, Err: at(EndDest, errs[i])})
		} else if err := p.noteSubscribed(ctx); err != nil {
			return err
		}
	}
	return nil
}

// setSubscribed is create for subscriptions.
func (r *run) setSubscribed(ctx context.Context, to mail.Subscriber, paths []mail.Path, subscribed bool) (errs []error, err error) {
	if maker, ok := r.job.Dest.(mail.FolderMaker); ok && len(paths) > 1 {
		err = r.insist(ctx, paths[0], always, func() (err error) {
			errs, err = maker.SetSubscribedAll(ctx, paths, subscribed)
			return err
		})
		return errs, err
	}
	errs = make([]error, len(paths))
	for i, path := range paths {
		errs[i] = r.insist(ctx, path, always, func() error { return to.SetSubscribed(ctx, path, subscribed) })
		if errs[i] != nil && (endsRun(errs[i]) || unreachable(at(EndDest, errs[i]))) {
			return errs, errs[i]
		}
	}
	return errs, nil
}

func (p *pairWork) noteSubscribed(ctx context.Context) error {
	p.pair.Subscribed = p.src.Subscribed
	if p.pair.ID == 0 {
		return nil // recorded with the pair itself
	}
	pair := p.pair
	return ofLedger(p.run.ledger.Commit(ctx, Change{Pair: &pair}))
}
