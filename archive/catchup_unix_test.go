//go:build unix

package archive_test

import (
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

// BenchmarkCatchUp is a small backup: in each of 26 folders are one more message and another flag than at the
// last one.
func BenchmarkCatchUp(b *testing.B) {
	const folders, before = 26, 40
	for _, format := range []archive.Format{archive.Maildir, archive.MBox} {
		b.Run(string(format), func(b *testing.B) {
			src := mailtest.New(mailtest.Options{Reporter: b, Name: source})
			path := func(k int) mail.Path { return mail.NewPath(fmt.Sprint("Folder", k)) }
			for n := range folders * before {
				src.Put(path(n%folders), nil, letterDate(n), letter(n))
			}
			dir := filepath.Join(b.TempDir(), "a")
			a, err := archive.Create(b.Context(), dir, archive.Options{Format: format})
			if err == nil {
				err = errors.Join(a.Close(), catchUp(b, src, dir))
			}
			if err != nil {
				b.Fatal(err)
			}
			n := folders * before
			measured(b, folders, 0, func() {
				for k := range folders {
					n++
					src.Put(path(k), nil, letterDate(n), letter(n))
					src.SetFlags(path(k), mail.UID(1+n/folders%before), mail.NewFlags(mail.Flagged, fmt.Sprint("Seen", n%7)))
				}
				if err := catchUp(b, src, dir); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}

// catchUp is a run of the engine, with the opening and closing of the archive.
func catchUp(b *testing.B, src mail.Source, dir string) error {
	a, err := archive.Open(b.Context(), dir, archive.Options{Write: true})
	if err != nil {
		return err
	}
	l, err := ledger.Open(filepath.Join(a.Dir(), "ledger.db"), ledger.Identity{Source: source, Dest: "archive"})
	if err != nil {
		return errors.Join(err, a.Close())
	}
	report, err := transfer.Run(b.Context(), transfer.Job{Source: src, Dest: a, Ledger: l, Timing: noWait(), Connections: 4})
	if err == nil && !report.Complete() {
		err = errors.New("something is missing")
	}
	return errors.Join(err, l.Close(), a.Close())
}
