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

// writing is the state of the goroutine that appends.
type writing struct {
	*pairWork
	records []Record // appended, not committed yet
	settle  []int64  // intents that the next commit settles
	full    int      // messages in a row refused for want of space
	last    mail.UID // greatest UID the destination told
}

// sent is one message of a batch and what became of it.
type sent struct {
	*item
	flags   mail.Flags
	dropped int // flags that cannot go with it
	uid     mail.UID
	err     error
	called  bool
}

// write appends what comes in, batch by batch: intent, append, flush, record.
// The record of one batch and the intent of the next are one commit while more is
// waiting. What is confirmed is recorded even when the work ends with an error.
func (p *pairWork) write(ctx context.Context, in <-chan *item) (err error) {
	w := &writing{pairWork: p}
	defer func() {
		// The intents that could not be settled stay open and are looked after next time.
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		if cerr := w.commit(late, nil); err == nil {
			err = cerr
		}
	}()
	for {
		batch := nextBatch(in)
		if len(batch) == 0 {
			return nil
		}
		if err := w.send(ctx, batch); err != nil {
			return err
		}
		if len(in) == 0 {
			if err := w.commit(ctx, nil); err != nil {
				return err
			}
		}
	}
}

// nextBatch waits for one item and takes along what is already there. It never
// waits for more: the memory those need may be held by the first.
func nextBatch(in <-chan *item) []*item {
	first, ok := <-in
	if !ok {
		return nil
	}
	batch, size := []*item{first}, first.info.Size
	for len(batch) < batchMessages && size < batchBytes {
		select {
		case it, ok := <-in:
			if !ok {
				return batch
			}
			batch, size = append(batch, it), size+it.info.Size
		default:
			return batch
		}
	}
	return batch
}

// commit records what is confirmed, settles its intents and adds a new one.
func (w *writing) commit(ctx context.Context, intent *Intent) error {
	change := Change{Settle: w.settle}
	if len(w.records) > 0 {
		change.Records = map[int64][]Record{w.pair.ID: w.records}
	}
	if intent != nil {
		change.Intents = []*Intent{intent}
	}
	if len(change.Records)+len(change.Settle)+len(change.Intents) == 0 {
		return nil
	}
	if err := w.run.ledger.Commit(ctx, change); err != nil {
		return ofLedger(err)
	}
	w.records, w.settle = nil, nil
	return nil
}

func (w *writing) send(ctx context.Context, batch []*item) error {
	intent := &Intent{Pair: w.pair.ID, DestValidity: w.pair.DestState.UIDValidity, DestNext: w.next}
	for _, it := range batch {
		intent.Source.Add(it.info.UID)
	}
	if err := w.commit(ctx, intent); err != nil {
		release(batch)
		return err
	}
	list := make([]*sent, len(batch))
	for i, it := range batch {
		list[i] = &sent{item: it}
		w.sentAll.Add(it.info.UID)
	}
	err := w.appendAll(ctx, list)
	if lerr := w.outcome(ctx, list, intent, err); lerr != nil {
		return lerr
	}
	return at(EndDest, err)
}

func release(batch []*item) {
	for _, it := range batch {
		it.body.Release()
	}
}

// appendAll hands the batch over. After an error of the handle the messages whose
// done never ran count as uncertain.
func (w *writing) appendAll(ctx context.Context, list []*sent) error {
	for i, s := range list {
		var dropped int
		s.flags, dropped = forNewCopy(w.flagsFor(s), w.status(), w.run.job.Dest.Traits().AutoExpunge)
		s.dropped += dropped
		msg := &mail.Message{
			Origin: mail.Origin{Source: w.run.job.Source.String(), Folder: w.src.Path,
				UIDValidity: w.source.Status().UIDValidity, UID: s.info.UID},
			Flags: s.flags, InternalDate: s.info.InternalDate, Body: s.body,
		}
		err := w.writer.Append(ctx, msg, func(uid mail.UID, err error) { s.uid, s.err, s.called = uid, err, true })
		if err != nil {
			for _, rest := range list[i+1:] { // Append took over the body of this one
				rest.body.Release()
			}
			return err
		}
	}
	return w.writer.Flush(ctx)
}

func (w *writing) flagsFor(s *sent) mail.Flags {
	if !w.plain.Contains(s.info.UID) {
		return s.info.Flags
	}
	system := s.info.Flags.Filter(mail.IsSystem)
	s.dropped = len(s.info.Flags) - len(system)
	return system
}

// outcome sorts a batch into recorded, refused and unsure, and looks for what
// the destination did not tell. sendErr is the handle's error, if it has one: then
// nothing more can be asked, and the intent stays open.
func (w *writing) outcome(ctx context.Context, list []*sent, intent *Intent, sendErr error) error {
	var silent, unsure []*sent
	refused := false
	for _, s := range list {
		switch {
		case !s.called || s.err != nil && mail.ErrorOf(s.err).Uncertain:
			unsure = append(unsure, s)
		case s.err != nil:
			refused = true
			w.refuse(s)
		case s.uid == 0 || s.uid < intent.DestNext || s.uid <= w.last:
			silent = append(silent, s)
		default:
			w.last = s.uid
			w.confirm(s, s.uid)
		}
	}
	if sendErr != nil {
		// Messages confirmed without a UID stay in the intent: recorded without their
		// place, the copy could be taken for that of an equal message.
		return nil
	}
	if len(silent) > 0 {
		if err := w.findSilent(ctx, silent, intent); err != nil {
			return err
		}
	}
	if len(unsure) > 0 {
		return unsureError(unsure)
	}
	if refused {
		strangers, err := w.strangers(ctx, intent)
		if err != nil {
			return err
		}
		if strangers {
			return errLookAgain
		}
		w.believeRefusals()
	}
	w.settle = append(w.settle, intent.ID)
	if w.full >= spaceStrikes {
		return at(EndDest, &mail.Error{Op: "append to", Folder: w.dest, Scope: mail.ScopeFolder, Retry: mail.RetryNever,
			Kind: mail.KindSpace, Hint: "make room at the destination and run again", Err: errors.New("the destination is full")})
	}
	return nil
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
	w.records = append(w.records, Record{Source: src, Dest: uid, Appended: true, Base: s.info.Flags})
	w.copied.Add(src)
	w.lastUID = max(w.lastUID, uid)
	w.expected++
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
	keywords := len(s.flags.Filter(mail.IsSystem)) < len(s.flags)
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
}

// strangers reports whether the destination holds messages, from the intent on,
// that neither a record nor this batch accounts for.
func (w *writing) strangers(ctx context.Context, intent *Intent) (bool, error) {
	known, err := w.known(ctx, intent.DestNext)
	if err != nil {
		return false, err
	}
	found := false
	err = w.writer.List(ctx, mail.ListOptions{From: intent.DestNext}, func(i mail.Info) error {
		found = found || !known.Contains(i.UID)
		return nil
	})
	return found, at(EndDest, err)
}

// known returns the destination UIDs that records, committed or not, name.
func (w *writing) known(ctx context.Context, from mail.UID) (mail.UIDSet, error) {
	known, err := w.claimed(ctx, from)
	if err != nil {
		return known, err
	}
	known = known.Clone()
	for _, r := range w.records {
		known.Add(r.Dest)
	}
	return known, nil
}

// findSilent finds the UIDs of messages that were confirmed without one. A
// message that cannot be found is recorded all the same: it was confirmed.
func (w *writing) findSilent(ctx context.Context, silent []*sent, intent *Intent) error {
	known, err := w.known(ctx, intent.DestNext)
	if err != nil {
		return err
	}
	dst, err := candidates(ctx, w.writer, mail.ListOptions{From: intent.DestNext}, known)
	if err != nil {
		return at(EndDest, err)
	}
	var src []candidate
	sums := make(map[mail.UID]digest)
	bySource := make(map[mail.UID]*sent)
	for _, s := range silent {
		src = append(src, candidate{s.info.UID, s.info.Size, s.key, s.info.Flags})
		bySource[s.info.UID] = s
		if w.run.loader.digests {
			sums[s.info.UID] = s.digest
		}
	}
	m := matcher{sizes: w.sizesCompare(),
		srcHash: func(context.Context, mail.UIDSet) (map[mail.UID]digest, error) { return sums, nil },
		dstHash: func(ctx context.Context, uids mail.UIDSet) (map[mail.UID]digest, error) {
			return digests(ctx, w.writer, uids)
		},
	}
	found, err := m.match(ctx, src, dst)
	if err != nil {
		return at(EndDest, err)
	}
	for _, pair := range found.pairs {
		w.confirm(bySource[pair.src.uid], pair.dst.uid)
		w.next = max(w.next, pair.dst.uid+1)
		delete(bySource, pair.src.uid)
	}
	for _, s := range silent {
		if bySource[s.info.UID] != nil {
			w.confirm(s, 0)
		}
	}
	return nil
}
