package ledger

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"mailferry/transfer"
	"mailferry/transfer/mail"
)

// writing is use for operations that change the file.
func (l *Ledger) writing(ctx context.Context, op string) (done func(), err error) {
	if done, err = l.use(ctx, op); err == nil && l.writer == nil {
		done()
		return nil, failed(op, errReadOnly)
	}
	return done, err
}

// Commit implements transfer.Ledger. Once it has begun it does not heed ctx.
func (l *Ledger) Commit(ctx context.Context, c transfer.Change) error {
	if err := check(c); err != nil {
		return err
	}
	done, err := l.writing(ctx, opCommit)
	if err != nil {
		return err
	}
	defer done()
	w := &committer{statements: &l.writer.do, known: l.writer.known, sets: l.sets, fresh: make(map[string]int64), chunkSize: l.chunkSize}
	if err := l.writer.transact(func() error { return w.carryOut(c) }); err != nil {
		return fail(opCommit, l.path, err)
	}
	for text, id := range w.fresh {
		l.sets.learn(id, text)
	}
	for n, p := range pairsOf(c) {
		p.ID = w.pairs[n]
	}
	for n, i := range c.Intents {
		i.ID = w.intents[n]
	}
	return nil
}

// committer carries out one change within a transaction.
type committer struct {
	*statements
	known     map[int64]bool
	sets      *flagSets
	fresh     map[string]int64 // sets of flags that are known once the transaction is durable
	chunkSize int
	pairs     []int64
	intents   []int64
}

func (w *committer) carryOut(c transfer.Change) error {
	for _, step := range []func(transfer.Change) error{
		w.voidPair, w.recordPairs, w.forgetRecords, w.addRecords, w.settleIntents, w.addIntents,
	} {
		if err := step(c); err != nil {
			return err
		}
	}
	return nil
}

func (w *committer) voidPair(c transfer.Change) error {
	if c.Void == nil {
		return nil
	}
	id := c.Void.ID
	if id == 0 {
		known, exists, err := w.bySource(c.Void.Source)
		if err != nil || !exists || known.Dest != c.Void.Dest {
			return err
		}
		id = known.ID
	}
	_, err1 := w.voidChunks.Exec(id)
	_, err2 := w.voidIntents.Exec(id)
	return errors.Join(err1, err2)
}

func (w *committer) recordPairs(c transfer.Change) (err error) {
	for _, pair := range pairsOf(c) {
		p := *pair
		if p.ID, err = w.identify(p); err != nil {
			return err
		}
		w.pairs = append(w.pairs, p.ID)
		columns := pairColumns(p)
		if _, err = w.putPair.Exec(append(columns, columnSum(columns))...); err != nil {
			return err
		}
	}
	return nil
}

// identify returns the ID under which p is to be recorded.
func (w *committer) identify(p transfer.Pair) (id int64, err error) {
	other, exists, err := w.bySource(p.Source)
	switch {
	case err != nil:
		return 0, err
	case p.ID != 0:
		if exists && other.ID != p.ID {
			return 0, taken(p, other)
		}
		return p.ID, w.mustKnow(p.ID)
	case !exists:
		err = w.nextPair.QueryRow().Scan(&id)
		return id, err
	case other.Dest != p.Dest:
		return 0, taken(p, other)
	}
	return other.ID, nil
}

func (w *committer) bySource(source mail.Path) (p transfer.Pair, exists bool, err error) {
	var dest []byte
	err = w.pairBySource.QueryRow([]byte(source.Key())).Scan(&p.ID, &dest)
	if err == sql.ErrNoRows {
		return p, false, nil
	}
	p.Source, p.Dest = source, mail.PathFromKey(string(dest))
	return p, err == nil, err
}

// mustKnow does not remember the pairs of this change, which may fail.
func (w *committer) mustKnow(pair int64) error {
	if w.known[pair] || slices.Contains(w.pairs, pair) {
		return nil
	}
	var one int
	err := w.pairByID.QueryRow(pair).Scan(&one)
	if err == sql.ErrNoRows {
		return refused(errNoPair)
	}
	w.known[pair] = err == nil
	return err
}

func (w *committer) settleIntents(c transfer.Change) error {
	for _, id := range c.Settle {
		if _, err := w.settle.Exec(id); err != nil {
			return err
		}
	}
	return nil
}

func (w *committer) addIntents(c transfer.Change) error {
	for _, i := range c.Intents {
		if err := w.mustKnow(i.Pair); err != nil {
			return err
		}
		columns := intentColumns(*i)
		res, err := w.putIntent.Exec(append(columns, columnSum(columns))...)
		if err != nil {
			return err
		}
		id, err := res.LastInsertId()
		if err != nil {
			return err
		}
		w.intents = append(w.intents, id)
	}
	return nil
}
