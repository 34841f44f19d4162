package transfer

import (
	"context"
	"errors"
	"io"
	"slices"

	"golang.org/x/sync/errgroup"

	"mailferry/transfer/mail"
)

const (
	fetchChunk = 10_000 // messages asked for in one Fetch
	fetchAhead = 256    // messages that wait for the writer
)

// copy moves what the plan asks for: one goroutine reads, one writes, in order of
// UID. Messages that were refused with their keywords go again without.
func (p *pairWork) copy(ctx context.Context) error {
	// The highest UID seen is a bound too, and UIDNEXT has been seen to lie.
	if p.next = p.there.Last() + 1; p.status().UIDNext != 0 {
		p.next = min(p.next, p.status().UIDNext)
	}
	if p.partial {
		p.next = p.status().UIDNext
	}
	if p.run.job.DryRun {
		return nil
	}
	if p.todo.Empty() {
		if err := p.leaveSource(); err != nil {
			return err
		}
		return p.lateFlags(ctx)
	}
	if err := p.pump(ctx, p.todo.Minus(p.plain)); err != nil {
		return err
	}
	if p.unlisted && !p.gone.Empty() {
		p.gone = mail.UIDSet{} // gone, or never there: a listing tells
		return errListAgain
	}
	again := p.todo.Minus(p.todo.Minus(p.plain)).Minus(p.copied)
	for uid := range p.failed {
		again = again.Minus(mail.NewUIDSet(uid))
	}
	return p.pump(ctx, again)
}

func (p *pairWork) pump(ctx context.Context, todo mail.UIDSet) error {
	if todo.Empty() {
		return nil
	}
	if err := p.reopen(ctx); err != nil {
		return err
	}
	readCtx, stopReading := context.WithCancel(ctx)
	defer stopReading()
	items := make(chan *item, fetchAhead)
	var readErr, writeErr error
	var lost losses
	var g errgroup.Group
	g.Go(func() error {
		defer close(items)
		if readErr = p.read(readCtx, todo, items, &lost); readErr == nil {
			readErr = p.leaveSource()
		}
		return nil
	})
	g.Go(func() error {
		if writeErr = p.openForCatchUp(ctx); writeErr == nil {
			writeErr = p.lateFlags(ctx)
		}
		if writeErr == nil {
			writeErr = p.write(ctx, todo, items)
		}
		stopReading()
		for it := range items {
			it.body.Release()
		}
		return nil
	})
	g.Wait()
	p.gone.Union(lost.gone)
	for uid, err := range lost.failed {
		p.fail(uid, 0, err)
	}
	if writeErr != nil {
		return writeErr
	}
	return readErr
}

// leaveSource closes what has been read: another folder can be, while this one's answers are waited for. UIDs of a
// session must not outlive it.
func (p *pairWork) leaveSource() error {
	if p.state.UIDValidity == 0 {
		return nil
	}
	return p.closeSource()
}

// reopen opens the source again if it has been closed. What came there meanwhile is the next run's.
func (p *pairWork) reopen(ctx context.Context) error {
	if p.source != nil {
		return nil
	}
	planned := p.state
	err := p.openSource(ctx)
	now := p.state.UIDValidity
	p.state = planned
	if err == nil && now != planned.UIDValidity {
		err = at(EndSource, &mail.Error{Op: "read", Folder: p.src.Path, Scope: mail.ScopeFolder, Retry: mail.RetrySoon,
			Err: errors.New("uidvalidity changed during the run")})
	}
	return err
}

// read fetches todo and sends it on in ascending order of UID.
func (p *pairWork) read(ctx context.Context, todo mail.UIDSet, out chan<- *item, lost *losses) error {
	n := fetchChunk
	if p.tries > 1 {
		n = 1 // find the message that ends the connection
	}
	rest := todo
	for !rest.Empty() {
		chunk := firstOf(rest, n)
		rest = rest.Minus(upTo(chunk.Last()))
		if p.run.stopped() {
			return ErrStopped
		}
		err := p.readChunk(ctx, chunk, out, lost)
		if err != nil {
			if chunk.Len() == 1 && ctx.Err() == nil {
				p.strike(chunk.First(), err, lost)
			}
			return err
		}
		n = min(2*n, fetchChunk) // past the message, if it was one
	}
	return nil
}

// firstOf returns the first n UIDs of set, in not too many ranges.
func firstOf(set mail.UIDSet, n int) mail.UIDSet {
	for part := range set.Chunks(n, 2000) {
		return part
	}
	return mail.UIDSet{}
}

// errListAgain makes the folder start over at once, with a listing of the source.
var errListAgain = &mail.Error{Op: "fetch", Scope: mail.ScopeFolder, Retry: mail.RetrySoon,
	Err: errors.New("the source does not hold what its status told")}

// maxStruck is how many messages of a folder may end the connection before the folder
// is given up: by then it is not the messages.
const maxStruck = 25

// strike gives up a message that twice ended the connection when it was asked
// for by itself.
func (p *pairWork) strike(uid mail.UID, err error, lost *losses) {
	if endsRun(err) || mail.ErrorOf(err).Retry == mail.RetryLater {
		return // a server that is busy says nothing about the message
	}
	if p.strikes[uid]++; p.strikes[uid] >= 2 {
		lost.fail(uid, err)
		p.struck++
	}
}

// losses is what the reading goroutine could not read.
type losses struct {
	gone   mail.UIDSet
	failed map[mail.UID]error
}

func (l *losses) fail(uid mail.UID, err error) {
	if l.failed == nil {
		l.failed = make(map[mail.UID]error)
	}
	l.failed[uid] = err
}

func (p *pairWork) readChunk(ctx context.Context, chunk mail.UIDSet, out chan<- *item, lost *losses) error {
	missing, err := p.fetch(ctx, chunk, out)
	if err != nil || missing.Empty() {
		return err
	}
	// Asked for once more: is it gone, or does the source withhold it?
	var present mail.UIDSet
	err = p.source.List(ctx, mail.ListOptions{Only: &missing, Flags: true}, func(i mail.Info) error {
		present.Add(i.UID)
		return nil
	})
	if err != nil {
		return at(EndSource, err)
	}
	lost.gone.Union(missing.Minus(present))
	if present.Empty() {
		return nil
	}
	withheld, err := p.fetch(ctx, present, out)
	for uid := range withheld.All() {
		if err == nil {
			lost.fail(uid, at(EndSource, p.whyWithheld(uid)))
		}
	}
	return err
}

// whyWithheld says why a message that is listed does not come.
func (p *pairWork) whyWithheld(uid mail.UID) error {
	if w, ok := p.source.(mail.Withholder); ok {
		if err := w.Withheld(uid); err != nil {
			return err
		}
	}
	return &mail.Error{Op: "fetch", Folder: p.src.Path, UID: uid, Scope: mail.ScopeMessage,
		Retry: mail.RetryNever, Kind: mail.KindDamaged, Err: errors.New("the source lists the message but does not deliver it")}
}

// fetch reads the messages of chunk and returns those that did not come. What
// arrives before its turn waits in files, so that it cannot take the memory that the
// message next in order needs.
func (p *pairWork) fetch(ctx context.Context, chunk mail.UIDSet, out chan<- *item) (missing mail.UIDSet, err error) {
	q := &sequence{due: slices.Collect(chunk.All()), held: make(map[mail.UID]*item), out: out}
	defer q.drop()
	err = p.source.Fetch(ctx, chunk, func(info mail.Info, body io.Reader) error {
		if p.run.stopped() {
			return ErrStopped
		}
		if !q.expects(info.UID) {
			return nil
		}
		it, err := p.run.loader.load(ctx, info, body, info.UID != q.due[0])
		if err != nil {
			return err
		}
		return q.arrive(ctx, it)
	})
	if err != nil {
		return missing, at(EndSource, err)
	}
	return q.release(ctx)
}

// sequence brings the items of one Fetch into order.
type sequence struct {
	due  []mail.UID // not sent on yet, ascending
	held map[mail.UID]*item
	out  chan<- *item
}

func (q *sequence) expects(uid mail.UID) bool {
	_, ok := slices.BinarySearch(q.due, uid)
	return ok && q.held[uid] == nil
}

func (q *sequence) arrive(ctx context.Context, it *item) error {
	q.held[it.info.UID] = it
	for len(q.due) > 0 && q.held[q.due[0]] != nil {
		if err := q.send(ctx, q.held[q.due[0]]); err != nil {
			return err
		}
		q.due = q.due[1:]
	}
	return nil
}

func (q *sequence) send(ctx context.Context, it *item) error {
	select {
	case q.out <- it:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	delete(q.held, it.info.UID)
	return nil
}

// release sends what is held, past the UIDs that did not come, and returns these.
func (q *sequence) release(ctx context.Context) (missing mail.UIDSet, err error) {
	for _, uid := range q.due {
		it := q.held[uid]
		if it == nil {
			missing.Add(uid)
			continue
		}
		if err := q.send(ctx, it); err != nil {
			return missing, err
		}
	}
	return missing, nil
}

// drop frees what was never sent on.
func (q *sequence) drop() {
	for _, it := range q.held {
		it.body.Release()
	}
}
