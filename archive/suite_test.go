package archive_test

import (
	"path/filepath"
	"testing"

	"mailferry/archive"
	"mailferry/transfer/mail"
	"mailferry/transfer/mail/mailtest"
)

func TestSuite(t *testing.T) {
	for _, format := range []archive.Format{archive.Maildir, archive.MBox} {
		t.Run(string(format), func(t *testing.T) {
			mailtest.Run(t, func(t *testing.T) mail.Store {
				a, err := archive.Create(t.Context(), filepath.Join(t.TempDir(), "a"), archive.Options{Format: format})
				if err != nil {
					t.Fatal(err)
				}
				return a
			})
		})
	}
}
