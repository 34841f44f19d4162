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

// sourced reports whether the destination tells by itself which messages of this source folder it holds.
func (p *pairWork) sourced() bool {
	_, ok := p.reader.(mail.OriginIndex)
	return ok && p.state.UIDValidity != 0
}

// byOrigin records what an archive knows of itself: which message of the source
// each of its own is. It returns how many it found.
func (p *pairWork) byOrigin(ctx context.Context) (int, error) {
	if !p.sourced() {
		return 0, nil
	}
	claimed, err := p.claimed(ctx, 0)
	if err != nil {
		return 0, err
	}
	var records []Record
	from := mail.Origin{Source: p.run.job.Source.String(), Folder: p.src.Path, UIDValidity: p.state.UIDValidity}
	err = p.reader.(mail.OriginIndex).Origins(ctx, from, func(source, own mail.UID, certain bool) error {
		if certain && p.todo.Contains(source) && p.there.Contains(own) && !claimed.Contains(own) {
			records = append(records, Record{Source: source, Dest: own, Appended: true})
		}
		return nil
	})
	if err != nil || len(records) == 0 {
		return 0, at(EndDest, err)
	}
	for _, r := range records {
		if p.sentAll.Contains(r.Source) {
			p.copied.Add(r.Source)
		} else {
			p.adopted.Add(r.Source)
		}
	}
	if p.run.job.DryRun {
		p.addDry(records)
		return len(records), nil
	}
	return len(records), p.commitFound(ctx, records, Change{})
}
