package ledger

import (
	"context"
	"database/sql"
	"errors"
	"time"

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
	w := &committer{statements: &l.writer.do, sets: l.sets, fresh: make(map[string]int64)}
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
	sets    *flagSets
	fresh   map[string]int64 // sets of flags that are known once the transaction is durable
	pairs   []int64
	intents []int64
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
	_, err1 := w.voidRecords.Exec(id)
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

func (w *committer) mustKnow(pair int64) error {
	var one int
	err := w.pairByID.QueryRow(pair).Scan(&one)
	if err == sql.ErrNoRows {
		return refused(errNoPair)
	}
	return err
}

func (w *committer) forgetRecords(c transfer.Change) error {
	for pair, uids := range c.Forget {
		for _, r := range uids.Ranges() {
			if _, err := w.forget.Exec(pair, int64(r.First), int64(r.Last)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *committer) addRecords(c transfer.Change) error {
	for pair, records := range c.Records {
		if err := w.mustKnow(pair); err != nil {
			return err
		}
		for _, r := range records {
			text := r.Base.String()
			flags, err := w.intern(text)
			if err != nil {
				return err
			}
			if _, err := w.putRecord.Exec(pair, int64(r.Source), int64(r.Dest), number(r.Appended), flags, recordSum(pair, r, text)); err != nil {
				return err
			}
		}
	}
	return nil
}

// intern returns the number of a set of flags.
func (w *committer) intern(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	if id, ok := w.sets.number(text); ok {
		return id, nil
	}
	if id, ok := w.fresh[text]; ok {
		return id, nil
	}
	var id int64
	err := w.findFlags.QueryRow([]byte(text)).Scan(&id)
	if err == sql.ErrNoRows {
		var res sql.Result
		if res, err = w.putFlags.Exec([]byte(text)); err == nil {
			id, err = res.LastInsertId()
		}
	}
	if err != nil {
		return 0, err
	}
	w.fresh[text] = id
	return id, nil
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

// StartRun implements transfer.Ledger.
func (l *Ledger) StartRun(ctx context.Context, started time.Time) (run int64, err error) {
	done, err := l.writing(ctx, opStart)
	if err != nil {
		return 0, err
	}
	defer done()
	err = l.writer.transact(func() error {
		res, err := l.writer.do.startRun.Exec(started.UnixMilli())
		if err != nil {
			return err
		}
		run, err = res.LastInsertId()
		return err
	})
	if err != nil {
		return 0, fail(opStart, l.path, err)
	}
	return run, nil
}

// FinishRun implements transfer.Ledger.
func (l *Ledger) FinishRun(ctx context.Context, run int64, finished time.Time, summary []byte) error {
	done, err := l.writing(ctx, opFinish)
	if err != nil {
		return err
	}
	defer done()
	err = l.writer.transact(func() error {
		res, err := l.writer.do.finishRun.Exec(finished.UnixMilli(), summary, run)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n != 1 {
			return errors.Join(err, failed(opFinish, errNoRun))
		}
		return nil
	})
	return fail(opFinish, l.path, err)
}
