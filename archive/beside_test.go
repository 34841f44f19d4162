package archive_test

import (
	"context"
	"io"
	"path/filepath"
	"sync"
	"testing"

	"mailferry/archive"
	"mailferry/transfer/mail"
)

// TestFetchBesideABackupFindsAll: flags stand in the names of files, so that a run that sets many renames many, and its
// catalogue has the names later.
func TestFetchBesideABackupFindsAll(t *testing.T) {
	const many = 1500
	dir := filepath.Join(t.TempDir(), "a")
	a := create(t, dir, archive.Options{})
	run(t, a, true, func() { putLetters(t, a, inbox, 1, many) })
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	wg.Go(func() { flagOverAndOver(ctx, t, a, many) })
	r, err := open(t, dir, archive.Options{}).OpenReader(t.Context(), inbox)
	ok(t, err)
	defer closed(t, r)
	var all mail.UIDSet
	all.AddRange(1, many)
	for range 5 {
		got := make(map[mail.UID]int)
		ok(t, r.Fetch(t.Context(), all, func(info mail.Info, _ io.Reader) error { got[info.UID]++; return nil }))
		for uid := mail.UID(1); uid <= many; uid++ {
			if got[uid] != 1 {
				t.Fatalf("UID %d came %d times: %v", uid, got[uid], r.(mail.Withholder).Withheld(uid))
			}
		}
	}
}

// flagOverAndOver sets a flag of all messages and takes it away again.
func flagOverAndOver(ctx context.Context, t *testing.T, a *archive.Archive, many int) {
	w, err := a.OpenWriter(t.Context(), inbox)
	if err != nil {
		t.Error(err)
		return
	}
	defer w.Close()
	seen := mail.NewFlags(mail.Seen)
	for set := true; ctx.Err() == nil; set = !set {
		var list []mail.FlagChange
		for n := 1; n <= many; n++ {
			c := mail.FlagChange{UID: mail.UID(n), Remove: seen}
			if set {
				c = mail.FlagChange{UID: mail.UID(n), Add: seen}
			}
			list = append(list, c)
		}
		if err := w.SetFlags(context.WithoutCancel(ctx), list); err != nil {
			t.Error(err)
			return
		}
	}
}
