package transfer

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"mailferry/transfer/mail"
)

const defaultConnections = 4

// Run carries out a job. The Report is never nil and tells how far it came; the
// error is nil if the run went to its end, even when messages or folders are
// missing (Report.Complete tells). Run returns after everything it started has ended.
func Run(ctx context.Context, job Job) (*Report, error) {
	r, err := newRun(&job)
	if err != nil {
		return &Report{DryRun: job.DryRun, Started: time.Now(), Finished: time.Now()}, err
	}
	defer r.leave()
	if err := r.begin(ctx); err != nil {
		r.endHistory(ctx, err)
		r.report.finish()
		return r.report, err
	}
	err = r.work(ctx)
	if err == nil || errors.Is(err, ErrStopped) {
		err = cmp.Or(err, r.conclude(ctx))
	}
	if err == nil && job.Mirror {
		err = r.mirror(ctx)
	}
	r.collect()
	var archived, recorded error
	var both sync.WaitGroup
	both.Go(func() { archived = r.endHistory(ctx, err) })
	both.Go(func() { recorded = r.history(ctx) })
	both.Wait()
	return r.report, cmp.Or(err, archived, recorded)
}

// run is the state of one Run.
type run struct {
	job       *Job
	ledger    *commits
	loader    *loader
	slots     *slots
	watch     *watcher
	report    *Report
	folders   []*folderWork
	seen      map[mail.Path]mail.Status // the source's folders, as listed when the run began
	recorded  map[mail.Path][]Pair      // when the run began, by destination
	historian mail.Historian            // the destination, if it is an archive and a run has begun
	fresh     bool                      // no run of this ledger's can have sent anything to the destination yet
	ends      []func()                  // of what was started ahead of its time
}

func newRun(job *Job) (*run, error) {
	if job.Connections <= 0 {
		job.Connections = defaultConnections
	}
	if job.Batch <= 0 {
		job.Batch = defaultBatch
	}
	job.Timing = job.Timing.withDefaults()
	if job.Flags == "" {
		job.Flags = FlagsMerge
	}
	if job.Mirror && job.Filter.byMessage() {
		return nil, fmt.Errorf("%w: --mirror together with a filter of messages", ErrUnsupported)
	}
	ledger := job.Ledger
	if ledger == nil {
		if !job.DryRun {
			return nil, fmt.Errorf("%w: a run needs a ledger", ErrUnsupported)
		}
		ledger = noLedger{}
	}
	return &run{job: job, ledger: &commits{Ledger: ledger}, watch: &watcher{observe: job.Observe},
		report: &Report{DryRun: job.DryRun, Started: time.Now()}}, nil
}

// begin lists both ends, pairs the folders and creates what is missing.
func (r *run) begin(ctx context.Context) error {
	if isNew(r.ledger) && !r.job.DryRun {
		r.makeReady(ctx, r.job.Connections, math.MaxInt64, r.job.Source, r.job.Dest) // there will be much to do
	}
	var src, dst []mail.Folder
	err := r.insist(ctx, mail.Path{}, comeBackLater, func() (err error) {
		src, dst, err = listBoth(ctx, r.job.Source, r.job.Dest)
		return err
	})
	if err != nil {
		return err
	}
	r.watch.listed(src)
	// Traits of a server are known only after the first login.
	_, archive := r.job.Dest.(mail.Historian)
	r.loader = newLoader(r.job, !r.job.Dest.Traits().UIDPlus && !archive)
	if r.job.Mirror && !r.job.Dest.Traits().UIDPlus {
		return fmt.Errorf("%w: --mirror needs a destination with UIDPLUS", ErrUnsupported)
	}
	pairs, err := r.ledger.Pairs(ctx)
	if err != nil {
		return ofLedger(err)
	}
	chosen, skipped, err := r.job.Filter.choose(src)
	if err != nil {
		return err
	}
	r.report.Skipped, r.report.SourceFolders = skipped, skipped+len(chosen)
	if r.folders, err = r.pairUp(src, dst, chosen, pairs); err != nil {
		return err
	}
	r.recorded = make(map[mail.Path][]Pair)
	for _, p := range pairs {
		r.recorded[p.Dest] = append(r.recorded[p.Dest], p)
	}
	r.seen = make(map[mail.Path]mail.Status)
	for _, f := range src {
		if !f.NoSelect && !f.Missing {
			r.seen[f.Path] = mail.Status{}
			if f.Status != nil {
				r.seen[f.Path] = *f.Status
			}
		}
	}
	start := EventStart{Folders: len(chosen)}
	for _, f := range chosen {
		if f.Status != nil {
			start.Messages += int(f.Status.Messages)
		}
	}
	r.watch.send(start)
	if r.job.DryRun {
		return nil
	}
	r.prepare(ctx)
	if err := r.writeBeginning(ctx, src, pairs); err != nil {
		return err
	}
	return r.makeFolders(ctx, src)
}

// writeBeginning tells ledger and archive that a run begins: each waits for the disk.
func (r *run) writeBeginning(ctx context.Context, src []mail.Folder, recorded []Pair) (err error) {
	var both sync.WaitGroup
	var archived error
	both.Go(func() { archived = r.beginHistory(ctx, src, recorded) })
	r.report.Run, err = r.ledger.StartRun(ctx, r.report.Started)
	both.Wait()
	return cmp.Or(ofLedger(err), archived)
}

// prepare makes both ends ready for as many folders as will be worked on at once, while
// the first connection makes folders. It does not wait for that.
func (r *run) prepare(ctx context.Context) {
	work, octets := 0, int64(0)
	for _, f := range r.folders {
		if f.pairs[0].err == nil && !f.finished(ctx) {
			work++
			octets += f.expected()
		}
	}
	if work < 2 {
		work = 0
	}
	r.makeReady(ctx, work, octets, r.job.Dest)
	if r.headStarts(ctx) == 0 {
		r.makeReady(ctx, work, octets, r.job.Source)
	}
}

// makeReady prepares handles for so much mail, at most as many as there are connections, until the run ends.
func (r *run) makeReady(ctx context.Context, handles int, octets int64, ends ...mail.Source) {
	for _, end := range ends {
		p, ok := end.(mail.Preparer)
		if !ok || handles == 0 {
			continue
		}
		ctx, cancel := context.WithCancel(ctx)
		ready := make(chan struct{})
		go func() {
			defer close(ready)
			p.Prepare(ctx, handles, octets)
		}()
		r.ends = append(r.ends, func() {
			cancel()
			<-ready
		})
	}
}

// leave ends what was started ahead of its time.
func (r *run) leave() {
	for _, end := range r.ends {
		end()
	}
	dropHeadStarts(r.folders)
}

// otherEnd is how long an end that fails waits for the other one, which may fail too.
const otherEnd = 5 * time.Second

// listBoth returns, where both ends fail, the error that nothing can be done about, and the source's of two such: not
// that of the server which happens to answer first.
func listBoth(ctx context.Context, a mail.Source, b mail.Source) (src, dst []mail.Folder, err error) {
	listing, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := func(err error) error {
		if err != nil {
			timer := time.AfterFunc(otherEnd, cancel)
			context.AfterFunc(listing, func() { timer.Stop() })
		}
		return err
	}
	var srcErr, dstErr error
	var both sync.WaitGroup
	both.Go(func() {
		src, srcErr = a.Folders(listing)
		srcErr = failed(at(EndSource, srcErr))
	})
	both.Go(func() {
		dst, dstErr = b.Folders(listing)
		dstErr = failed(at(EndDest, dstErr))
	})
	both.Wait()
	final := func(err error) bool { return err != nil && mail.ErrorOf(err).Retry == mail.RetryNever }
	givenUp := ctx.Err() == nil && errors.Is(srcErr, context.Canceled)
	if dstErr != nil && (givenUp || final(dstErr) && !final(srcErr)) {
		return nil, nil, dstErr
	}
	return src, dst, cmp.Or(srcErr, dstErr)
}

// pairUp groups the chosen folders by destination: a destination folder has one
// writer, however many source folders feed it.
func (r *run) pairUp(src, dst, chosen []mail.Folder, recorded []Pair) ([]*folderWork, error) {
	m := newMapper(r.job, src, dst, recorded)
	targets := m.all(src)
	there := make(map[mail.Path]mail.Folder, len(dst))
	for _, f := range dst {
		there[f.Path] = f
	}
	r.fresh = isNew(r.ledger) && isFresh(dst, targets, there)
	fed := make(map[mail.Path]bool) // by pairs that are recorded
	for _, p := range recorded {
		fed[p.Dest] = true
	}
	groups := make(map[mail.Path]*folderWork)
	for _, f := range chosen {
		to := targets[f.Path]
		if to.err != nil {
			return nil, to.err
		}
		g := groups[to.path]
		if g == nil {
			d, ok := there[to.path]
			g = &folderWork{run: r, dest: to.path, before: d, exists: ok && !d.NoSelect && !d.Missing,
				asked: !fed[to.path]} // an intent is of a pair
			groups[to.path] = g
		}
		pair, ok := m.recorded[f.Path]
		if !ok || pair.Dest != to.path {
			pair = Pair{ID: pair.ID, Source: f.Path, Dest: to.path}
		}
		g.pairs = append(g.pairs, newPairWork(g, f, pair))
	}
	var out []*folderWork
	for _, g := range groups {
		out = append(out, g)
	}
	// Big folders first: the last one to finish decides how long the run takes.
	slices.SortFunc(out, func(a, b *folderWork) int {
		return cmp.Or(cmp.Compare(b.messages(), a.messages()), a.dest.Compare(b.dest))
	})
	return out, nil
}

func isNew(l Ledger) bool {
	r, ok := l.(Rememberer)
	return !ok || r.New()
}

// isFresh reports whether the destination is without mail, and holds of the folders that
// any run makes first none but the INBOX, which is always there.
func isFresh(dst []mail.Folder, targets map[mail.Path]target, there map[mail.Path]mail.Folder) bool {
	for _, f := range dst {
		if !f.NoSelect && !f.Missing && (f.Status == nil || f.Status.Messages > 0 || f.Status.UIDNext > 1) {
			return false
		}
	}
	lacking := false
	for _, to := range targets {
		f, ok := there[to.path]
		switch missing := !ok || f.Missing; {
		case missing:
			lacking = true
		case !f.NoSelect && !to.path.IsInbox():
			return false
		}
	}
	return lacking
}

// sharing is how many folders that need no session of their own are worked on for each connection.
const sharing = 16

// alone is how many folders that take a session of their own at each end are worked on at once: with more, one could have a
// session at one end and wait for the other's, and another the other way round.
func (r *run) alone() int {
	n := r.job.Connections
	for _, end := range []mail.Source{r.job.Source, r.job.Dest} {
		if most := end.Traits().Connections; most > 0 {
			n = min(n, most)
		}
	}
	return n
}

func (r *run) atOnce() int { return sharing * r.job.Connections }

// work brings every folder up to date, a few at a time. Those that need no session of their own at
// the destination come first, and more of them at once: while one waits for its last answers
// another's mail is read.
func (r *run) work(ctx context.Context) error {
	var early, first, rest []*folderWork
	unlimited := r.job.Dest.Traits().Connections == 0
	for _, f := range r.folders {
		f.catchUp = f.canCatchUp(ctx)
		f.shared = f.catchUp || f.canShare(ctx)
		switch {
		case !f.shared && !unlimited:
			rest = append(rest, f)
		case f.pairs[0].early != nil:
			early = append(early, f)
		default:
			first = append(first, f)
		}
	}
	dropHeadStarts(rest) // or the first would wait for the connections
	putOff, err := r.workOn(ctx, append(early, first...), r.atOnce())
	if err == nil {
		_, err = r.workOn(ctx, append(putOff, rest...), r.alone())
	}
	if err != nil {
		return err
	}
	for _, f := range r.folders {
		for _, p := range f.pairs {
			if errors.Is(p.err, ErrStopped) {
				return ErrStopped
			}
		}
	}
	return nil
}

// workOn works on so many folders at once, beginning with the first, and returns those that were put off.
func (r *run) workOn(ctx context.Context, folders []*folderWork, atOnce int) (putOff []*folderWork, err error) {
	// The first have theirs before anyone works, or one that is refused takes the slots of those who hold its session.
	first := min(atOnce, len(folders))
	r.slots = newSlots(atOnce, first)
	var mu sync.Mutex
	g, within := errgroup.WithContext(ctx)
	for i, f := range folders {
		if i >= first && r.slots.take(within) != nil {
			break
		}
		g.Go(func() error {
			defer r.slots.give()
			err := f.finish(within)
			switch {
			case errors.Is(err, errPutOff):
				mu.Lock()
				defer mu.Unlock()
				putOff = append(putOff, f)
				return nil
			case errors.Is(err, ErrStopped):
				return nil // the others finish what they have in flight too
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return putOff, err
	}
	return putOff, context.Cause(ctx)
}

// stopped reports whether the user asked to stop.
func (r *run) stopped() bool {
	select {
	case <-r.job.Stop:
		return true
	default:
		return false
	}
}

// collect gathers what the folders report.
func (r *run) collect() {
	for _, f := range r.folders {
		for _, p := range f.pairs {
			rep := p.folderReport()
			r.report.Folders = append(r.report.Folders, rep)
			r.report.Total.Add(rep.Counts)
		}
	}
	r.report.Problems = r.watch.sorted()
	r.report.Retries = r.watch.retries
	slices.SortFunc(r.report.Folders, func(a, b FolderReport) int { return a.Source.Compare(b.Source) })
	r.report.finish()
}

func (r *Report) finish() { r.Finished = time.Now() }

func (r *run) history(ctx context.Context) error {
	if r.job.DryRun || r.report.Run == 0 {
		return nil
	}
	t := r.report.Total
	summary, err := json.Marshal(map[string]any{
		"found": t.Found, "copied": t.Copied, "already_there": t.Already, "left_out": t.LeftOut,
		"failed": t.Failed, "pending": t.Pending, "expunged": t.Expunged, "bytes": t.Bytes,
	})
	if err != nil {
		return err
	}
	// The history is written even when the run was cancelled.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	flushed := r.ledger.Flush(ctx)
	return ofLedger(cmp.Or(flushed, r.ledger.FinishRun(ctx, r.report.Run, r.report.Finished, summary)))
}

func (t Timing) withDefaults() Timing {
	t.Settle = cmp.Or(t.Settle, 2*time.Second)
	t.SettleMax = cmp.Or(t.SettleMax, time.Minute)
	t.Backoff = cmp.Or(t.Backoff, time.Second)
	t.Attempts = cmp.Or(t.Attempts, 6)
	if t.Sleep == nil {
		t.Sleep = sleep
	}
	return t
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// noLedger stands in for the ledger of a dry run that has none.
type noLedger struct{}

var errReadOnly = errors.New("nothing can be recorded in a dry run")

func (noLedger) Pairs(context.Context) ([]Pair, error) { return nil, nil }
func (noLedger) Records(context.Context, int64, mail.UID, int) ([]Record, error) {
	return nil, nil
}
func (noLedger) Claimed(context.Context, mail.Path, mail.UID) (mail.UIDSet, error) {
	return mail.UIDSet{}, nil
}
func (noLedger) Intents(context.Context, mail.Path) ([]Intent, error)      { return nil, nil }
func (noLedger) Commit(context.Context, Change) error                      { return errReadOnly }
func (noLedger) StartRun(context.Context, time.Time) (int64, error)        { return 0, errReadOnly }
func (noLedger) FinishRun(context.Context, int64, time.Time, []byte) error { return errReadOnly }
func (noLedger) Close() error                                              { return nil }
