package transfer

import (
	"context"
	"errors"
	"time"

	"mailferry/transfer/mail"
)

// errLookAgain makes the folder start over at once: the destination holds messages
// that nobody told of, perhaps one it claims to have refused.
var errLookAgain = &mail.Error{Op: "append", Scope: mail.ScopeFolder, Retry: mail.RetrySoon,
	Err: errors.New("the destination holds a message it did not confirm")}

// spaceStrikes is how many messages in a row a full destination may refuse
// before the folder is given up.
const spaceStrikes = 3

// checkEvery is how many messages without a plain answer are looked after at once.
const checkEvery = 100

// writing is the state of the goroutine that appends.
type writing struct {
	*pairWork
	journal *journal
	flight  []*sent  // sent, not answered, in order
	silent  []*sent  // confirmed without a place
	unsure  []*sent  // nobody knows
	denied  []*sent  // refused; whether that is true has not been looked at
	full    int      // messages in a row refused for want of space
	last    mail.UID // greatest UID the destination told
}

// sent is one message and what became of it.
type sent struct {
	*item
	cover   *cover
	msg     mail.Message
	dropped int // flags that cannot go with it
	uid     mail.UID
	err     error
	called  bool
}

// write appends what comes in: intent, append, record. Answers are taken as they
// come; only what the destination does not tell, or refuses, makes it wait for all of them.
// What is confirmed is recorded even when the work ends with an error.
func (p *pairWork) write(ctx context.Context, todo mail.UIDSet, in <-chan *item) (err error) {
	w := &writing{pairWork: p, journal: &journal{ledger: p.run.ledger, pair: p.pair.ID,
		validity: p.pair.DestState.UIDValidity, next: p.next, size: p.run.job.Batch, rest: todo.Clone(), records: p.bases}}
	p.bases, p.blank = nil, false
	if p.sourced() {
		w.journal.sourced = &cover{}
	}
	defer func() {
		// The intents that could not be settled stay open and are looked after next time.
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		if cerr := w.journal.finish(late); err == nil {
			err = cerr
		}
	}()
	for {
		it, err := w.receive(ctx, in)
		if err != nil {
			return err
		}
		if it == nil {
			return w.check(ctx)
		}
		if err := w.send(ctx, it); err != nil {
			return err
		}
		if err := w.answers(ctx); err != nil {
			return err
		}
	}
}

// receive waits for the next item; nil at the end. While somebody waits for the memory that
// the messages on their way hold, it does not wait with them unanswered.
func (w *writing) receive(ctx context.Context, in <-chan *item) (*item, error) {
	for {
		select {
		case it := <-in:
			return it, nil
		default:
		}
		var starving <-chan struct{}
		if len(w.flight) > 0 {
			hungry, cry := w.run.loader.memory.hunger()
			if hungry {
				if err := w.flush(ctx); err != nil {
					return nil, err
				}
				continue
			}
			starving = cry
			if p, ok := w.writer.(mail.Pusher); ok {
				if err := p.Push(ctx); err != nil {
					return nil, w.broken(err)
				}
			}
		}
		select {
		case it := <-in:
			return it, nil
		case <-starving:
		}
	}
}

// send hands one message over, once its intent is durable.
func (w *writing) send(ctx context.Context, it *item) error {
	c, err := w.journal.cover(ctx, it.info.UID)
	if err != nil {
		it.body.Release()
		return err
	}
	s := &sent{item: it, cover: c, msg: mail.Message{InternalDate: it.info.InternalDate, Body: it.body}}
	c.open++
	w.sentAll.Add(it.info.UID)
	var dropped int
	s.msg.Flags, dropped = forNewCopy(w.flagsFor(s), w.status(), w.run.job.Dest.Traits().AutoExpunge)
	s.dropped += dropped
	s.msg.Origin = mail.Origin{Source: w.run.job.Source.String(), Folder: w.src.Path,
		UIDValidity: w.state.UIDValidity, UID: s.info.UID}
	w.flight = append(w.flight, s)
	err = w.writer.Append(ctx, &s.msg, func(uid mail.UID, err error) { s.uid, s.err, s.called = uid, err, true })
	if err != nil {
		return w.broken(err)
	}
	return nil
}

func (w *writing) flush(ctx context.Context) error {
	if err := w.writer.Flush(ctx); err != nil {
		return w.broken(err)
	}
	return w.answers(ctx)
}

// broken takes in what was answered before the handle failed. Nothing more can be
// asked: what was confirmed without a place, or not at all, stays under its intent.
func (w *writing) broken(err error) error {
	w.take()
	return at(EndDest, err)
}

// answers takes in what was answered and looks after what the answers leave open.
func (w *writing) answers(ctx context.Context) error {
	w.take()
	if len(w.unsure) > 0 || w.full >= spaceStrikes || len(w.silent)+len(w.denied) >= checkEvery {
		return w.check(ctx)
	}
	return w.journal.save(ctx)
}

// take sorts the messages that were answered into recorded, refused and unsure, in the
// order in which they were sent.
func (w *writing) take() {
	for len(w.flight) > 0 && w.flight[0].called {
		s := w.flight[0]
		w.flight = w.flight[1:]
		switch {
		case s.err != nil && mail.ErrorOf(s.err).Uncertain:
			w.unsure = append(w.unsure, s)
		case s.err != nil:
			w.denied = append(w.denied, s)
			w.refuse(s)
		case s.uid == 0 || s.uid < w.next || s.uid <= w.last:
			w.silent = append(w.silent, s)
		default:
			w.last = s.uid
			w.confirm(s, s.uid)
		}
	}
}

// check waits for every answer and finds out what the destination did not tell. Messages
// confirmed without a UID stay under their intent until then: recorded without their
// place, the copy could be taken for that of an equal message.
func (w *writing) check(ctx context.Context) error {
	if err := w.writer.Flush(ctx); err != nil {
		return w.broken(err)
	}
	w.take()
	from := w.next // finding what was silent moves it
	if len(w.silent) > 0 {
		if err := w.findSilent(ctx); err != nil {
			return err
		}
	}
	if len(w.unsure) > 0 || len(w.flight) > 0 {
		return unsureError(append(w.unsure, w.flight...))
	}
	if len(w.denied) > 0 {
		strangers, err := w.strangers(ctx, from)
		if err != nil {
			return err
		}
		if strangers {
			return errLookAgain
		}
		w.believeRefusals()
	}
	if w.full >= spaceStrikes {
		return at(EndDest, &mail.Error{Op: "append to", Folder: w.dest, Scope: mail.ScopeFolder, Retry: mail.RetryNever,
			Kind: mail.KindSpace, Hint: "make room at the destination and run again", Err: errors.New("the destination is full")})
	}
	return nil
}

func (w *writing) flagsFor(s *sent) mail.Flags {
	if !w.plain.Contains(s.info.UID) {
		return s.info.Flags
	}
	system := s.info.Flags.Filter(mail.IsSystem)
	s.dropped = len(s.info.Flags) - len(system)
	return system
}

// unsureError is the error of the first message whose fate is unknown, in a
// scope that makes the folder start over.
func unsureError(unsure []*sent) error {
	e := mail.Error{Op: "append"}
	if unsure[0].err != nil {
		e = *mail.ErrorOf(unsure[0].err)
	}
	e.Scope, e.Uncertain = mail.ScopeFolder, true
	if e.Retry == mail.RetryNever || e.Retry == 0 {
		e.Retry = mail.RetrySoon
	}
	if e.Err == nil {
		e.Err = errors.New("the destination did not say what became of the message")
	}
	return at(EndDest, &e)
}

func (w *writing) confirm(s *sent, uid mail.UID) {
	w.full = 0
	src := s.info.UID
	w.journal.record(Record{Source: src, Dest: uid, Appended: true, Base: s.info.Flags}, s.info.Size)
	s.cover.open--
	w.copied.Add(src)
	w.lastUID = max(w.lastUID, uid)
	w.added++
	if uid != 0 {
		w.placed++
	}
	w.counts.Bytes += s.info.Size
	w.counts.FlagsDropped += s.dropped
	delete(w.refused, src)
	if w.doubt.Contains(src) {
		w.counts.InDoubt++
		w.run.watch.problem(Problem{Kind: ProblemInDoubt, Folder: w.src.Path, Dest: w.dest, UID: src, Size: s.info.Size,
			Err: errors.New("copied, though the destination held a message with the same header")})
	}
	w.run.watch.send(EventCopied{Folder: w.src.Path, Messages: 1, Bytes: s.info.Size})
}

// refuse notes a refusal. It is believed only when the destination turns out
// not to hold the message.
func (w *writing) refuse(s *sent) {
	e := mail.ErrorOf(s.err)
	if e.Kind == mail.KindSpace {
		w.full++
	}
	keywords := len(s.msg.Flags.Filter(mail.IsSystem)) < len(s.msg.Flags)
	if keywords && e.Kind != mail.KindSpace && !w.plain.Contains(s.info.UID) {
		w.plain.Add(s.info.UID)
		return
	}
	w.refused[s.info.UID] = at(EndDest, s.err)
	w.refusedSize[s.info.UID] = s.info.Size
}

func (w *writing) believeRefusals() {
	for uid, err := range w.refused {
		w.fail(uid, w.refusedSize[uid], err)
	}
	clear(w.refused)
	for _, s := range w.denied {
		s.cover.open--
	}
	w.denied = nil
}

// strangers reports whether the destination holds messages, from a UID on, that no
// record accounts for.
func (w *writing) strangers(ctx context.Context, from mail.UID) (bool, error) {
	known, err := w.known(ctx, from)
	if err != nil {
		return false, err
	}
	found := false
	err = w.writer.List(ctx, mail.ListOptions{From: from}, func(i mail.Info) error {
		found = found || !known.Contains(i.UID)
		return nil
	})
	return found, at(EndDest, err)
}

// known returns the destination UIDs that records, committed or not, name.
func (w *writing) known(ctx context.Context, from mail.UID) (mail.UIDSet, error) {
	if err := w.journal.wait(); err != nil {
		return mail.UIDSet{}, err
	}
	known, err := w.claimed(ctx, from)
	if err != nil {
		return known, err
	}
	known = known.Clone()
	for _, r := range w.journal.records {
		known.Add(r.Dest)
	}
	return known, nil
}

// findSilent finds the UIDs of messages that were confirmed without one. A
// message that cannot be found is recorded all the same: it was confirmed.
func (w *writing) findSilent(ctx context.Context) error {
	known, err := w.known(ctx, w.next)
	if err != nil {
		return err
	}
	dst, err := candidates(ctx, w.writer, mail.ListOptions{From: w.next}, known)
	if err != nil {
		return at(EndDest, err)
	}
	silent := w.silent
	w.silent = nil
	found, err := w.matchSilent(ctx, silent, dst)
	if err != nil {
		return at(EndDest, err)
	}
	bySource := make(map[mail.UID]*sent)
	for _, s := range silent {
		bySource[s.info.UID] = s
	}
	for _, pair := range found.pairs {
		w.confirm(bySource[pair.src.uid], pair.dst.uid)
		w.next = max(w.next, pair.dst.uid+1)
		delete(bySource, pair.src.uid)
	}
	w.journal.next = w.next
	for _, s := range silent {
		if bySource[s.info.UID] != nil {
			w.confirm(s, 0)
		}
	}
	return nil
}

func (w *writing) matchSilent(ctx context.Context, silent []*sent, dst []candidate) (matching, error) {
	var src []candidate
	sums := make(map[mail.UID]digest)
	for _, s := range silent {
		c := candidate{uid: s.info.UID, size: s.info.Size, flags: s.info.Flags}
		if s.looks != nil {
			c.key, sums[s.info.UID] = s.looks.key, s.looks.digest
		}
		src = append(src, c)
	}
	m := matcher{sizes: w.sizesCompare(),
		srcHash: func(context.Context, mail.UIDSet) (map[mail.UID]digest, error) { return sums, nil },
		dstHash: func(ctx context.Context, uids mail.UIDSet) (map[mail.UID]digest, error) {
			return digests(ctx, w.writer, uids)
		},
	}
	return m.match(ctx, src, dst)
}
