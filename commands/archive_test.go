package commands

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailferry/archive"
	"mailferry/transfer"
	"mailferry/transfer/ledger"
	"mailferry/transfer/mail"
	"mailferry/transfer/mail/mailtest"
)

func TestArchiveAddresses(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	cases := []struct {
		arg    string
		path   string
		format archive.Format
		text   string
	}{
		{"maildir:a", "a", archive.Maildir, "maildir:" + filepath.Join(dir, "a")},
		{"MBOX:./a/../b", "b", archive.MBox, "mbox:" + filepath.Join(dir, "b")},
		{"maildir:with space?and=this", "with space?and=this", archive.Maildir, ""},
		{".", "", "", dir}, // is there, so it needs no scheme
		{"mbox:maildir:x", "maildir:x", archive.MBox, ""},
	}
	for _, c := range cases {
		a, _, err := (&config{}).resolve(c.arg)
		if err != nil || a.path != filepath.Join(dir, c.path) || a.format != c.format || !a.isArchive() {
			t.Errorf("%s: %+v, %v", c.arg, a, err)
		}
		if c.text != "" && a.String() != c.text {
			t.Errorf("%s: is shown as %q, want %q", c.arg, a, c.text)
		}
	}
	for _, arg := range []string{"maildir:", "mbox:", "maildir:~", "mbox:~/mail", "maildir://host/x", "maildir", "mbox:a\x00b"} {
		if a, _, err := (&config{}).resolve(arg); codeOf(err) != exitUsage {
			t.Errorf("%q: %+v, %v", arg, a, err)
		}
	}
}

func TestArchivesAreToldApartByTheirPath(t *testing.T) {
	at := func(path string, format archive.Format) address { return address{path: path, format: format} }
	if !at("/a", archive.Maildir).sameAccount(at("/a", "")) || at("/a", "").sameAccount(at("/b", "")) || at("/a", "").sameAccount(address{user: "u", host: "h"}) {
		t.Error("archives are the same if and only if their paths are")
	}
	if a, b := stateName(at("/a/b", "")), stateName(at("/a%2Fb", "")); a == b || strings.Contains(a+b, "/") {
		t.Errorf("names of records: %q and %q", a, b)
	}
}

// What goes wrong with an archive's path is a mistake in the command line; what goes wrong with the
// archive is not.
func TestExitCodeOfAnArchiveThatDoesNotOpen(t *testing.T) {
	failed := func(kind mail.Kind, cause error) error {
		return &mail.Error{Op: "open the archive", Scope: mail.ScopeStore, Retry: mail.RetryNever, Kind: kind, Err: cause}
	}
	cases := []struct {
		err  error
		want exitCode
	}{
		{failed(mail.KindNotFound, errors.New("nothing")), exitUsage},
		{failed(mail.KindRefused, errors.New("it is a file")), exitUsage},
		{failed(mail.KindOther, archive.ErrNotArchive), exitUsage},
		{failed(mail.KindLocked, errors.New("in use")), exitLocked},
		{failed(mail.KindSpace, errors.New("no space left on device")), exitFull},
		{failed(mail.KindDamaged, errors.New("the catalogue")), exitDamaged},
		{errors.Join(failed(mail.KindSpace, errors.New("no space left")), nil), exitFull},
		{errors.New("anything"), exitFailed},
	}
	for _, c := range cases {
		if got := codeOf(archiveFailure(transfer.EndDest, c.err)); got != c.want {
			t.Errorf("%v: exit code %d, want %d", c.err, got, c.want)
		}
	}
	if got := codeOf(fmt.Errorf("x: %w", archive.ErrOtherSource)); got != exitUsage {
		t.Errorf("another source: exit code %d", got)
	}
}

// The record of an archive lies on its disk, so a disk that is full is the destination's.
func TestADiskFullOfTheRecord(t *testing.T) {
	full := kindError("", mail.KindSpace)
	for inArchive, want := range map[bool]exitCode{true: exitFull, false: exitFailed} {
		m := &migration{ownRecord: inArchive}
		if got := codeOf(m.blame(full)); got != want {
			t.Errorf("record in the archive %v: exit code %d, want %d", inArchive, got, want)
		}
	}
	m := &migration{ownRecord: true}
	if got := codeOf(m.blame(kindError(transfer.EndSource, mail.KindAuth))); got != exitSourceLogin {
		t.Errorf("an error of the source: exit code %d", got)
	}
	if m.blame(nil) != nil {
		t.Error("no error became one")
	}
}

func TestADamagedMessageIsMissingAndNotMore(t *testing.T) {
	r := &transfer.Report{Total: transfer.Counts{Found: 2, Copied: 1, Failed: 1},
		Problems: []transfer.Problem{{Kind: transfer.ProblemFailed, UID: 1, Err: kindError(transfer.EndSource, mail.KindDamaged)}}}
	if got := worst(reportCodes(r)); got != exitIncomplete {
		t.Errorf("exit code %d, want %d", got, exitIncomplete)
	}
}

func TestBackupRecordsNothingOutsideTheArchive(t *testing.T) {
	b := newBench(t)
	b.world.engine.ledger = openLedger
	fill(b.account("old", mailtest.Options{}), "INBOX", 3)
	dir := filepath.Join(t.TempDir(), "a")
	b.must("backup", oldAccount, "maildir:"+dir)
	b.must("migrate", oldAccount, dir)
	if want := "all 3 messages of 1 folder are at the destination (0 copied, 3 already there)"; b.lastLine() != want {
		t.Errorf("migrate after backup says %q, want %q", b.lastLine(), want)
	}
	l, err := ledger.OpenReadOnly(filepath.Join(dir, ".mailferry", "ledger.db"), ledger.Identity{Source: "u@old", Dest: "archive"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if pairs, err := l.Pairs(t.Context()); err != nil || len(pairs) != 1 {
		t.Errorf("%d folders are recorded, %v", len(pairs), err)
	}
}

// faraway is a server that does not answer.
type faraway struct{ mail.Store }

func (faraway) Connect(ctx context.Context) { <-ctx.Done() }

// A mistake is told at once, whatever the server at the other end does meanwhile.
func TestNobodyWaitsForAServerThatIsNotNeeded(t *testing.T) {
	b := newBench(t)
	b.account("old", mailtest.Options{})
	b.wrap = func(s mail.Store) mail.Store { return faraway{s} }
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if code := b.mailferry("backup", oldAccount, "maildir:"+dir); code != int(exitUsage) {
		t.Errorf("exit code %d: %s", code, &b.err)
	}
	b.world.engine.ledger = func(string, string, string, bool) (transfer.Ledger, error) {
		return nil, &mail.Error{Op: "open the record", Scope: mail.ScopeStore, Retry: mail.RetryNever, Kind: mail.KindLocked, Err: errors.New("in use")}
	}
	if code := b.mailferry("backup", oldAccount, "maildir:"+filepath.Join(t.TempDir(), "a")); code == 0 {
		t.Error("a record that is in use is used")
	}
}

// TestWhatARunMarkedBeforeItWasKilledIsCounted: such a run has not written down how much it marked.
func TestWhatARunMarkedBeforeItWasKilledIsCounted(t *testing.T) {
	ctx, dir := t.Context(), filepath.Join(t.TempDir(), "ar")
	inbox := mail.NewPath("INBOX")
	run := func(open func(context.Context, string, archive.Options) (*archive.Archive, error), do func(w mail.Writer), end bool) {
		t.Helper()
		a, err := open(ctx, dir, archive.Options{Format: archive.Maildir, Write: true})
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		err = errors.Join(a.BeginRun(ctx, "imap://u@h"), a.Create(ctx, mail.Folder{Path: inbox}))
		w, werr := a.OpenWriter(ctx, inbox)
		if err = errors.Join(err, werr); err != nil {
			t.Fatal(err)
		}
		do(w)
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		if end {
			err = a.EndRun(ctx, true)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	left := func() int64 {
		t.Helper()
		a, err := archive.Open(ctx, dir, archive.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		n, err := (&migration{source: address{path: dir}}).goneIn(ctx, a)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	run(archive.Create, func(w mail.Writer) {
		for n := range 3 {
			msg := &mail.Message{Origin: mail.Origin{Source: "imap://u@h", Folder: inbox, UIDValidity: 1, UID: mail.UID(n + 1)}, Body: mail.BytesBody("a: b\r\n\r\n")}
			if err := w.Append(ctx, msg, func(mail.UID, error) {}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	}, true)
	if n := left(); n != 0 {
		t.Errorf("%d messages are gone of an archive that has all", n)
	}
	run(archive.Open, func(w mail.Writer) {
		if err := w.(mail.GoneMarker).MarkGone(ctx, mail.NewUIDSet(2), false); err != nil {
			t.Fatal(err)
		}
	}, false)
	if n := left(); n != 1 {
		t.Errorf("%d messages are gone behind a run that was killed, want 1", n)
	}
}
