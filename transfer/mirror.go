package transfer

import (
	"context"
	"errors"
	"fmt"

	"mailferry/transfer/mail"
)

const defaultMaxDelete = 10 // percent

// mirror expunges at the destination what vanished from the source, after all
// copies, and only what this ledger's runs appended. The brake is applied to every
// folder before the first message is deleted anywhere.
func (r *run) mirror(ctx context.Context) error {
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

// ofFolder is the bound for a folder of size messages, if this limit is one of folders.
func (l Limit) ofFolder(size int) (int, bool) {
	if l == (Limit{}) {
		l = Limit{N: defaultMaxDelete, Percent: true}
	}
	return size * l.N / 100, l.Percent
}

// inAll is the bound for the whole run, if this limit is one of runs.
func (l Limit) inAll() (int, bool) { return l.N, !l.Percent && l.N > 0 }

// toExpunge returns how many messages are to go and how many the folder holds.
func (f *folderWork) toExpunge() (n, size int) {
	for _, p := range f.pairs {
		if p.err == nil && p.done {
			n += len(p.expunge)
			size = max(size, p.expected)
		}
	}
	return n, size
}

func (f *folderWork) expungeAll(ctx context.Context) (err error) {
	if f.run.job.DryRun {
		for _, p := range f.pairs {
			p.counts.Expunged += len(p.expunge)
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
