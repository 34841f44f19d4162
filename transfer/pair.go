package transfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"mailferry/transfer/mail"
)

// pairWork is one source folder on its way to its destination folder.
type pairWork struct {
	*folderWork
	src  mail.Folder
	pair Pair

	// What this run has done, over all attempts.
	copied      mail.UIDSet
	adopted     mail.UIDSet
	sentAll     mail.UIDSet // handed to the destination, whatever came of it
	gone        mail.UIDSet // listed, but vanished before it could be read
	failed      map[mail.UID]error
	refused     map[mail.UID]error // refused once, and not yet found out whether it is there all the same
	refusedSize map[mail.UID]int64
	plain       mail.UIDSet      // refused with its keywords, so sent without
	doubt       mail.UIDSet      // see matching.doubtful
	validity    uint32           // of the source, as first opened
	seen        bool             // the source has been opened
	strikes     map[mail.UID]int // how often reading this message alone ended the connection
	counts      Counts           // those that are neither sets nor of one attempt
	done        bool
	err         error

	// What the last attempt found.
	early    *headStart  // what was opened before it was its turn; nil: nothing, or it has been taken
	source   mail.Reader // nil once everything has been read
	state    mail.Status // the source's, as of the opening
	listed   bool        // the plan is complete
	found    int         // messages the source listed
	absent   int         // copied earlier in this run, or gone, and not listed any more
	already  int
	unplaced int         // of these, at an unknown place
	appended int         // records of what this ledger's runs put there
	there    mail.UIDSet // what the destination holds
	partial  bool        // only what changed was listed: there is empty
	unlisted bool        // everything was planned without a listing
	leftOut  map[Reason]int
	todo     mail.UIDSet
	expunge  map[mail.UID]mail.UID // source UID -> destination UID, for --mirror
	unopened bool
	dry      []Record // in a dry run: what adoption would record

	dryReflagged, dryDropped int // in a dry run: counts of the last plan

	strays  bool      // the archive may have of this folder what no record names and the source has no longer
	blank   bool      // made by this run, which has recorded nothing of its messages
	voided  bool      // in a dry run: the ledger's records do not count
	next    mail.UID  // no message sent from now on gets a smaller UID
	unset   bool      // flags that the destination refused
	late    *executor // of the last plan: the flags that are still to be carried over; nil: none
	bases   []Record  // whose flags have been carried over, which is not recorded yet
	suspect bool      // so much vanished from the source that the archive keeps it current

	concluded bool        // the work went to its end in this run
	opened    mail.Status // the destination's, as of the opening of that attempt
	ended     int         // the attempt in which it did
}

func newPairWork(f *folderWork, src mail.Folder, pair Pair) *pairWork {
	return &pairWork{folderWork: f, src: src, pair: pair,
		failed: make(map[mail.UID]error), refused: make(map[mail.UID]error), refusedSize: make(map[mail.UID]int64), strikes: make(map[mail.UID]int)}
}

// startOver forgets what is known by the source's UIDs.
func (p *pairWork) startOver() {
	p.copied, p.adopted, p.sentAll, p.gone = mail.UIDSet{}, mail.UIDSet{}, mail.UIDSet{}, mail.UIDSet{}
	p.plain, p.doubt = mail.UIDSet{}, mail.UIDSet{}
	clear(p.failed)
	clear(p.strikes)
	p.doubtRefusals()
}

// doubtRefusals makes messages that were refused be looked for with all the others: the intents that told
// where are void.
func (p *pairWork) doubtRefusals() {
	clear(p.refused)
	clear(p.refusedSize)
}

// filterText changes whenever a run could come to another result than the last
// one although nothing changed at either end.
func (p *pairWork) filterText() string {
	j := p.run.job
	return fmt.Sprintf("%d %d %d %s %t", unixOrZero(j.Filter.Since), unixOrZero(j.Filter.Before), j.Filter.MaxSize, j.Flags, j.Mirror)
}

func (p *pairWork) unchanged(dest *mail.Status) bool {
	s := p.src.Status
	return s != nil && p.pair.ID != 0 && p.pair.Adopted && p.pair.Complete && p.pair.Filter == p.filterText() &&
		s.HighestModSeq != 0 && s.HighestModSeq == p.pair.SourceState.HighestModSeq &&
		sameMessages(*s, p.pair.SourceState) && sameMessages(*dest, p.pair.DestState) &&
		(p.run.job.Flags != FlagsSource || dest.HighestModSeq != 0 && dest.HighestModSeq == p.pair.DestState.HighestModSeq)
}

// sameMessages compares what changes with every message that comes or goes.
func sameMessages(a, b mail.Status) bool {
	return a.UIDValidity != 0 && a.UIDNext != 0 &&
		a.UIDValidity == b.UIDValidity && a.UIDNext == b.UIDNext && a.Messages == b.Messages
}

// attempt brings the pair up to date. The destination is open.
func (p *pairWork) attempt(ctx context.Context) (err error) {
	if err := p.openSource(ctx); err != nil {
		return err
	}
	defer func() {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		err = cmp.Or(err, p.saveBases(late), p.closeSource())
	}()
	for _, stage := range []func(context.Context) error{
		p.checkValidity, p.settle, p.review, p.plan, p.adopt, p.copy, p.markStrays, p.saveBases, p.conclude,
	} {
		if err := stage(ctx); err != nil {
			return err
		}
	}
	p.done = true
	return nil
}

func (p *pairWork) openSource(ctx context.Context) error {
	if p.source != nil {
		return nil
	}
	if h := p.early; h != nil {
		p.early = nil
		p.source = h.take(ctx)
	}
	if p.source == nil {
		source, err := p.openAhead(ctx)
		if err != nil {
			return at(EndSource, opening(err))
		}
		p.source = source
	}
	p.state = p.source.Status()
	return nil
}

// openAhead tells the source what will be asked, where that can be foreseen.
func (p *pairWork) openAhead(ctx context.Context) (mail.Reader, error) {
	ahead, ok := p.run.job.Source.(mail.AheadSource)
	if !ok || p.round > 0 || p.tries > 0 || p.run.job.Full || p.run.job.DryRun {
		return p.run.job.Source.OpenReader(ctx, p.src.Path)
	}
	if p.wholeAhead() {
		return ahead.OpenReaderAhead(ctx, p.src.Path, nil, 1)
	}
	now, dest := p.src.Status, p.before.Status
	switch {
	case now == nil || dest == nil:
	case p.pair.Complete && p.incremental(*now) && sameMessages(*dest, p.pair.DestState):
		opts := p.changesSince()
		return ahead.OpenReaderAhead(ctx, p.src.Path, &opts, p.newAhead(*now))
	}
	return p.run.job.Source.OpenReader(ctx, p.src.Path)
}

// aheadOctets is how much new mail is asked for together with the listing. What comes before the listing has ended has
// to be held in memory, or comes a second time.
const aheadOctets = 1 << 20

// newAhead returns the UID from which on new mail is asked for ahead; 0 unless it is known to be little: with nothing
// expunged, a folder has grown by what is new.
func (p *pairWork) newAhead(now mail.Status) mail.UID {
	before := p.pair.SourceState
	added := int64(now.UIDNext) - int64(before.UIDNext)
	octets := now.Bytes - before.Bytes
	if added <= 0 || int64(now.Messages)-int64(before.Messages) != added || now.Bytes < 0 || before.Bytes < 0 || octets > aheadOctets {
		return 0
	}
	return before.UIDNext
}

// wholeAhead foresees planAll: a folder without gaps goes over whole.
func (p *pairWork) wholeAhead() bool {
	now, dest := p.src.Status, p.before.Status
	lacking := !p.exists && !p.made || dest != nil && dest.Messages == 0
	return lacking && now != nil && p.pair.SourceState.UIDNext == 0 && withoutGaps(*now) &&
		now.Messages <= fetchChunk && !p.run.job.Filter.byMessage()
}

func (p *pairWork) closeSource() error {
	if p.source == nil {
		return nil
	}
	source := p.source
	p.source = nil
	return at(EndSource, source.Close())
}

// checkValidity voids the records when the UIDs of either end have lost their
// meaning (RFC 9051 section 2.3.1.1). A UIDNEXT that has shrunk tells the same: a server
// restored from its backup gives UIDs away a second time.
func (p *pairWork) checkValidity(ctx context.Context) error {
	src, dst := p.state.UIDValidity, p.status().UIDValidity
	if p.validity != 0 && src != p.validity {
		return at(EndSource, &mail.Error{Op: "read", Folder: p.src.Path, Scope: mail.ScopeFolder, Retry: mail.RetryNever,
			Hint: "run again", Err: errors.New("uidvalidity changed during the run")})
	}
	if src == 0 && p.seen {
		p.startOver() // the UIDs of the last session mean nothing any more
	}
	p.validity, p.seen = src, true
	same := p.pair.ID != 0 && src != 0 && dst != 0 &&
		p.pair.SourceState.UIDValidity == src && p.pair.DestState.UIDValidity == dst
	if same && !shrunk(p.state, p.pair.SourceState) && !shrunk(p.status(), p.pair.DestState) {
		return nil
	}
	fresh := Pair{ID: p.pair.ID, Source: p.src.Path, Dest: p.dest, Subscribed: p.pair.Subscribed,
		SourceState: mail.Status{UIDValidity: src}, DestState: mail.Status{UIDValidity: dst}}
	if p.run.job.DryRun {
		p.pair, p.voided, p.dry = fresh, true, nil
		return nil
	}
	change := Change{Pair: &fresh}
	if fresh.ID != 0 {
		void := fresh
		change.Void = &void
	}
	if err := p.run.ledger.Commit(ctx, change); err != nil {
		return ofLedger(err)
	}
	p.pair, p.asked = fresh, false
	p.doubtRefusals()
	return nil
}

func shrunk(now, before mail.Status) bool {
	return now.UIDNext != 0 && now.UIDNext < before.UIDNext
}

// folderReport adds up what the run knows of the pair.
func (p *pairWork) folderReport() FolderReport {
	c := p.counts
	c.LeftOut = nil
	for reason, n := range p.leftOut {
		c.leave(reason, n)
	}
	if n := p.gone.Len(); n > 0 {
		c.leave(ReasonGone, n)
	}
	c.Reflagged, c.FlagsDropped = c.Reflagged+p.dryReflagged, c.FlagsDropped+p.dryDropped
	c.Copied, c.Already, c.Failed, c.Adopted = p.copied.Len(), p.already, len(p.failed), p.adopted.Len()
	rest := p.todo.Minus(p.copied).Minus(p.gone)
	unsettled := 0
	for uid := range rest.All() {
		if p.failed[uid] == nil {
			unsettled++
		}
	}
	if !p.listed && p.src.Status != nil {
		unsettled = max(0, int(p.src.Status.Messages)-c.Copied-c.Already-c.Failed-c.Out())
	}
	switch {
	case p.run.job.DryRun:
		c.Copied += unsettled
	case p.err != nil && !endsRun(p.err):
		c.Failed += unsettled
	default:
		c.Pending += unsettled
	}
	c.Found = c.Copied + c.Already + c.Out() + c.Failed + c.Pending
	if listed := p.found + p.absent; p.listed && !p.unopened && listed != c.Found && p.err == nil {
		p.err = fmt.Errorf("%d messages were listed, but the account is of %d", listed, c.Found)
	}
	return FolderReport{Source: p.src.Path, Dest: p.dest, Created: p.made || p.run.job.DryRun && !p.exists,
		Unopened: p.unopened, Counts: c, Err: p.err}
}

func (p *pairWork) fail(uid mail.UID, size int64, err error) {
	p.failed[uid] = err
	p.run.watch.problem(Problem{Kind: ProblemFailed, Folder: p.src.Path, Dest: p.dest, UID: uid, Size: size, Err: err})
}
