package transfer

import (
	"context"
	"errors"

	"mailferry/transfer/mail"
)

// canCatchUp reports whether both listings agree with what an earlier run that left nothing over has recorded, but
// for what came or changed at the source: then nothing has to be asked at the destination, and the source need not wait for it.
func (f *folderWork) canCatchUp(ctx context.Context) bool {
	r := f.run
	if r.job.DryRun || !r.job.Dest.Traits().Appenders || len(f.pairs) != 1 || len(r.recorded[f.dest]) != 1 || !f.exists || f.before.Status == nil {
		return false
	}
	p := f.pairs[0]
	if p.err != nil || p.src.Status == nil || p.pair.ID == 0 || f.unknownPast() ||
		!p.incremental(*p.src.Status) || !sameMessages(*f.before.Status, p.pair.DestState) {
		return false
	}
	intents, err := f.intents(ctx)
	return err == nil && len(intents) == 0
}

var errOwnSession = &mail.Error{Op: "catch up", Scope: mail.ScopeFolder, Retry: mail.RetrySoon, Kind: mail.KindSession,
	Err: errors.New("more has happened than the listings told")}

// unlessCatchingUp ends an attempt in which the destination has not been opened: to ask it more takes a session.
func (f *folderWork) unlessCatchingUp() error {
	if !f.catchUp {
		return nil
	}
	return errOwnSession
}

// openForCatchUp opens the destination, which has to be what the listing told. Until something has to be written there it
// is not opened: the source can be read meanwhile, and is free for another folder sooner.
func (p *pairWork) openForCatchUp(ctx context.Context) error {
	if !p.catchUp || p.writer != nil {
		return nil
	}
	if err := p.openDest(ctx); err != nil {
		return at(EndDest, opening(err))
	}
	if !sameMessages(p.status(), p.pair.DestState) {
		return errOwnSession
	}
	return nil
}
