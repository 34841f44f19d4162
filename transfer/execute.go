package transfer

import (
	"context"

	"mailferry/transfer/mail"
)

// reflagBatch is how many flag changes go to the destination and the ledger at once.
const reflagBatch = 500

// plan lists the source and decides about every message. What is to be copied is left in p.todo; changes of
// flags are carried out on the way where they are many, and left in p.late otherwise.
func (p *pairWork) plan(ctx context.Context) error {
	p.late = nil
	if err := p.saveBases(ctx); err != nil { // or the same flags would seem to have changed again
		return err
	}
	p.listed, p.already, p.leftOut, p.todo = false, 0, nil, mail.UIDSet{}
	p.found, p.absent, p.unplaced, p.appended = 0, p.copied.Len()+p.gone.Len(), 0, 0
	p.expunge = make(map[mail.UID]mail.UID)
	p.dryReflagged, p.dryDropped, p.unlisted = 0, 0, false
	if ok, err := p.planChanges(ctx); ok || err != nil {
		return err
	}
	there, current, err := p.listDest(ctx)
	if err != nil {
		return at(EndDest, err)
	}
	p.there = there
	if ok, err := p.planAll(ctx); ok || err != nil {
		return err
	}
	merge := p.merge(current)
	_, archive := p.run.job.Dest.(mail.Historian)
	pl := &planner{dest: there, filter: p.run.job.Filter, merge: merge, again: p.run.job.Full, keeps: archive, next: p.records(ctx)}
	ex := &executor{pairWork: p, merge: merge, planner: pl}
	filter := p.run.job.Filter
	opts := mail.ListOptions{Flags: true, Size: filter.MaxSize > 0 || there.Empty(),
		Date: !filter.Since.IsZero() || !filter.Before.IsZero()}
	err = p.source.List(ctx, opts, func(i mail.Info) error {
		p.found++
		if p.copied.Contains(i.UID) || p.gone.Contains(i.UID) {
			p.absent--
		}
		return pl.add(i, func(s step) error { return ex.do(ctx, s) })
	})
	if err != nil {
		return at(EndSource, err)
	}
	if err := pl.end(func(s step) error { return ex.do(ctx, s) }); err != nil {
		return err
	}
	return p.planned(ctx, ex, there.Len())
}

func (p *pairWork) merge(current func(mail.UID) mail.Flags) flagMerge {
	_, archive := p.run.job.Dest.(mail.Historian)
	return flagMerge{mode: p.run.job.Flags, mirror: p.run.job.Mirror && !p.run.job.Dest.Traits().AutoExpunge,
		archive: archive, dest: p.status(), current: current}
}

// planned carries out what had to wait until the listing was known to be complete.
// there is the number of messages at the destination.
func (p *pairWork) planned(ctx context.Context, ex *executor, there int) error {
	if err := ex.takeBack(ctx); err != nil {
		return err
	}
	if p.late = ex; p.run.job.DryRun {
		if err := p.lateFlags(ctx); err != nil {
			return err
		}
	}
	if err := ex.forgetGone(ctx); err != nil {
		return err
	}
	if err := p.markGone(ctx, ex.gone, there); err != nil {
		return err
	}
	p.listed = true
	if p.base < 0 {
		p.base, p.from = there, max(p.there.Last()+1, p.status().UIDNext)
	}
	p.run.watch.send(EventPlan{Source: p.src.Path, Dest: p.dest, Copy: p.todo.Len(), Bytes: ex.bytes,
		Already: p.already, LeftOut: Counts{LeftOut: p.leftOut}.Out()})
	return nil
}

// planAll is plan for a folder of which nothing is recorded and nothing at the destination:
// when as many messages are in it as UIDs were given out, every UID is a message, and all
// go over. It is not listed for that.
func (p *pairWork) planAll(ctx context.Context) (bool, error) {
	s := p.state
	if p.writer == nil || !p.there.Empty() || p.run.job.Filter.byMessage() || p.round > 1 ||
		s.UIDValidity == 0 || !withoutGaps(s) {
		return false, nil
	}
	if _, recorded, err := p.records(ctx)(); recorded || err != nil {
		return false, err
	}
	p.todo = upTo(mail.UID(s.Messages))
	p.found, p.unlisted = int(s.Messages), true
	ex := &executor{pairWork: p}
	if st := p.src.Status; st != nil && st.UIDNext == s.UIDNext {
		ex.bytes = max(st.Bytes, 0)
	}
	return true, p.planned(ctx, ex, 0)
}

// withoutGaps reports whether every UID that was given out is that of a message.
func withoutGaps(s mail.Status) bool { return s.Messages > 0 && s.UIDNext == mail.UID(s.Messages)+1 }

// listDest returns the UIDs the destination holds and, if flags are made as at
// the source, a way to look up their flags.
func (p *pairWork) listDest(ctx context.Context) (mail.UIDSet, func(mail.UID) mail.Flags, error) {
	var there mail.UIDSet
	if p.reader == nil {
		return there, func(mail.UID) mail.Flags { return nil }, nil
	}
	bySource := p.run.job.Flags == FlagsSource
	flags := make(map[mail.UID]mail.Flags)
	shared := make(flagPool)
	err := p.reader.List(ctx, mail.ListOptions{Flags: bySource}, func(i mail.Info) error {
		there.Add(i.UID)
		if bySource && len(i.Flags) > 0 {
			flags[i.UID] = shared.one(i.Flags)
		}
		return nil
	})
	return there, func(uid mail.UID) mail.Flags { return flags[uid] }, err
}

// executor counts the steps of a plan and carries out those that need no copy.
type executor struct {
	*pairWork
	merge   flagMerge
	bytes   int64
	changes []mail.FlagChange
	records []Record
	forget  mail.UIDSet
	gone    mail.UIDSet // UIDs at the destination of what the source has no longer
	dropped int         // flags in changes that the destination cannot store
	back    []step      // of messages that are to be current again
	planner *planner    // of these
}

func (e *executor) do(ctx context.Context, s step) error {
	uid := s.info.UID
	if s.record.Appended {
		e.appended++
	}
	switch s.verdict {
	case keep, reflag:
		if !e.copied.Contains(uid) {
			e.already++
		}
		if s.record.Dest == 0 {
			e.unplaced++
		}
		if s.verdict == reflag {
			return e.reflag(ctx, s)
		}
	case leaveOut:
		if !e.copied.Contains(uid) {
			e.leave(s.reason)
		}
	case copyIt:
		return e.copyIt(s)
	case gone:
		e.gone.Add(s.record.Dest)
		if e.run.job.Mirror && s.record.Appended && s.record.Dest != 0 {
			e.expunge[s.record.Source] = s.record.Dest
		}
	case goneAtBoth:
		e.forget.Add(s.record.Source)
	case returned:
		e.back = append(e.back, s)
	}
	return nil
}

func (e *executor) leave(reason Reason) {
	if e.leftOut == nil {
		e.leftOut = make(map[Reason]int)
	}
	e.leftOut[reason]++
}

func (e *executor) copyIt(s step) error {
	uid := s.info.UID
	if s.record.Source != 0 {
		e.forget.Add(uid) // or it would pass for what an intent has to look for
	}
	if err := e.refused[uid]; err != nil {
		delete(e.refused, uid)
		e.fail(uid, s.info.Size, err)
	}
	if e.failed[uid] == nil {
		e.todo.Add(uid)
		e.bytes += s.info.Size
	}
	return nil
}

// reflag queues a change. Flags the destination cannot store are counted once:
// the new base holds them, so that they are not tried again.
func (e *executor) reflag(ctx context.Context, s step) error {
	e.changes = append(e.changes, mail.FlagChange{UID: s.record.Dest, Add: s.add, Remove: s.remove})
	r := s.record
	r.Base = e.merge.wanted(s.info.Flags, r.Base, r)
	e.records = append(e.records, r)
	if len(e.records) < reflagBatch {
		return nil
	}
	return e.flush(ctx)
}

// flush carries the queued changes over. The new bases are recorded later, and before the pair's state is: a crash
// in between makes the next run set the same flags again.
func (e *executor) flush(ctx context.Context) error {
	defer func() { e.changes, e.records, e.dropped = nil, nil, 0 }()
	if len(e.records) == 0 {
		return nil
	}
	if err := e.openForCatchUp(ctx); err != nil {
		return err
	}
	e.keepPermitted()
	if e.writer == nil {
		e.dryReflagged, e.dryDropped = e.dryReflagged+len(e.changes), e.dryDropped+e.dropped
		return nil
	}
	refused, err := e.setFlags(ctx)
	if err != nil {
		return at(EndDest, err)
	}
	e.counts.Reflagged += len(e.changes) - refused.Len()
	e.counts.FlagsDropped += e.dropped
	var records []Record
	for _, r := range e.records {
		if !refused.Contains(r.Dest) {
			records = append(records, r)
		}
	}
	e.bases = append(e.bases, records...)
	if len(e.bases) < reflagBatch {
		return nil // they go with the next commit
	}
	return e.saveBases(ctx)
}

// keepPermitted leaves what the destination cannot store out of the queued changes.
func (e *executor) keepPermitted() {
	kept := e.changes[:0]
	for _, c := range e.changes {
		add, dropped := permitted(c.Add, e.status())
		e.dropped += dropped
		if c.Add = add; len(c.Add)+len(c.Remove) > 0 {
			kept = append(kept, c)
		}
	}
	e.changes = kept
}

// lateFlags carries over what flags the plan has left. That needs nothing of the source, which can be read
// meanwhile, by this folder or another.
func (p *pairWork) lateFlags(ctx context.Context) error {
	late := p.late
	p.late = nil
	if late == nil {
		return nil
	}
	return late.flush(ctx)
}

// saveBases records what flags have been carried over, as far as that has not been done with something else.
func (p *pairWork) saveBases(ctx context.Context) error {
	if len(p.bases) == 0 {
		return nil
	}
	records := p.bases
	p.bases = nil
	return ofLedger(p.run.ledger.Commit(ctx, Change{Records: map[int64][]Record{p.pair.ID: records}}))
}

// forgetGone drops the records of messages that are at neither end.
func (e *executor) forgetGone(ctx context.Context) error {
	if e.run.job.DryRun || e.forget.Empty() {
		return nil
	}
	return ofLedger(e.run.ledger.Commit(ctx, Change{Forget: map[int64]mail.UIDSet{e.pair.ID: e.forget}}))
}

// setFlags returns the UIDs whose change the destination refused.
func (e *executor) setFlags(ctx context.Context) (refused mail.UIDSet, err error) {
	if len(e.changes) == 0 {
		return refused, nil
	}
	err = e.writer.SetFlags(ctx, e.changes)
	if err == nil || mail.ErrorOf(err).Scope != mail.ScopeMessage {
		return refused, err
	}
	sources := make(map[mail.UID]mail.UID, len(e.records))
	for _, r := range e.records {
		sources[r.Dest] = r.Source
	}
	for _, c := range e.changes {
		err := e.writer.SetFlags(ctx, []mail.FlagChange{c})
		if err == nil {
			continue
		}
		if mail.ErrorOf(err).Scope != mail.ScopeMessage {
			return refused, err
		}
		refused.Add(c.UID)
		e.unset = true
		e.run.watch.problem(Problem{Kind: ProblemFlags, Folder: e.src.Path, Dest: e.dest, UID: sources[c.UID], Err: err})
	}
	return refused, nil
}
