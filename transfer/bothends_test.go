package transfer

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"mailferry/transfer/mail"
)

// lister answers after a while, or hangs until it is given up.
type lister struct {
	mail.Store
	after time.Duration // 0: never
	err   error
}

func (l *lister) Folders(ctx context.Context) ([]mail.Folder, error) {
	var answer <-chan time.Time
	if l.after > 0 {
		answer = time.After(l.after)
	}
	select {
	case <-answer:
		return nil, l.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// TestWhichEndsErrorIsTold does not depend on which end answers first, and nobody waits for ever for an end that keeps silent.
func TestWhichEndsErrorIsTold(t *testing.T) {
	never := &mail.Error{Op: "login", Retry: mail.RetryNever, Kind: mail.KindAuth, Err: errors.New("refused")}
	soon := &mail.Error{Op: "connect", Retry: mail.RetrySoon, Kind: mail.KindConnect, Err: errors.New("reset")}
	for name, c := range map[string]struct {
		src, dst lister
		end      End
		err      error
		within   time.Duration
	}{
		"the source's, the destination's later":     {lister{after: 1, err: never}, lister{after: time.Second, err: never}, EndSource, never, time.Second},
		"the source's, the destination's first":     {lister{after: time.Second, err: never}, lister{after: 1, err: never}, EndSource, never, time.Second},
		"what will not pass":                        {lister{after: 1, err: soon}, lister{after: time.Second, err: never}, EndDest, never, time.Second},
		"the source alone":                          {lister{after: 1, err: soon}, lister{after: time.Second}, EndSource, soon, time.Second},
		"the destination alone":                     {lister{after: time.Second}, lister{after: 1, err: never}, EndDest, never, time.Second},
		"the destination, and the source is silent": {lister{}, lister{after: 1, err: never}, EndDest, never, otherEnd + 1},
		"the source, and the destination is silent": {lister{after: 1, err: soon}, lister{}, EndSource, soon, otherEnd + 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			_, _, err := listBoth(t.Context(), &c.src, &c.dst)
			var end *EndError
			if !errors.As(err, &end) || end.End != c.end || !errors.Is(err, c.err) {
				t.Errorf("%s: %v", name, err)
			}
			if took := time.Since(start); took > c.within {
				t.Errorf("%s: told after %v", name, took)
			}
		})
	}
}
