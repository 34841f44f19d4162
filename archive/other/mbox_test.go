package other_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
