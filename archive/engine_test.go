package archive_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mailferry/archive"
	"mailferry/transfer"
	"mailferry/transfer/ledger"
	"mailferry/transfer/mail"
	"mailferry/transfer/mail/mailtest"
)

// backup is one nightly run of the engine: archive and ledger are opened and closed.
func backup(t *testing.T, src mail.Source, dir string, change func(*transfer.Job, *archive.Options)) *transfer.Report {
	t.Helper()
	opts := archive.Options{Write: true}
	job := transfer.Job{Source: src, Timing: noWait(), Connections: 2}
	if change != nil {
		change(&job, &opts)
	}
	a := open(t, dir, opts)
	l, err := ledger.Open(filepath.Join(a.Dir(), "ledger.db"), ledger.Identity{Source: src.String(), Dest: "archive"})
	ok(t, err)
	job.Dest, job.Ledger = a, l
	report, err := transfer.Run(context.Background(), job)
	ok(t, err)
	closed(t, l)
	expectSound(t, a)
	closed(t, a)
	for _, f := range report.Folders {
		if f.Err != nil || f.Counts.Failed > 0 {
			t.Errorf("folder %q: %d failed, %v", f.Source, f.Counts.Failed, f.Err)
		}
	}
	return report
}

func noWait() transfer.Timing {
	return transfer.Timing{Sleep: func(ctx context.Context, _ time.Duration) error { return context.Cause(ctx) }}
}

// restore puts an archive into a new account and returns what that holds.
func restore(t *testing.T, dir string, opts archive.Options) string {
	t.Helper()
	a := open(t, dir, opts)
	defer closed(t, a)
	dst := mailtest.New(mailtest.Options{Reporter: t, Name: "restored:"})
	job := transfer.Job{Source: a, Dest: dst, Ledger: ledger.NewMemory(), Timing: noWait()}
	_, err := transfer.Run(context.Background(), job)
	ok(t, err)
	before := dst.DumpUIDs()
	report, err := transfer.Run(context.Background(), job)
	if ok(t, err); report.Total.Copied > 0 || dst.DumpUIDs() != before {
		t.Errorf("a second restore copied %d", report.Total.Copied)
	}
	return dst.Dump()
}

// account is a mailbox with everything that is hard.
func account(t *testing.T) *mailtest.Memory {
	src := mailtest.New(mailtest.Options{Reporter: t, Name: source})
	for i, s := range mailtest.Samples() {
		src.Put(inbox, mail.NewFlags(mail.Seen, fmt.Sprintf("Key%02d", i)), letterDate(i), s.Raw)
	}
	for n := 1; n <= 100; n++ {
		src.Put(mail.ParsePath("Archive/2024"), mail.NewFlags(mail.Answered), letterDate(n), letter(n))
	}
	src.AddFolder(mail.Folder{Path: mail.NewPath("Sent"), Role: mail.RoleSent, Subscribed: true})
	src.Put(mail.NewPath("Mailferry"), nil, letterDate(2), letter(600))
	for _, name := range []string{"sent", "Archive", "odd", "mailferry", ".mailferry"} {
		src.AddFolder(mail.Folder{Path: mail.NewPath(name)})
	}
	for _, name := range []string{"a.b", "../../x", "Grüße 日本", "%41", "\x01", strings.Repeat("long ", 60)} {
		src.Put(mail.NewPath("odd", name), nil, letterDate(1), letter(500))
		src.Put(mail.NewPath("odd", name), nil, letterDate(1), letter(500)) // a twin
	}
	return src
}

func TestBackupAndRestoreBringEverythingBack(t *testing.T) {
	forBoth(t, func(t *testing.T, format archive.Format) {
		src, dir := account(t), filepath.Join(t.TempDir(), "a")
		closed(t, create(t, dir, archive.Options{Format: format}))
		backup(t, src, dir, nil)
		if r := backup(t, src, dir, nil); r.Total.Copied > 0 || r.Total.Reflagged > 0 {
			t.Errorf("the second run copied %d and reflagged %d", r.Total.Copied, r.Total.Reflagged)
		}
		if diff := differences(restore(t, dir, archive.Options{}), src.Dump()); diff != "" {
			t.Errorf("restored:\n%s", diff)
		}
	})
}

// TestWhatChangesAtTheSource is a week of nightly backups, with losses that are meant and
// losses that may be an accident.
func TestWhatChangesAtTheSource(t *testing.T) {
	forBoth(t, func(t *testing.T, format archive.Format) {
		src, dir := account(t), filepath.Join(t.TempDir(), "a")
		big, small := mail.ParsePath("Archive/2024"), mail.ParsePath("odd/a.b")
		closed(t, create(t, dir, archive.Options{Format: format}))
		backup(t, src, dir, nil)
		first := src.Dump()
		for n := 200; n < 250; n++ {
			src.Put(big, nil, letterDate(n), letter(n))
		}
		for n := range 20 {
			src.SetFlags(big, mail.UID(50+n), mail.NewFlags(mail.Flagged, "new"))
		}
		for n := range 5 {
			src.Remove(big, mail.UID(10+n))
		}
		src.Put(mail.NewPath("fresh"), nil, letterDate(1), letter(300))
		backup(t, src, dir, nil)
		second := src.Dump()
		if diff := differences(restore(t, dir, archive.Options{}), second); diff != "" {
			t.Errorf("after changes:\n%s", diff)
		}
		if diff := differences(restore(t, dir, archive.Options{AsOf: "1"}), first); diff != "" {
			t.Errorf("as of the first run:\n%s", diff)
		}
		for n := range 60 { // emptied by an accident
			src.Remove(big, mail.UID(30+n))
		}
		src.RemoveFolder(small)
		backup(t, src, dir, nil)
		if diff := differences(restore(t, dir, archive.Options{}), second); diff != "" {
			t.Errorf("a loss that is suspect:\n%s", diff)
		}
		backup(t, src, dir, func(j *transfer.Job, o *archive.Options) { j.Filter.Folders, o.AcceptLoss = []string{"INBOX"}, true })
		if diff := differences(restore(t, dir, archive.Options{}), second); diff != "" {
			t.Errorf("a run of the INBOX only:\n%s", diff)
		}
		backup(t, src, dir, func(_ *transfer.Job, o *archive.Options) { o.AcceptLoss = true })
		if diff := differences(restore(t, dir, archive.Options{}), src.Dump()); diff != "" {
			t.Errorf("after --accept-loss:\n%s", diff)
		}
		if diff := differences(restore(t, dir, archive.Options{AsOf: "2"}), second); diff != "" {
			t.Errorf("as of the second run, at the end:\n%s", diff)
		}
	})
}

func TestLostRecordsCostNoMail(t *testing.T) {
	forBoth(t, func(t *testing.T, format archive.Format) {
		for _, lost := range [][]string{{"ledger.db"}, {"catalogue.db"}, {"catalogue.db", "catalogue.copy"}, {"ledger.db", "catalogue.db", "catalogue.copy", "lock"}, {"."}} {
			t.Run(strings.Join(lost, " "), func(t *testing.T) {
				src, dir := account(t), filepath.Join(t.TempDir(), "a")
				closed(t, create(t, dir, archive.Options{Format: format}))
				backup(t, src, dir, nil)
				for _, name := range lost {
					for _, suffix := range []string{"", ".lock", "-wal", "-shm"} {
						ok(t, os.RemoveAll(filepath.Join(dir, ".mailferry", name)+suffix))
					}
				}
				if lost[0] == "." {
					ok(t, os.RemoveAll(filepath.Join(dir, ".mailferry")))
				}
				src.Put(inbox, nil, letterDate(9), letter(999))
				r := backup(t, src, dir, nil)
				if n := r.Total.Copied; n != 1 {
					t.Errorf("%d messages were copied, one is new", n)
				}
				if diff := differences(withoutRoles(restore(t, dir, archive.Options{})), withoutRoles(src.Dump())); diff != "" {
					t.Errorf("restored:\n%s", diff)
				}
			})
		}
	})
}

// withoutRoles: from the files alone they are not known.
func withoutRoles(dump string) string { return strings.ReplaceAll(dump, ` \Sent`, "") }

// differences are the lines that one of two dumps has more often.
func differences(got, want string) string {
	count := make(map[string]int)
	var order []string
	note := func(text string, by int) {
		folder := ""
		for line := range strings.Lines(text) {
			if !strings.HasPrefix(line, "  ") {
				folder = line
			}
			key := strings.TrimSpace(folder) + " " + line
			if _, seen := count[key]; !seen {
				order = append(order, key)
			}
			count[key] += by
		}
	}
	note(got, 1)
	note(want, -1)
	var out []string
	for _, key := range order {
		if n := count[key]; n != 0 {
			out = append(out, fmt.Sprintf("%+d %s", n, key))
		}
	}
	if len(out) > 20 {
		out = append(out[:20], "...")
	}
	return strings.Join(out, "")
}
