package other_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mailferry/archive/mbox"
	"mailferry/archive/other"
	"mailferry/transfer/mail"
)

// letter is one message of an mbox.
func letter(subject, extra string) string {
	return "From ann@example.org Thu Jan  2 15:04:05 2025\nSubject: " + subject + "\n" + extra + "\nbody\n\n"
}

func gzipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.String()
}

func TestMboxTrees(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		at    string
		want  string
	}{
		"a single file": {map[string]string{"Old mail.mbox": letter("1", "") + letter("2", "Status: RO\nX-Status: F\n")}, "Old mail.mbox", `
Old mail 1 () "Subject: 1\r\n\r\nbody\r\n"
Old mail 2 (\Flagged \Seen) "Subject: 2\r\n\r\nbody\r\n"
`},
		"compressed": {map[string]string{"2019.mbox.gz": gzipped(letter("1", ""))}, "2019.mbox.gz", `
2019 1 () "Subject: 1\r\n\r\nbody\r\n"
`},
		"Thunderbird": {map[string]string{
			"Inbox": letter("1", "X-Mozilla-Status: 0001\n"), "Inbox.msf": "// <!-- <mdb:mork", "Trash.msf": "", "filterlog.html": "<html>",
			"Work": "", "Work.sbd/Old": letter("2", "X-Mozilla-Status: 0000\n"), "Work.sbd/Old.msf": "x", "Work.sbd/Old.sbd/Older": letter("3", ""),
		}, "", `
INBOX 1 (\Seen) "Subject: 1\r\n\r\nbody\r\n"
Work/Old 1 () "Subject: 2\r\n\r\nbody\r\n"
Work/Old/Older 1 () "Subject: 3\r\n\r\nbody\r\n"
`},
		"Google Takeout": {map[string]string{
			"Takeout/Mail/All mail Including Spam and Trash.mbox": letter("1", "X-Gmail-Labels: Inbox,Unread,Project X\n") + letter("2", "X-Gmail-Labels: Sent,Starred\n"),
			"Takeout/archive_browser.html":                        "<html>",
		}, "", `
Takeout/Mail/All mail Including Spam and Trash 1 (Project_X) "Subject: 1\r\n\r\nbody\r\n"
Takeout/Mail/All mail Including Spam and Trash 2 (\Flagged \Seen) "Subject: 2\r\n\r\nbody\r\n"
`},
		"Apple Mail and Dovecot": {map[string]string{
			"Sent.mbox/mbox": letter("1", ""), "Sent.mbox/table_of_contents": "x", "work/2020": letter("2", "Status: R\n"), ".imap/work/dovecot.index": "x", ".subscriptions": "x",
		}, "", `
Sent 1 () "Subject: 1\r\n\r\nbody\r\n"
work/2020 1 (\Seen) "Subject: 2\r\n\r\nbody\r\n"
`},
	} {
		t.Run(name, func(t *testing.T) {
			at := filepath.Join(tree(t, c.files), c.at)
			for _, kind := range []other.Kind{other.MBox, other.Any} {
				expect(t, contents(t, open(t, at, kind)), c.want)
			}
		})
	}
}

// A file to which mail is delivered is read as it was when it was opened; what comes later is
// there in the next session. One that was written again gives an error and never other octets.
func TestALiveMbox(t *testing.T) {
	root := tree(t, map[string]string{"in": letter("1", "") + letter("2", "")})
	at := filepath.Join(root, "in")
	s := open(t, at, other.MBox)
	r, err := s.OpenReader(t.Context(), mail.NewPath("in"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(at, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(letter("3", "")); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if got := fetchAll(t, r); len(got) != 2 {
		t.Errorf("the open folder has %q", got)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(at, old, old); err != nil {
		t.Fatal(err)
	}
	if got := contents(t, s); strings.Count(got, "\n") != 3 {
		t.Errorf("the next session has\n%s", got)
	}

	r, err = s.OpenReader(t.Context(), mail.NewPath("in"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, []byte(letter("other", "X-More: so that nothing is where it was\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	var all mail.UIDSet
	all.AddRange(1, 3)
	err = r.Fetch(t.Context(), all, func(i mail.Info, body io.Reader) error {
		octets, err := io.ReadAll(body)
		if err == nil && !bytes.Contains(octets, []byte("Subject: 1")) && !bytes.Contains(octets, []byte("Subject: 2")) {
			t.Errorf("uid %d is %q", i.UID, octets)
		}
		return err
	})
	if err == nil {
		t.Error("the file was written again, and nobody says so")
	}
}

// An mbox that is rewritten in place, with other octets in the same places, is noticed.
func TestAnMboxWithOtherOctetsInTheSamePlaces(t *testing.T) {
	root := tree(t, map[string]string{"in": letter("1", "") + letter("2", "")})
	r, err := open(t, root, other.MBox).OpenReader(t.Context(), mail.NewPath("in"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "in"), []byte(letter("1", "")+letter("3", "")), 0o600); err != nil {
		t.Fatal(err)
	}
	var got []string
	err = r.Fetch(t.Context(), mail.NewUIDSet(1, 2), func(i mail.Info, body io.Reader) error {
		octets, err := io.ReadAll(body)
		got = append(got, string(octets))
		return err
	})
	if err == nil || mail.ErrorOf(err).Retry != mail.RetrySoon || len(got) != 1 || !strings.Contains(got[0], "Subject: 1") {
		t.Errorf("fetched %q, %v", got, err)
	}
}

// archived is an mbox as an archive has it.
func archived(t *testing.T, bodies ...string) string {
	t.Helper()
	at := filepath.Join(t.TempDir(), "old.mbox")
	disk, err := os.OpenFile(at, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	f, _, err := mbox.Open(disk, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, body := range bodies {
		m := &mail.Message{Origin: mail.Origin{UIDValidity: 1, UID: mail.UID(i + 1)}, Body: mail.BytesBody(body)}
		if _, err := f.Append(m); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return at
}

// A damaged message of an archive is listed and withheld, so that it is missed; the others come.
func TestADamagedMessageIsWithheld(t *testing.T) {
	at := archived(t, "Subject: 1\r\n\r\none\r\n", "Subject: 2\r\n\r\ntwo\r\n", "Subject: 3\r\n\r\nthree\r\n")
	text, err := os.ReadFile(at)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, bytes.Replace(text, []byte("\ntwo"), []byte("\ntoo"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := open(t, at, other.MBox).OpenReader(t.Context(), mail.NewPath("old"))
	if err != nil {
		t.Fatal(err)
	}
	var listed mail.UIDSet
	err = r.List(t.Context(), mail.ListOptions{Flags: true, Size: true, Key: true}, func(i mail.Info) error {
		listed.Add(i.UID)
		return nil
	})
	if err != nil || listed.String() != "1:3" || r.Status().Messages != 3 {
		t.Errorf("listed %s of %d, %v", listed, r.Status().Messages, err)
	}
	got := strings.Join(fetchAll(t, r), "\n")
	if strings.Contains(got, "too") || !strings.Contains(got, "one") || !strings.Contains(got, "three") {
		t.Errorf("fetched\n%s", got)
	}
	w := r.(mail.Withholder)
	if e := mail.ErrorOf(w.Withheld(2)); e.Kind != mail.KindDamaged || e.Scope != mail.ScopeMessage || w.Withheld(1) != nil {
		t.Errorf("why the second did not come: %v; the first: %v", e, w.Withheld(1))
	}
}

// The last message of a file that was written a moment ago may still be on its way: it is
// waited for, and not left out.
func TestAFileWrittenAMomentAgo(t *testing.T) {
	if testing.Short() {
		t.Skip("waits")
	}
	t.Parallel()
	at := filepath.Join(tree(t, map[string]string{"in": ""}), "in")
	whole := strings.TrimSuffix(letter("1", "")+letter("2", ""), "\n")
	if err := os.WriteFile(at, []byte(whole), 0o600); err != nil {
		t.Fatal(err)
	}
	recent := time.Now().Add(-9 * time.Second)
	if err := os.Chtimes(at, recent, recent); err != nil {
		t.Fatal(err)
	}
	if got := contents(t, open(t, at, other.MBox)); strings.Count(got, "\n") != 2 {
		t.Errorf("read\n%s", got)
	}
}
