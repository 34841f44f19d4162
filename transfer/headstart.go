package transfer

import (
	"context"

	"mailferry/transfer/mail"
)

// headStart is a source folder that is opened, and whose mail is asked for, before the
// destination's folder is made. Those who have one are worked on first and all at once: a folder that
// waited for its turn with a session open would hold up those whose turn it is.
type headStart struct {
	cancel context.CancelFunc
	opened chan struct{} // closed at the end
	source mail.Reader   // nil if it could not be opened; whoever needs it finds out why
}

// take returns what has been opened, nil if nothing has. The caller closes it.
func (h *headStart) take(ctx context.Context) mail.Reader {
	select {
	case <-h.opened:
		return h.source
	case <-ctx.Done():
		h.drop()
		return nil
	}
}

// drop closes what has been opened and not taken.
func (h *headStart) drop() {
	h.cancel()
	if <-h.opened; h.source != nil {
		_ = h.source.Close() // nothing was read from it
	}
}

// headStarts opens the source of the first folders of which all mail goes over.
func (r *run) headStarts(ctx context.Context) (started int) {
	for _, p := range r.firstNew() {
		ctx, cancel := context.WithCancel(ctx)
		h := &headStart{cancel: cancel, opened: make(chan struct{})}
		p.early = h
		go func() {
			defer close(h.opened)
			if source, err := r.job.Source.(mail.AheadSource).OpenReaderAhead(ctx, p.src.Path, nil, 1); err == nil {
				h.source = source
			}
		}()
		started++
	}
	return started
}

// firstNew returns the pairs that will be worked on first, as far as their destination holds
// nothing and the source can be asked ahead.
func (r *run) firstNew() (early []*pairWork) {
	if _, ok := r.job.Source.(mail.AheadSource); !ok || r.job.Full || r.job.Dest.Traits().Connections != 0 && !r.job.Dest.Traits().Appenders {
		return nil
	}
	for _, f := range r.folders {
		p := f.pairs[0]
		if f.exists && !r.fresh || len(f.pairs) > 1 || p.err != nil || !p.wholeAhead() {
			continue
		}
		if early = append(early, p); len(early) == r.atOnce() {
			break
		}
	}
	return early
}

// dropHeadStarts gives up what was opened ahead and has not been used.
func dropHeadStarts(folders []*folderWork) {
	for _, f := range folders {
		for _, p := range f.pairs {
			if h := p.early; h != nil {
				p.early = nil
				h.drop()
			}
		}
	}
}
