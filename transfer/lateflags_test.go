package transfer_test

import (
	"context"
	"io"
	"sync"
	"testing"
	"time"

	"mailferry/transfer"
	"mailferry/transfer/mail"
	"mailferry/transfer/mail/mailtest"
)

// reached is a source that tells of every folder that is opened and every Fetch.
type reached struct {
	mail.Source
	mu      sync.Mutex
	folders map[mail.Path]chan struct{} // closed when it is opened
	fetched chan struct{}
}

func (s *reached) OpenReader(ctx context.Context, p mail.Path) (mail.Reader, error) {
	r, err := s.Source.OpenReader(ctx, p)
	s.mu.Lock()
	defer s.mu.Unlock()
	if opened := s.folders[p]; err == nil && opened != nil {
		close(opened)
		delete(s.folders, p)
	}
	return reachedReader{r, s}, err
}

type reachedReader struct {
	mail.Reader
	s *reached
}

func (r reachedReader) Fetch(ctx context.Context, uids mail.UIDSet, fn func(mail.Info, io.Reader) error) error {
	r.s.mu.Lock()
	if r.s.fetched != nil {
		close(r.s.fetched)
		r.s.fetched = nil
	}
	r.s.mu.Unlock()
	return r.Reader.Fetch(ctx, uids, fn)
}

// TestFlagsHoldUpNobody: while the destination takes its time with the flags of one folder, the source is read: the
// same folder's new mail, and with the only session there is another folder.
func TestFlagsHoldUpNobody(t *testing.T) {
	for _, newMail := range []bool{false, true} {
		w := newWorldFrom(t, mailtest.Options{Waits: 1}, mailtest.Options{})
		fill(w.src, "a", 5)
		fill(w.src, "b", 3)
		w.mustRun(t)
		w.src.SetFlags(path("a"), 2, mail.NewFlags(mail.Flagged))
		w.src.SetFlags(path("b"), 2, mail.NewFlags(mail.Seen))
		if newMail {
			fill(w.src, "a", 1)
		}
		other, fetched := make(chan struct{}), make(chan struct{})
		source := &reached{Source: w.src, folders: map[mail.Path]chan struct{}{path("b"): other}, fetched: fetched}
		until := func(what string, event <-chan struct{}) {
			select {
			case <-event:
			case <-time.After(20 * time.Second):
				t.Errorf("new mail %t: %s waits for the flags of another folder", newMail, what)
			}
		}
		plan := mailtest.NewPlan(t, mailtest.Fault{At: "set flags", Do: func() {
			if newMail {
				until("its own mail", fetched)
			}
			until("another folder", other)
		}})
		w.job = func(j *transfer.Job) { j.Source, j.Dest = source, mailtest.Faulty(w.dst, plan) }
		r := w.mustRun(t)
		if r.Total.Reflagged != 2 || r.Total.Copied != len(w.src.Messages(path("a")))-5 {
			t.Errorf("new mail %t: %+v", newMail, r.Total)
		}
		w.job = nil
		for _, folder := range []string{"a", "b"} {
			if contents(w.src, folder) != contents(w.dst, folder) {
				t.Errorf("folder %s: at the source\n%s\nat the destination\n%s", folder, contents(w.src, folder), contents(w.dst, folder))
			}
		}
		if r := w.mustRun(t); r.Total.Reflagged+r.Total.Copied != 0 {
			t.Errorf("new mail %t: the next run finds something to do: %+v", newMail, r.Total)
		}
	}
}
