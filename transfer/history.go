package transfer

import (
	"context"
	"time"

	"mailferry/transfer/mail"
)

// An archive keeps what the source has lost. What vanished is marked gone and
// stays; when much vanished at once it is only suspect, for an account that was wiped
// must not make the next backup one of nothing.
const (
	suspectPercent = 10
	suspectLeast   = 20
)

// beginHistory tells an archive that a run begins, and which of its folders the
// source does not list any more.
func (r *run) beginHistory(ctx context.Context, src []mail.Folder, recorded []Pair) error {
	h, ok := r.job.Dest.(mail.Historian)
	if !ok {
		return nil
	}
	if err := h.BeginRun(ctx, r.job.Source.String()); err != nil {
		return at(EndDest, err)
	}
	r.historian = h
	if len(r.job.Filter.Folders)+len(r.job.Filter.Exclude) > 0 {
		return nil
	}
	listed := make(map[mail.Path]bool)
	for _, f := range src {
		listed[f.Path] = !f.NoSelect && !f.Missing
	}
	fed := make(map[mail.Path]bool) // by folders that are listed
	for _, f := range r.folders {
		fed[f.dest] = true
	}
	for _, p := range recorded {
		if listed[p.Source] || fed[p.Dest] {
			continue
		}
		if err := h.MarkFolderGone(ctx, p.Dest); err != nil {
			return at(EndDest, err)
		}
	}
	return nil
}

// endHistory ends the run in the archive, also when the run was cancelled.
func (r *run) endHistory(ctx context.Context, err error) error {
	if r.historian == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	f := r.job.Filter
	whole := err == nil && r.report.Complete() && len(f.Folders)+len(f.Exclude) == 0 && !f.byMessage()
	return at(EndDest, r.historian.EndRun(ctx, whole))
}

// markGone tells an archive which of the pair's messages the source no longer
// has. The listing was complete.
func (p *pairWork) markGone(ctx context.Context, gone mail.UIDSet, there int) error {
	m, ok := p.writer.(mail.GoneMarker)
	if !ok {
		return nil
	}
	p.suspect = gone.Len() >= suspectLeast && gone.Len()*100 > there*suspectPercent
	return at(EndDest, m.MarkGone(ctx, gone, p.suspect))
}

// takeBack lets an archive take marks back from messages that the source lists again. What it does not have any more is like
// what was deleted there.
func (e *executor) takeBack(ctx context.Context) error {
	if len(e.back) == 0 {
		return nil
	}
	var uids mail.UIDSet
	for _, s := range e.back {
		uids.Add(s.record.Dest)
	}
	back := uids // in a dry run
	if m, ok := e.writer.(mail.Returner); ok {
		var err error
		if back, err = m.MarkBack(ctx, uids); err != nil {
			return at(EndDest, err)
		}
	}
	for _, s := range e.back {
		next := e.planner.missing(s.info, s.record)
		if back.Contains(s.record.Dest) {
			e.there.Add(s.record.Dest)
			next = e.planner.present(s.info, s.record)
		}
		if err := e.do(ctx, next); err != nil {
			return err
		}
	}
	e.back = nil
	return nil
}
