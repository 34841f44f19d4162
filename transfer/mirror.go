package transfer

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"mailferry/transfer/mail"
)

const defaultMaxDelete = 10 // percent

// mirror expunges at the destination what vanished from the source, after all
// copies, and only what this ledger's runs appended. The brake is applied to every
// folder before the first message is deleted anywhere.
func (r *run) mirror(ctx context.Context) error {
	if err := r.brake(); err != nil {
		return err
	}
	if held, err := r.holdBack(ctx); held || err != nil {
		return err
	}
	for _, f := range r.folders {
		if n, _ := f.toExpunge(); n == 0 {
			continue
		}
		if r.stopped() {
			return ErrStopped
		}
		if err := f.expungeAll(ctx); err != nil {
			if endsRun(err) || cannotOpen(err) {
				return err
			}
			for _, p := range f.pairs {
				p.err = err
			}
		}
	}
	return nil
}

func (r *run) brake() error {
	total := 0
	for _, f := range r.folders {
		n, size := f.toExpunge()
		total += n
		if most, bounded := r.job.MaxDelete.ofFolder(size); bounded && n > most {
			return fmt.Errorf("%w: %d of %d in %q, %d allowed", ErrTooMany, n, size, f.dest, most)
		}
	}
	if most, bounded := r.job.MaxDelete.inAll(); bounded && total > most {
		return fmt.Errorf("%w: %d, %d allowed", ErrTooMany, total, most)
	}
	return nil
}

// holdBack reports whether messages may have moved between the source's folders
// while the run read them. One that left a folder before it was read and came to another
// after that was read looks gone, and so does one that moved to a folder from which not
// everything could be copied: then nothing is expunged until a later run.
func (r *run) holdBack(ctx context.Context) (bool, error) {
	planned := false
	seen := maps.Clone(r.seen)
	for _, f := range r.folders {
		n, _ := f.toExpunge()
		planned = planned || n > 0
		for _, p := range f.pairs {
			if p.done && !p.unopened {
				seen[p.src.Path] = p.pair.SourceState
			}
		}
	}
	if !planned {
		return false, nil
	}
	if p := r.unfinished(); p != nil {
		r.watch.problem(Problem{Kind: ProblemNotExpunged, Folder: p.src.Path,
			Err: errors.New("not everything was copied: nothing was expunged, run again")})
		return true, nil
	}
	now, err := r.job.Source.Folders(ctx)
	if err != nil {
		return false, at(EndSource, err)
	}
	for _, f := range now {
		if f.NoSelect || f.Missing {
			continue
		}
		before, known := seen[f.Path]
		status, err := r.sourceStatus(ctx, f)
		if err != nil {
			return false, err
		}
		if known && sameFolder(status, before) {
			continue
		}
		r.watch.problem(Problem{Kind: ProblemNotExpunged, Folder: f.Path,
			Err: errors.New("the source changed during the run: nothing was expunged, run again")})
		return true, nil
	}
	return false, nil
}

// unfinished returns a pair from which something may be missing at the destination.
func (r *run) unfinished() *pairWork {
	for _, f := range r.folders {
		for _, p := range f.pairs {
			if p.err != nil || !p.done || len(p.failed) > 0 {
				return p
			}
		}
	}
	return nil
}

// sourceStatus opens the folder where the source does not tell its status otherwise.
func (r *run) sourceStatus(ctx context.Context, f mail.Folder) (mail.Status, error) {
	if f.Status != nil {
		return *f.Status, nil
	}
	reader, err := r.job.Source.OpenReader(ctx, f.Path)
	if err != nil {
		return mail.Status{}, at(EndSource, err)
	}
	status := reader.Status()
	return status, at(EndSource, reader.Close())
}

// sameFolder reports whether no message has come since.
func sameFolder(now, before mail.Status) bool {
	return now.UIDNext != 0 && now.UIDValidity == before.UIDValidity && now.UIDNext == before.UIDNext
}

// ofFolder is the bound for a folder of size messages, if this limit is one of folders.
func (l Limit) ofFolder(size int) (int, bool) {
	if l == (Limit{}) {
		l = Limit{N: defaultMaxDelete, Percent: true}
	}
	return size * l.N / 100, l.Percent
}

// inAll is the bound for the whole run, if this limit is one of runs.
func (l Limit) inAll() (int, bool) { return l.N, !l.Percent && l.N > 0 }

// toExpunge returns how many messages are to go, and how many this ledger's runs
// put into the folder. None go while a message is there at an unknown place: it might be
// the same as one that is to go.
func (f *folderWork) toExpunge() (n, appended int) {
	for _, p := range f.pairs {
		if p.unplaced > 0 {
			return 0, 0
		}
		if p.mayExpunge() {
			n += len(p.expunge)
			appended += p.appended
		}
	}
	return n, appended
}

// mayExpunge reports whether the pair's work went to its end, so that what it
// found gone is known to be gone.
func (p *pairWork) mayExpunge() bool { return p.err == nil && p.done }

func (f *folderWork) expungeAll(ctx context.Context) (err error) {
	if f.run.job.DryRun {
		for _, p := range f.pairs {
			if p.mayExpunge() {
				p.counts.Expunged += len(p.expunge)
			}
		}
		return nil
	}
	w, err := f.run.job.Dest.OpenWriter(ctx, f.dest)
	if err != nil {
		return at(EndDest, opening(err))
	}
	defer func() {
		if cerr := w.Close(); err == nil {
			err = at(EndDest, cerr)
		}
	}()
	ex, ok := w.(mail.Expunger)
	if !ok {
		return at(EndDest, &mail.Error{Op: "expunge in", Folder: f.dest, Scope: mail.ScopeFolder, Retry: mail.RetryNever,
			Err: errors.New("the destination cannot expunge single messages")})
	}
	for _, p := range f.pairs {
		if !p.mayExpunge() {
			continue
		}
		if w.Status().UIDValidity != p.pair.DestState.UIDValidity {
			return at(EndDest, &mail.Error{Op: "expunge in", Folder: f.dest, Scope: mail.ScopeFolder, Retry: mail.RetryNever,
				Err: errors.New("uidvalidity changed meanwhile")})
		}
		if err := p.expungeWith(ctx, ex); err != nil {
			return err
		}
	}
	return nil
}

func (p *pairWork) expungeWith(ctx context.Context, ex mail.Expunger) error {
	if len(p.expunge) == 0 {
		return nil
	}
	var dest, source mail.UIDSet
	for s, d := range p.expunge {
		source.Add(s)
		dest.Add(d)
	}
	if err := ex.Expunge(ctx, dest); err != nil {
		return at(EndDest, err)
	}
	p.counts.Expunged += dest.Len()
	return ofLedger(p.run.ledger.Commit(ctx, Change{Forget: map[int64]mail.UIDSet{p.pair.ID: source}}))
}
