package archive_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"mailferry/archive"
	"mailferry/transfer"
	"mailferry/transfer/ledger"
	"mailferry/transfer/mail"
	"mailferry/transfer/mail/mailtest"
)

var errNoCommit = errors.New("the machine is off")

// dying is a ledger that writes nothing any more after so many commits, and knows what intents it was given.
type dying struct {
	transfer.Ledger
	left    int
	intents int
}

func (d *dying) Commit(ctx context.Context, c transfer.Change) error {
	d.intents += len(c.Intents)
	if d.left--; d.left < 0 {
		return errNoCommit
	}
	return d.Ledger.Commit(ctx, c)
}

// backupUntil backs up with a ledger that takes so many commits, and reports whether they were enough.
func backupUntil(t *testing.T, src mail.Source, dir string, commits int) (bool, *transfer.Report) {
	t.Helper()
	a := open(t, dir, archive.Options{Write: true})
	defer closed(t, a)
	l, err := ledger.Open(filepath.Join(a.Dir(), "ledger.db"), ledger.Identity{Source: src.String(), Dest: "archive"})
	ok(t, err)
	defer closed(t, l)
	d := &dying{Ledger: l, left: commits}
	report, err := transfer.Run(context.Background(), transfer.Job{Source: src, Dest: a, Ledger: d, Timing: noWait(), Connections: 2})
	if err != nil && !errors.Is(err, errNoCommit) {
		t.Fatal(err)
	}
	if d.intents > 0 {
		t.Errorf("%d intents although the archive knows where its mail is from", d.intents)
	}
	return err == nil, report
}

// TestWhatTheArchiveTookIsNotTakenAgain although the ledger does not know of it: the archive does, message by
// message, and so there are no intents. The ledger dies at its every commit, in the first run and in a later one.
func TestWhatTheArchiveTookIsNotTakenAgain(t *testing.T) {
	forBoth(t, func(t *testing.T, format archive.Format) {
		for commits, first, later := 0, false, false; !first || !later; commits++ {
			src, dir := account(t), filepath.Join(t.TempDir(), "a")
			closed(t, create(t, dir, archive.Options{Format: format}))
			first, _ = backupUntil(t, src, dir, commits)
			onlyOnce(t, fmt.Sprintf("first run, %d commits", commits), src, dir)

			more(src)
			later, _ = backupUntil(t, src, dir, commits)
			onlyOnce(t, fmt.Sprintf("later run, %d commits", commits), src, dir)
			if t.Failed() {
				return
			}
			if commits > 200 {
				t.Fatal("the run does not come to its end")
			}
		}
	})
}

// more is mail that comes later, with twins, to an old folder and to a new one.
func more(src *mailtest.Memory) {
	for n := range 5 {
		src.Put(mail.ParsePath("Archive/2024"), nil, letterDate(1), letter(700+n/2))
		src.Put(mail.NewPath("new"), nil, letterDate(1), letter(700+n/2))
	}
}

// onlyOnce finishes the backup, and compares the archive with the source.
func onlyOnce(t *testing.T, when string, src *mailtest.Memory, dir string) {
	t.Helper()
	before := messagesIn(t, dir)
	report := backup(t, src, dir, nil)
	if all := messagesIn(t, dir); report.Total.Copied != all-before {
		t.Errorf("%s: %d copied, and %d are more in the archive", when, report.Total.Copied, all-before)
	}
	if diff := differences(restore(t, dir, archive.Options{}), src.Dump()); diff != "" {
		t.Errorf("%s, restored:\n%s", when, diff)
	}
}

func messagesIn(t *testing.T, dir string) (n int) {
	t.Helper()
	a := open(t, dir, archive.Options{})
	defer closed(t, a)
	folders, err := a.Folders(t.Context())
	ok(t, err)
	for _, f := range folders {
		if f.Status != nil {
			n += int(f.Status.Messages)
		}
	}
	return n
}
