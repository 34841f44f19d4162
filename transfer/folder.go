package transfer

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"mailferry/transfer/mail"
)

// folderWork brings one destination folder up to date from every source folder
// that feeds it.
type folderWork struct {
	run    *run
	dest   mail.Path
	before mail.Folder // as listed when the run began
	exists bool
	still  bool // seen to stand still when the run began
	made   bool // by this run
	pairs  []*pairWork
	shared bool // the destination is written to on a session that other folders use, too

	// Shared, and the destination is opened when the source has told what changed.
	catchUp bool

	pending []Intent // see intents
	asked   bool

	// Of the current attempt.
	reader  mail.Reader // the destination; nil in a dry run before it exists
	writer  mail.Writer // the same handle; nil in a dry run
	tries   int         // attempts since the last progress
	struck  int         // messages given up because they end the connection
	lastUID mail.UID    // greatest UID that an append in this attempt got
	round   int         // counts attempts
	base    int         // messages at the first plan of this attempt; -1: none yet
	from    mail.UID    // where this attempt's messages begin if nobody else's come
	added   int         // messages this attempt added
	placed  int         // of these, at a known place
}

func (f *folderWork) messages() (n int) {
	for _, p := range f.pairs {
		if p.src.Status != nil {
			n += int(p.src.Status.Messages)
		}
	}
	return n
}

// expected is about how much mail will be copied, in octets.
func (f *folderWork) expected() (n int64) {
	const typical = 50 << 10 // octets of a message
	for _, p := range f.pairs {
		st := p.src.Status
		if st == nil || st.Messages == 0 {
			continue
		}
		messages, average := int64(st.Messages), int64(typical)
		if st.Bytes >= 0 {
			average = st.Bytes / messages
		}
		if p.pair.Complete && p.incremental(*st) {
			messages = min(messages, int64(st.UIDNext-p.pair.SourceState.UIDNext))
		}
		n += messages * average
	}
	return n
}

// finish works on the folder until it is done or given up. Its error is one
// that ends the run, or errPutOff.
func (f *folderWork) finish(ctx context.Context) error {
	defer dropHeadStarts([]*folderWork{f}) // others wait for the session
	if f.pairs[0].err != nil {
		f.announce()
		return nil
	}
	if f.round == 0 && f.unchanged(ctx) { // or it has been worked on, and put off
		f.announce()
		return nil
	}
	err := f.keepTrying(ctx)
	if errors.Is(err, errPutOff) {
		return err
	}
	for _, p := range f.pairs {
		if err != nil && !p.done {
			p.err = err
		}
	}
	f.announce()
	if err != nil && (endsRun(err) || cannotOpen(err)) {
		return err
	}
	return nil
}

// keepTrying is retry as resume in the small: every attempt starts from what
// the ledger says. Attempts count from the last one that moved a message.
func (f *folderWork) keepTrying(ctx context.Context) error {
	for {
		progress, given := f.progress(), f.run.slots.given.Load()
		err := f.attempt(ctx)
		if err == nil || endsRun(err) || ctx.Err() != nil {
			return err
		}
		if f.progress() > progress {
			f.tries = 0
		}
		f.tries++
		e := mail.ErrorOf(err)
		if e.Retry == mail.RetryNever || f.tries >= f.run.job.Timing.Attempts || f.struck >= maxStruck {
			return err
		}
		if err := f.waitForRoom(ctx, given, e, err); err != nil {
			return err
		}
		if f.shared {
			f.shared, f.catchUp = false, false
			return errPutOff
		}
	}
}

// errPutOff leaves a folder for when the others are done: from now on it takes a session of its own.
var errPutOff = errors.New("put off")

// canShare reports whether all there is to do is to append to an empty folder that no run has sent
// anything to.
func (f *folderWork) canShare(ctx context.Context) bool {
	r := f.run
	if r.job.DryRun || r.job.Full || !r.job.Dest.Traits().Appenders || len(f.pairs) != 1 || f.before.Status == nil || f.before.Status.Messages > 0 {
		return false
	}
	p := f.pairs[0]
	if p.err != nil || p.pair.ID == 0 || !p.pair.Adopted || p.pair.SourceState.UIDNext != 0 || f.unknownPast() {
		return false
	}
	intents, err := f.intents(ctx)
	return err == nil && len(intents) == 0
}

// waitForRoom waits until another folder is through, where the server wants fewer connections than there are: that
// is no fault of this folder's. Otherwise it is pause.
func (f *folderWork) waitForRoom(ctx context.Context, given int64, e *mail.Error, cause error) error {
	if e.Kind != mail.KindLimit {
		return f.pause(ctx, e, cause)
	}
	tries := f.tries
	traded, err := f.run.slots.trade(ctx, given)
	if err != nil {
		return err
	}
	if !traded {
		return f.pause(ctx, e, cause)
	}
	f.tries = tries - 1
	if e.After > 0 { // the server says when
		return f.pause(ctx, e, cause)
	}
	f.run.watch.retry(f.pairs[0].src.Path, tries, 0, false, cause)
	return nil
}

// pause waits before the next attempt: as long as the server asked, otherwise
// longer each time, with jitter so that connections do not return in step.
func (f *folderWork) pause(ctx context.Context, e *mail.Error, err error) error {
	if errors.Is(err, errLookAgain) || errors.Is(err, errListAgain) || e.Kind == mail.KindSession {
		return nil
	}
	wait := e.After
	if wait == 0 {
		wait = min(f.run.job.Timing.Backoff<<min(f.tries-1, 10), 5*time.Minute)
		wait += time.Duration(rand.Int64N(int64(wait)/4 + 1))
	}
	f.run.watch.retry(f.pairs[0].src.Path, f.tries, wait, e.After > 0, err)
	return f.run.pause(ctx, wait)
}

// pause sleeps, unless the user asks to stop.
func (r *run) pause(ctx context.Context, d time.Duration) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	waiting := make(chan struct{})
	go func() {
		defer close(waiting)
		select {
		case <-r.job.Stop:
			cancel(ErrStopped)
		case <-ctx.Done():
		}
	}()
	err := r.job.Timing.Sleep(ctx, d)
	cancel(nil)
	<-waiting
	return err
}

// progress grows with every message whose fate is settled.
func (f *folderWork) progress() (n int) {
	for _, p := range f.pairs {
		n += p.copied.Len() + p.adopted.Len() + p.gone.Len() + len(p.failed)
	}
	return n
}

// unchanged counts every message of a folder that is finished as there.
func (f *folderWork) unchanged(ctx context.Context) bool {
	if !f.finished(ctx) {
		return false
	}
	for _, p := range f.pairs {
		p.unopened, p.done = true, true
		p.listed, p.already = true, int(p.src.Status.Messages)
	}
	return true
}

// finished reports whether nothing can have changed at either end since a run that left
// nothing over.
func (f *folderWork) finished(ctx context.Context) bool {
	if f.run.job.Full || !f.exists || f.before.Status == nil {
		return false
	}
	for _, p := range f.pairs {
		if !p.unchanged(f.before.Status) {
			return false
		}
	}
	intents, err := f.intents(ctx)
	return err == nil && len(intents) == 0
}

// intents are those that are open at the destination. Until this run writes its own they stay the same.
func (f *folderWork) intents(ctx context.Context) ([]Intent, error) {
	if f.round > 1 || !f.asked {
		pending, err := f.run.ledger.Intents(ctx, f.dest)
		if err != nil {
			return nil, ofLedger(err)
		}
		f.pending, f.asked = pending, true
	}
	return f.pending, nil
}

func (f *folderWork) announce() {
	for _, p := range f.pairs {
		f.run.watch.send(EventFolder{p.folderReport()})
	}
}

// attempt works through the folder once, from opening both handles to closing them.
func (f *folderWork) attempt(ctx context.Context) (err error) {
	if f.run.stopped() {
		return ErrStopped
	}
	defer func() {
		if cerr := f.close(); err == nil && cerr != nil {
			err = cerr
		}
	}()
	if err := f.open(ctx); err != nil {
		return err
	}
	f.lastUID, f.base, f.added, f.placed = 0, -1, 0, 0
	f.round++
	if err := f.voidStale(ctx); err != nil {
		return err
	}
	if err := f.standStill(ctx); err != nil {
		return err
	}
	for _, p := range f.pairs {
		if p.done {
			continue
		}
		if err := p.attempt(ctx); err != nil {
			return err
		}
	}
	return nil
}

// open opens the destination and, beside it, the first source folder.
func (f *folderWork) open(ctx context.Context) error {
	var g errgroup.Group
	var destErr, sourceErr error
	if !f.catchUp {
		g.Go(func() error {
			destErr = at(EndDest, opening(f.openDest(ctx)))
			return nil
		})
	}
	if i := slices.IndexFunc(f.pairs, func(p *pairWork) bool { return !p.done }); i >= 0 {
		g.Go(func() error {
			sourceErr = f.pairs[i].openSource(ctx)
			return nil
		})
	}
	g.Wait()
	return cmp.Or(destErr, sourceErr)
}

func (f *folderWork) openDest(ctx context.Context) (err error) {
	f.reader, f.writer = nil, nil
	if !f.run.job.DryRun {
		if to, ok := f.run.job.Dest.(mail.AppendStore); ok && f.shared {
			f.writer, err = to.OpenAppender(ctx, f.dest, f.expected())
		} else {
			f.writer, err = f.run.job.Dest.OpenWriter(ctx, f.dest)
		}
		if err == nil {
			f.reader = f.writer
		}
		return err
	}
	if f.exists {
		f.reader, err = f.run.job.Dest.OpenReader(ctx, f.dest)
	}
	return err
}

// close closes whatever is open.
func (f *folderWork) close() (err error) {
	for _, p := range f.pairs {
		err = cmp.Or(err, p.closeSource())
	}
	if f.reader != nil {
		err = cmp.Or(err, at(EndDest, f.reader.Close()))
		f.reader, f.writer = nil, nil
	}
	return err
}

// status is the destination folder's, as of the opening. A folder that is not
// open for writing does not tell what it can store: a dry run takes it to be everything.
func (f *folderWork) status() mail.Status {
	var st mail.Status
	switch {
	case f.reader != nil:
		st = f.reader.Status()
	case f.catchUp:
		st = *f.before.Status
	}
	if f.writer == nil {
		st.AnyKeyword, st.Permanent = true, mail.NewFlags(mail.Seen, mail.Answered, mail.Flagged, mail.Deleted, mail.Draft)
	}
	return st
}

// refresh asks for the folder's state. A UIDVALIDITY other than at the opening
// means that the folder has been replaced: nothing this handle told holds any more.
func (f *folderWork) refresh(ctx context.Context) (mail.Status, error) {
	now, err := f.writer.Refresh(ctx)
	if err != nil {
		return now, at(EndDest, err)
	}
	if now.UIDValidity != f.writer.Status().UIDValidity {
		return now, at(EndDest, &mail.Error{Op: "write to", Folder: f.dest, Scope: mail.ScopeFolder, Retry: mail.RetrySoon,
			Err: errors.New("the folder was replaced by another of its name")})
	}
	return now, nil
}

// voidStale voids the records of every pair with this destination that were made
// under another UIDVALIDITY, before any of them matches: the UIDs of one would hide what
// another has to find. Without a lasting UIDVALIDITY that is so in each session.
func (f *folderWork) voidStale(ctx context.Context) error {
	if f.writer == nil {
		return nil
	}
	now := f.writer.Status().UIDValidity
	recorded := f.run.recorded[f.dest] // as the run began: what this one adds is known to be new
	if f.round > 1 {
		var err error
		if recorded, err = f.run.ledger.Pairs(ctx); err != nil {
			return ofLedger(err)
		}
	}
	for _, old := range recorded {
		if old.Dest != f.dest || now != 0 && old.DestState.UIDValidity == now && !shrunk(f.status(), old.DestState) {
			continue
		}
		fresh := Pair{ID: old.ID, Source: old.Source, Dest: old.Dest, Subscribed: old.Subscribed,
			SourceState: mail.Status{UIDValidity: old.SourceState.UIDValidity}, DestState: mail.Status{UIDValidity: now}}
		void := fresh
		if err := f.run.ledger.Commit(ctx, Change{Void: &void, Pair: &fresh}); err != nil {
			return ofLedger(err)
		}
		f.asked = false
		for _, p := range f.pairs {
			if p.pair.ID == old.ID {
				p.pair, p.done, p.concluded = fresh, false, false
				p.copied, p.adopted = mail.UIDSet{}, mail.UIDSet{}
				p.doubtRefusals()
			}
		}
	}
	return nil
}

// unknownPast reports whether a run whose ledger is lost may have been sending
// to this folder a moment ago. Runs make every folder before they send anything,
// so a folder that had to be made tells that there was no such run, as long as
// the account holds no mail.
func (f *folderWork) unknownPast() bool {
	if f.tries == 0 && (f.made || f.run.fresh) {
		return false
	}
	for _, p := range f.pairs {
		if !p.pair.Adopted {
			return true
		}
	}
	return false
}

// standStill waits, when messages may still be on their way from an earlier
// connection, until the folder has stopped growing: servers go on executing the
// APPENDs of a connection that is gone.
func (f *folderWork) standStill(ctx context.Context) error {
	still := f.still
	f.still = false // a later attempt may have left messages on their way itself
	if f.writer == nil {
		return nil
	}
	intents, err := f.intents(ctx)
	if err != nil {
		return err
	}
	if still || len(intents) == 0 && !f.unknownPast() {
		return nil
	}
	t := f.run.job.Timing
	last, err := f.refresh(ctx)
	if err != nil {
		return err
	}
	step := max(t.Settle/4, time.Millisecond)
	for still, total := time.Duration(0), time.Duration(0); still < t.Settle; total += step {
		if total >= t.SettleMax {
			return at(EndDest, &mail.Error{Op: "wait for earlier appends to", Folder: f.dest, Scope: mail.ScopeFolder,
				Retry: mail.RetryLater, Err: errors.New("the folder keeps growing")})
		}
		if err := f.run.pause(ctx, step); err != nil {
			return err
		}
		now, err := f.refresh(ctx)
		if err != nil {
			return err
		}
		if still += step; now.UIDNext != last.UIDNext || now.Messages != last.Messages {
			still, last = 0, now
		}
	}
	return nil
}
