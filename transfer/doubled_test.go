package transfer_test

import (
	"context"
	"strings"
	"testing"

	"mailferry/transfer"
	"mailferry/transfer/mail"
	"mailferry/transfer/mail/mailtest"
)

// hooked calls before ahead of each listing.
type hooked struct {
	mail.Store
	list func(o mail.ListOptions)
}

func (h *hooked) OpenReader(ctx context.Context, p mail.Path) (mail.Reader, error) {
	r, err := h.Store.OpenReader(ctx, p)
	if err != nil {
		return nil, err
	}
	return &hookedReader{r, h}, nil
}

type hookedReader struct {
	mail.Reader
	h *hooked
}

func (r *hookedReader) List(ctx context.Context, o mail.ListOptions, fn func(mail.Info) error) error {
	if r.h.list != nil {
		r.h.list(o)
	}
	return r.Reader.List(ctx, o, fn)
}

// A message that comes between the opening of the source and its listing is copied by that run. The
// next one, which looks at changes only, must not take it for new.
func TestArrivedAfterOpening(t *testing.T) {
	inbox := path("INBOX")
	w := newWorld(t, mailtest.Options{})
	fill(w.src, "INBOX", 4)
	w.src.Remove(inbox, 1) // or the first copy would need no listing
	once := false
	src := &hooked{Store: w.src, list: func(mail.ListOptions) {
		if !once {
			once = true
			w.src.PutText(inbox, text("late", "late", "x"))
		}
	}}
	w.job = func(j *transfer.Job) { j.Source = src }
	r := w.mustRun(t)
	wantCounts(t, r, 4, 0, 0, 0)
	r = w.mustRun(t)
	wantCounts(t, r, 0, 4, 0, 0)
	wantContents(t, w.dst, "INBOX", "hello; hello; hello; late")
}

// A run with --full drops a record that names no place, and is then stopped: the next run, without
// --full, has to look for the message all the same.
func TestFullStopped(t *testing.T) {
	for n := 1; n < 60; n++ {
		w := newWorld(t, mailtest.Options{})
		fill(w.src, "INBOX", 3)
		w.mustRun(t)
		pairs, _ := w.ledger.Pairs(t.Context())
		// as after a copy whose place could not be found out
		if err := w.ledger.Commit(t.Context(), transfer.Change{Records: map[int64][]transfer.Record{pairs[0].ID: {{Source: 2, Appended: true}}}}); err != nil {
			t.Fatal(err)
		}
		plan := mailtest.NewPlan(t, mailtest.Fault{Step: n, Mode: mailtest.Stop})
		w.job = func(j *transfer.Job) { j.Full = true }
		w.run(t, plan)
		if !plan.Fired() {
			return
		}
		w.job = nil
		w.src.SetFlags(path("INBOX"), 2, mail.NewFlags(mail.Seen)) // so that the folder is looked at
		w.mustRun(t)
		if got := contents(w.dst, "INBOX"); strings.Count(got, "hello") != 3 {
			t.Errorf("stopped at step %d (%s): %s", n, plan.StepName(n), got)
		}
	}
}

// The destination holds all of it already. A run with a filter recognises a part; the next, without, has to
// recognise the rest.
func TestFilterThenAll(t *testing.T) {
	w := newWorld(t, mailtest.Options{})
	fill(w.src, "INBOX", 4)
	fill(w.dst, "INBOX", 4)
	w.job = func(j *transfer.Job) { j.Filter.MaxSize = int64(len(w.src.Messages(path("INBOX"))[1].Raw)) }
	r := w.mustRun(t)
	wantCounts(t, r, 0, 2, 2, 0)
	w.job = nil
	r = w.mustRun(t)
	wantCounts(t, r, 0, 4, 0, 0)
	wantContents(t, w.dst, "INBOX", "hello; hello; hello; hello")
}

// A folder with a role is renamed at the source: its role leads it to the same destination, which holds
// its mail already.
func TestRoleFolderRenamed(t *testing.T) {
	w := newWorld(t, mailtest.Options{})
	w.src.AddFolder(mail.Folder{Path: path("Sent"), Role: mail.RoleSent})
	w.dst.AddFolder(mail.Folder{Path: path("Sent"), Role: mail.RoleSent})
	fill(w.src, "Sent", 3)
	w.mustRun(t)
	w.src.Rename(path("Sent"), path("Sent Items"))
	wantCounts(t, w.mustRun(t), 0, 3, 0, 0)
	wantContents(t, w.dst, "Sent", "hello; hello; hello")
}
