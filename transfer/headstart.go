package transfer

import (
	"context"

	"golang.org/x/sync/errgroup"

	"mailferry/transfer/mail"
)

// headStart makes the source ready while the destination's folders are made. Where a folder
// will be new there all of its mail goes over, so that it is asked for at once; otherwise as many
// handles are prepared as work of that many folders takes.
func (r *run) headStart(ctx context.Context, early []*pairWork, work int) {
	if len(early) == 0 {
		if p, ok := r.job.Source.(mail.Preparer); ok && work > 1 {
			p.Prepare(ctx, min(work, r.job.Connections))
		}
		return
	}
	var g errgroup.Group
	for _, p := range early {
		g.Go(func() error { return p.openWhole(ctx) })
	}
	if g.Wait() == nil {
		return
	}
	// A source that takes fewer connections must not have them held by folders that wait.
	for _, p := range early {
		_ = p.closeSource()
	}
}

// openWhole opens the source for planAll.
func (p *pairWork) openWhole(ctx context.Context) (err error) {
	source, err := p.run.job.Source.(mail.AheadSource).OpenReaderAhead(ctx, p.src.Path, nil, true)
	if err == nil {
		p.source, p.state = source, source.Status()
	}
	return err
}

// firstNew returns the pairs that will be worked on first, as far as their destination is not
// there yet and the source can be asked ahead.
func (r *run) firstNew() (early []*pairWork) {
	if _, ok := r.job.Source.(mail.AheadSource); !ok || r.job.Dest.Traits().Connections != 0 && !r.job.Dest.Traits().Appenders {
		return nil
	}
	for _, f := range r.folders {
		p := f.pairs[0]
		if f.exists || len(f.pairs) > 1 || p.err != nil || !p.wholeAhead() {
			continue
		}
		if early = append(early, p); len(early) == r.job.Connections {
			break
		}
	}
	return early
}

// dropHeadStarts closes what was opened ahead and has not been used.
func (r *run) dropHeadStarts(folders []*folderWork) {
	for _, f := range folders {
		for _, p := range f.pairs {
			_ = p.closeSource() // nothing was read from it
		}
	}
}
