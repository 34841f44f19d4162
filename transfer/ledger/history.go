package ledger

import (
	"context"
	"errors"
	"time"
)

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
