package archive_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailferry/archive"
	"mailferry/transfer/mail"
	"mailferry/transfer/mail/mailtest"
)

// TestAFolderMayBeCalledCur: an mbox archive has a directory of that name then, as a Maildir has. The records are lost one
// after the other.
func TestAFolderMayBeCalledCur(t *testing.T) {
	src, dir := mailtest.New(mailtest.Options{Reporter: t, Name: source}), filepath.Join(t.TempDir(), "a")
	src.Put(inbox, nil, letterDate(1), letter(1))
	src.Put(mail.NewPath("cur"), nil, letterDate(2), letter(2))
	src.Put(mail.NewPath("cur", "x"), nil, letterDate(3), letter(3))
	closed(t, create(t, dir, archive.Options{Format: archive.MBox}))
	backup(t, src, dir, nil)
	for _, lose := range []string{"nothing", "README", "catalogue.db", "catalogue.copy", ""} {
		ok(t, os.RemoveAll(own(dir, lose)))
		a := open(t, dir, archive.Options{})
		if !strings.HasPrefix(a.String(), "mbox:") {
			t.Fatalf("without %q it is taken for %s", lose, a)
		}
		closed(t, a)
	}
	backup(t, src, dir, nil)
	if diff := differences(restore(t, dir, archive.Options{}), src.Dump()); diff != "" {
		t.Errorf("restored:\n%s", diff)
	}
}

// TestTheFormatIsWrittenDown: what others have put into an archive tells nothing of it.
func TestTheFormatIsWrittenDown(t *testing.T) {
	forBoth(t, func(t *testing.T, format archive.Format) {
		dir := filepath.Join(t.TempDir(), "a")
		closed(t, create(t, dir, archive.Options{Format: format}))
		for _, name := range []string{"cur", "new", "tmp"} {
			ok(t, os.MkdirAll(filepath.Join(dir, name), 0o700))
		}
		ok(t, os.WriteFile(filepath.Join(dir, "INBOX.mbox"), nil, 0o600))
		for _, lose := range []string{"nothing", "README", "catalogue.db"} {
			ok(t, os.RemoveAll(own(dir, lose)))
			a := open(t, dir, archive.Options{})
			if !strings.HasPrefix(a.String(), string(format)+":") {
				t.Errorf("without %q it is taken for %s", lose, a)
			}
			closed(t, a)
		}
	})
}
