package archive_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"mailferry/archive"
	"mailferry/transfer"
	"mailferry/transfer/mail"
	"mailferry/transfer/mail/mailtest"
)

func letters(t *testing.T, first, last int) *mailtest.Memory {
	src := mailtest.New(mailtest.Options{Reporter: t, Name: source})
	for n := first; n <= last; n++ {
		src.Put(inbox, nil, letterDate(n), letter(n))
	}
	return src
}

func loseLedger(t *testing.T, dir string) {
	t.Helper()
	for _, suffix := range []string{"", ".lock", "-wal", "-shm"} {
		ok(t, os.RemoveAll(filepath.Join(dir, ".mailferry", "ledger.db")+suffix))
	}
}

func expectRestored(t *testing.T, dir string, src *mailtest.Memory) {
	t.Helper()
	if diff := differences(restore(t, dir, archive.Options{}), src.Dump()); diff != "" {
		t.Errorf("restored:\n%s", diff)
	}
}

func acceptLoss(_ *transfer.Job, o *archive.Options) { o.AcceptLoss = true }

// TestAServerRestoredFromItsBackup gives UIDs to other messages than before: these are new, whatever their number.
func TestAServerRestoredFromItsBackup(t *testing.T) {
	forBoth(t, func(t *testing.T, format archive.Format) {
		for _, how := range []string{"as it is", "with the ledger lost", "in full"} {
			src, dir := letters(t, 1, 30), filepath.Join(t.TempDir(), "a")
			closed(t, create(t, dir, archive.Options{Format: format}))
			backup(t, src, dir, nil)
			src = letters(t, 1, 20)
			for n := 1001; n <= 1005; n++ {
				src.Put(inbox, nil, letterDate(n), letter(n))
			}
			if how == "with the ledger lost" {
				loseLedger(t, dir)
			}
			r := backup(t, src, dir, func(j *transfer.Job, _ *archive.Options) { j.Full = how == "in full" })
			if r.Total.Copied != 5 || r.Total.Already != 20 {
				t.Errorf("%s: %+v", how, r.Total)
			}
			expectRestored(t, dir, src)
			if r = backup(t, src, dir, nil); r.Total.Copied != 0 || !r.Complete() {
				t.Errorf("%s, once more: %+v", how, r.Total)
			}
			expectRestored(t, dir, src)
		}
	})
}

// TestAMessageThatIsHiddenForANight is current again when the source lists it again, once and with its flags of now.
func TestAMessageThatIsHiddenForANight(t *testing.T) {
	forBoth(t, func(t *testing.T, format archive.Format) {
		src, dir := letters(t, 1, 30), filepath.Join(t.TempDir(), "a")
		closed(t, create(t, dir, archive.Options{Format: format}))
		backup(t, src, dir, nil)
		less := letters(t, 1, 30)
		less.Remove(inbox, 30)
		less.Remove(inbox, 12)
		backup(t, less, dir, nil)
		expectRestored(t, dir, less)
		src.SetFlags(inbox, 12, mail.NewFlags(mail.Flagged))
		for night := range 3 {
			r := backup(t, src, dir, func(j *transfer.Job, _ *archive.Options) { j.Full = night == 2 })
			if r.Total.Already != 30 || !r.Complete() {
				t.Errorf("night %d: %+v", night, r.Total)
			}
			expectRestored(t, dir, src)
		}
		if all := restore(t, dir, archive.Options{WithGone: true}); all != restore(t, dir, archive.Options{}) {
			t.Errorf("with what is gone:\n%s", all)
		}
		a := open(t, dir, archive.Options{})
		defer closed(t, a)
		expectSound(t, a)
	})
}

func TestAFolderThatIsRenamedAndRenamedBack(t *testing.T) {
	src, dir := letters(t, 1, 1), filepath.Join(t.TempDir(), "a")
	f, g := mail.NewPath("F"), mail.NewPath("G")
	src.Put(f, nil, letterDate(2), letter(2))
	closed(t, create(t, dir, archive.Options{}))
	backup(t, src, dir, nil)
	src.Rename(f, g)
	backup(t, src, dir, acceptLoss)
	expectRestored(t, dir, src)
	src.Rename(g, f)
	for range 2 {
		if r := backup(t, src, dir, acceptLoss); !r.Complete() || r.Total.Out() != 0 {
			t.Errorf("%+v", r.Total)
		}
		expectRestored(t, dir, src)
	}
}

// TestWhatVanishedWithTheLedger is gone all the same: the archive knows where its messages are from.
func TestWhatVanishedWithTheLedger(t *testing.T) {
	for name, also := range map[string]func(src *mailtest.Memory, dir string){
		"the ledger is lost": func(_ *mailtest.Memory, dir string) { loseLedger(t, dir) },
		"it is lost and new mail has come": func(src *mailtest.Memory, dir string) {
			loseLedger(t, dir)
			src.Put(inbox, nil, letterDate(99), letter(99))
		},
		"the source counts anew": func(src *mailtest.Memory, _ string) { src.SetUIDValidity(inbox, 77, 100) },
	} {
		src, dir := letters(t, 1, 30), filepath.Join(t.TempDir(), "a")
		closed(t, create(t, dir, archive.Options{}))
		backup(t, src, dir, nil)
		src.Remove(inbox, 5)
		src.Remove(inbox, 6)
		also(src, dir)
		for range 2 {
			if r := backup(t, src, dir, nil); !r.Complete() || r.Total.Copied > 1 {
				t.Errorf("%s: %+v", name, r.Total)
			}
			expectRestored(t, dir, src)
		}
	}
}

// TestAFilterSaysNothingOfWhatIsGone: what it leaves out has no record, and is there.
func TestAFilterSaysNothingOfWhatIsGone(t *testing.T) {
	src, dir := letters(t, 1, 30), filepath.Join(t.TempDir(), "a")
	closed(t, create(t, dir, archive.Options{}))
	backup(t, src, dir, nil)
	loseLedger(t, dir)
	backup(t, src, dir, func(j *transfer.Job, _ *archive.Options) { j.Filter.Since = letterDate(20) })
	expectRestored(t, dir, src)
	backup(t, src, dir, nil)
	expectRestored(t, dir, src)
}

// TestARunTellsTheRolesThatWereLost with the catalogue.
func TestARunTellsTheRolesThatWereLost(t *testing.T) {
	src, dir := letters(t, 1, 1), filepath.Join(t.TempDir(), "a")
	sent := mail.NewPath("Sent")
	src.AddFolder(mail.Folder{Path: sent, Role: mail.RoleSent, Subscribed: true})
	src.Put(sent, nil, letterDate(2), letter(2))
	closed(t, create(t, dir, archive.Options{}))
	backup(t, src, dir, nil)
	ok(t, os.Remove(own(dir, "catalogue.db")))
	ok(t, os.Remove(own(dir, "catalogue.copy")))
	backup(t, src, dir, nil)
	expectRestored(t, dir, src)
}

// withholding lists a message and does not deliver it.
type withholding struct {
	mail.Source
	uid mail.UID
}

func (w *withholding) OpenReader(ctx context.Context, path mail.Path) (mail.Reader, error) {
	r, err := w.Source.OpenReader(ctx, path)
	return &withholdingReader{r, w.uid}, err
}

type withholdingReader struct {
	mail.Reader
	uid mail.UID
}

func (r *withholdingReader) Fetch(ctx context.Context, uids mail.UIDSet, fn func(mail.Info, io.Reader) error) error {
	return r.Reader.Fetch(ctx, uids.Minus(mail.NewUIDSet(r.uid)), fn)
}

// TestWhatFailedIsNotGone: when its record is lost, and the source has something of its UID that cannot be had, the archive's
// message stays current.
func TestWhatFailedIsNotGone(t *testing.T) {
	src, dir := letters(t, 1, 5), filepath.Join(t.TempDir(), "a")
	closed(t, create(t, dir, archive.Options{}))
	backup(t, src, dir, nil)
	before := restore(t, dir, archive.Options{})
	loseLedger(t, dir)
	src = letters(t, 1, 4)
	src.Put(inbox, nil, letterDate(99), letter(99))
	if _, r := backupUntil(t, &withholding{src, 5}, dir, 1000); r.Total.Failed != 1 {
		t.Errorf("%+v", r.Total)
	}
	if got := restore(t, dir, archive.Options{}); got != before {
		t.Errorf("restored:\n%s", differences(got, before))
	}
}
