package transfer_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"mailferry/transfer"
	"mailferry/transfer/mail"
	"mailferry/transfer/mail/mailtest"
)

// watched counts what a run asks of a store's folders.
type watched struct {
	mail.Store
	whole, changes int // listings
}

func (w *watched) OpenReader(ctx context.Context, p mail.Path) (mail.Reader, error) {
	r, err := w.Store.OpenReader(ctx, p)
	return &watchedReader{r, w}, err
}

type watchedReader struct {
	mail.Reader
	w *watched
}

func (r *watchedReader) List(ctx context.Context, o mail.ListOptions, fn func(mail.Info) error) error {
	switch {
	case o.ChangedSince > 0:
		r.w.changes++
	case o.Only == nil:
		r.w.whole++
	}
	return r.Reader.List(ctx, o, fn)
}

// A folder of which the source tells what changed is not listed whole, and the result is
// the same as if it were.
func TestOnlyChangesAreListed(t *testing.T) {
	inbox := path("INBOX")
	for _, c := range []struct {
		name   string
		change func(w *world)
		job    func(j *transfer.Job)
		whole  bool // the folder has to be listed whole after all
		copied int
		flags  int
	}{
		{name: "new messages", copied: 2, change: func(w *world) {
			w.src.PutText(inbox, text("n1", "new one", ""))
			w.src.PutText(inbox, text("n2", "new two", ""), mail.Seen)
		}},
		{name: "flags", flags: 2, change: func(w *world) {
			w.src.SetFlags(inbox, 3, mail.NewFlags(mail.Seen, "work"))
			w.src.SetFlags(inbox, 7, mail.NewFlags(mail.Flagged))
		}},
		{name: "expunged at the source", change: func(w *world) {
			w.src.Remove(inbox, 1)
			w.src.Remove(inbox, 9)
		}},
		{name: "all of it", copied: 1, flags: 1, change: func(w *world) {
			w.src.Remove(inbox, 1)
			w.src.SetFlags(inbox, 3, mail.NewFlags(mail.Seen, "work"))
			w.src.PutText(inbox, text("n1", "new one", ""))
			w.src.Remove(inbox, 2)
		}},
		{name: "new, and expunged before it was seen", flags: 1, change: func(w *world) {
			w.src.PutText(inbox, text("n1", "new one", ""))
			w.src.Remove(inbox, 13)
			w.src.SetFlags(inbox, 3, mail.NewFlags(mail.Seen))
		}},
		{name: "the source does not tell what was expunged", whole: true, copied: 1, change: func(w *world) {
			w.src.Remove(inbox, 4)
			w.src.PutText(inbox, text("n1", "new one", ""))
		}},
		{name: "the destination got mail of its own", whole: true, copied: 1, change: func(w *world) {
			w.src.PutText(inbox, text("n1", "new one", ""))
			w.dst.PutText(inbox, text("own", "own", ""))
		}},
		{name: "the destination's user deleted one", whole: true, copied: 1, change: func(w *world) {
			w.src.PutText(inbox, text("n1", "new one", ""))
			w.dst.Remove(inbox, 5)
		}},
		{name: "--full", whole: true, copied: 1, job: func(j *transfer.Job) { j.Full = true }, change: func(w *world) {
			w.src.PutText(inbox, text("n1", "new one", ""))
		}},
		{name: "--mirror", whole: true, copied: 1, job: func(j *transfer.Job) { j.Mirror = true }, change: func(w *world) {
			w.src.PutText(inbox, text("n1", "new one", ""))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			build := func() *world {
				w := newWorldFrom(t, mailtest.Options{NoResync: strings.HasPrefix(c.name, "the source does not")}, mailtest.Options{})
				fill(w.src, "INBOX", 12)
				w.mustRun(t)
				c.change(w)
				w.job = c.job
				return w
			}
			// The same account, its ledger's idea of the source's state taken away.
			plain := build()
			plain.forgetModSeqs(t)
			want := plain.mustRun(t).Total

			w := build()
			src := &watched{Store: w.src}
			w.job = func(j *transfer.Job) {
				j.Source = src
				if c.job != nil {
					c.job(j)
				}
			}
			got := w.mustRun(t).Total
			if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
				t.Errorf("changes only: %+v\nlisted whole: %+v", got, want)
			}
			if got.Copied != c.copied || got.Reflagged != c.flags {
				t.Errorf("%d copied, %d reflagged, want %d, %d", got.Copied, got.Reflagged, c.copied, c.flags)
			}
			if (src.whole > 0) != c.whole {
				t.Errorf("listed whole %d times, changes %d times", src.whole, src.changes)
			}
			if got, want := w.dst.Dump(), plain.dst.Dump(); got != want {
				t.Errorf("the destination holds\n%s\nwant\n%s", got, want)
			}
			after := w.dst.DumpUIDs()
			w.src.SetFlags(inbox, 8, mail.NewFlags("later"))
			r := w.mustRun(t)
			if r.Total.Copied != 0 || r.Total.Reflagged != 1 || w.dst.DumpUIDs() == after {
				t.Errorf("the run after that: %+v", r.Total)
			}
		})
	}
}

// forgetModSeqs makes the ledger say that the source told no mod-sequences.
func (w *world) forgetModSeqs(t *testing.T) {
	t.Helper()
	pairs, err := w.ledger.Pairs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pairs {
		p.SourceState.HighestModSeq = 0
		if err := w.ledger.Commit(t.Context(), transfer.Change{Pair: &p}); err != nil {
			t.Fatal(err)
		}
	}
}

// A first copy of a folder without gaps is not listed before; one whose status lies, or
// from which messages vanish meanwhile, is listed after all.
func TestAFirstCopyNeedsNoListing(t *testing.T) {
	inbox := path("INBOX")
	for _, c := range []struct {
		name   string
		change func(w *world)
		whole  bool
		copied int
	}{
		{name: "no gaps", copied: 12, change: func(*world) {}},
		{name: "a gap", copied: 11, whole: true, change: func(w *world) { w.src.Remove(inbox, 5) }},
		{name: "a uidnext that is too small", copied: 12, whole: true, change: func(w *world) {
			w.src.Remove(inbox, 5)
			w.src.PutText(inbox, text("later", "later", ""))
			w.src.SetUIDNext(inbox, 13)
		}},
		{name: "the destination holds mail", copied: 12, whole: true, change: func(w *world) {
			w.dst.PutText(inbox, text("own", "own", ""))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, mailtest.Options{})
			fill(w.src, "INBOX", 12)
			c.change(w)
			src := &watched{Store: w.src}
			w.job = func(j *transfer.Job) { j.Source = src }
			r := w.mustRun(t)
			if r.Total.Copied != c.copied || r.Total.Found != c.copied || len(r.Problems) > 0 {
				t.Errorf("%+v, problems %v", r.Total, r.Problems)
			}
			if (src.whole > 0) != c.whole {
				t.Errorf("listed whole %d times", src.whole)
			}
			w.job = nil
			if r := w.mustRun(t); r.Total.Copied != 0 || r.Total.Already != c.copied {
				t.Errorf("the next run: %+v", r.Total)
			}
		})
	}
}
