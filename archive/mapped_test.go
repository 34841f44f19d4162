package archive_test

import (
	"testing"

	"mailferry/archive"
	"mailferry/transfer"
	"mailferry/transfer/mail"
	"mailferry/transfer/mail/mailtest"
)

// Two folders of the source go into one of the archive; one of them is deleted at the source. The mail of
// the other is current still.
func TestOneOfTwoMappedFoldersGone(t *testing.T) {
	dir := t.TempDir() + "/a"
	a, b, all := mail.NewPath("A"), mail.NewPath("B"), mail.NewPath("All")
	src := mailtest.New(mailtest.Options{Reporter: t, Name: source})
	for n := 1; n <= 3; n++ {
		src.Put(a, nil, letterDate(n), letter(n))
		src.Put(b, nil, letterDate(n), letter(n+10))
	}
	closed(t, create(t, dir, archive.Options{}))
	change := func(j *transfer.Job, o *archive.Options) {
		j.Map = []transfer.Mapping{{From: a, To: all}, {From: b, To: all}}
		o.AcceptLoss = true
	}
	backup(t, src, dir, change)
	src.RemoveFolder(b)
	for i := range 3 {
		src.Put(a, nil, letterDate(30+i), letter(30+i))
		if r := backup(t, src, dir, change); r.Total.Failed > 0 {
			t.Errorf("run %d: %+v", i+2, r.Total)
		}
	}
	ar := open(t, dir, archive.Options{})
	defer closed(t, ar)
	folders, err := ar.Folders(t.Context())
	ok(t, err)
	held := uint32(0)
	for _, f := range folders {
		held += f.Status.Messages
		if f.Path == all && f.Status.Messages < 6 {
			t.Errorf("All holds %d, want at least A's 6", f.Status.Messages)
		}
	}
	if held < 6 {
		t.Errorf("the archive holds %d, want at least 6", held)
	}
}
