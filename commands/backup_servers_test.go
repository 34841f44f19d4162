package commands_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mailferry/transfer/imapstore/servertest"
)

// archiving is the program between real servers and one archive, run as a user runs it.
type archiving struct {
	src, dst *servertest.Server
	srcAddr  string // host:port
	user     string
	archive  string // address
}

func newArchiving(t testing.TB, src, dst *servertest.Server, format string) *archiving {
	return &archiving{src: src, dst: dst, srcAddr: src.Addr, user: "anna",
		archive: format + ":" + filepath.Join(t.TempDir(), "archive")}
}

// dir is the archive's directory.
func (a *archiving) dir() string { return a.archive[strings.Index(a.archive, ":")+1:] }

func (a *archiving) command(ctx context.Context, verb string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "mailferry", append([]string{verb}, args...)...)
	cmd.Env = append(os.Environ(), "MAILFERRY_SOURCE_PASSWORD="+a.src.Password, "MAILFERRY_DEST_PASSWORD="+a.dst.Password)
	return cmd
}

// run runs one command and returns its exit code, its summary and all its objects.
func (a *archiving) run(t testing.TB, verb string, args ...string) (int, summary, []map[string]any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := a.command(ctx, verb, append([]string{"--json"}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	var s summary
	var all []map[string]any
	for line := range strings.Lines(out.String()) {
		object := make(map[string]any)
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Fatalf("not an object: %q: %v", line, err)
		}
		all = append(all, object)
		switch object["type"] {
		case "summary":
			if err := json.Unmarshal([]byte(line), &s); err != nil {
				t.Fatal(err)
			}
		case "message_error", "error", "damage", "difference":
			s.problems = append(s.problems, line)
		}
	}
	copies := verb == "backup" || verb == "restore"
	if copies && s.Found != s.Copied+s.Already+s.LeftOut+s.Failed+s.Pending {
		t.Errorf("the summary does not add up: %+v\n%s%s", s, out.String(), errs.String())
	}
	return cmd.ProcessState.ExitCode(), s, all
}

func (a *archiving) backup(t testing.TB, args ...string) (int, summary) {
	t.Helper()
	code, s, _ := a.run(t, "backup", append(args, address(a.srcAddr, a.user), a.archive)...)
	return code, s
}

func (a *archiving) restore(t testing.TB, user string, args ...string) (int, summary) {
	t.Helper()
	code, s, _ := a.run(t, "restore", append(args, "--state", filepath.Join(t.TempDir(), "state.db"), a.archive, address(a.dst.Addr, user))...)
	return code, s
}

// verify expects an archive that is intact, and with sources, complete.
func (a *archiving) verify(t testing.TB, source ...string) {
	t.Helper()
	args := append([]string{a.archive}, source...)
	if len(source) > 0 {
		args = append(args, "--bodies")
	}
	code, s, _ := a.run(t, "verify", args...)
	if code != 0 || len(s.problems) > 0 {
		t.Errorf("verify: exit %d, %v", code, s.problems)
	}
}

func formats() []string { return []string{"maildir", "mbox"} }

// TestBackupAndRestore carries a mailbox full of difficulties into an archive and from
// there to another server, and lets the judge compare: nothing is changed on the way.
func TestBackupAndRestore(t *testing.T) {
	src := servertest.StartDovecot(t, servertest.DovecotOptions{Memory: true})
	dst := servertest.StartDovecot(t, servertest.DovecotOptions{Memory: true, Separator: ".", Prefix: "INBOX."})
	fillCorpus(t, src, "anna", servertest.CorpusOptions{Small: slow || testing.Short(), Few: slow, Extra: []servertest.Folder{hardFolder()}})
	before := snapshot(t, src, "anna")
	for _, format := range formats() {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			a := newArchiving(t, src, dst, format)
			addr, log := servertest.Relay(t, src.Addr)
			a.srcAddr = addr
			if code, s := a.backup(t); code != 0 || s.Copied != before.Messages() {
				t.Errorf("backup: exit %d, %+v", code, s)
			}
			if code, s := a.backup(t); code != 0 || s.Copied != 0 || s.Already != before.Messages() {
				t.Errorf("second backup: exit %d, %+v", code, s)
			}
			if n := log.Count("SELECT", "STORE", "UID STORE", "APPEND"); n > 0 || len(log.Changes()) > 0 {
				t.Errorf("the source was told to change something: %v", log.Changes())
			}
			a.verify(t)
			a.verify(t, address(src.Addr, "anna"))

			user := "restored-" + format
			if code, s := a.restore(t, user); code != 0 || s.Copied != before.Messages() {
				t.Errorf("restore: exit %d, %+v", code, s)
			}
			after := snapshot(t, dst, user)
			wantEqual(t, before, after)
			if folders := servertest.OutOfOrder(before, after); len(folders) > 0 {
				t.Errorf("in another order: %v", folders)
			}
			// Each restore here has a new record: what is there must be recognised.
			if code, s := a.restore(t, user); code != 0 || s.Copied != 0 || s.Already != before.Messages() {
				t.Errorf("second restore: exit %d, %+v", code, s)
			}
			if !sameMessages(snapshot(t, dst, user), after) {
				t.Error("the second restore changed the destination")
			}
		})
	}
}

// TestArchivesGoToOtherServers restores to servers that cannot hold everything.
func TestArchivesGoToOtherServers(t *testing.T) {
	src := servertest.StartDovecot(t, servertest.DovecotOptions{Memory: true})
	fillCorpus(t, src, "anna", servertest.CorpusOptions{Small: true, Few: true})
	before := snapshot(t, src, "anna")
	for _, p := range pairs()[1:] {
		t.Run(p.name, func(t *testing.T) {
			dst := p.dst(t)
			for _, format := range formats()[:some(2)] {
				a := newArchiving(t, src, dst, format)
				if code, s := a.backup(t); code != 0 {
					t.Fatalf("exit %d, %+v", code, s)
				}
				user := "anna" + format
				for n, copied := range []int{before.Messages(), 0} {
					if code, s := a.restore(t, user); code != 0 || s.Copied != copied {
						t.Errorf("%s, restore %d: exit %d, %+v", format, n+1, code, s)
					}
				}
				wantEqual(t, renamed(before, p.renamed), snapshot(t, dst, user), p.excuses()...)
			}
		})
	}
}

// TestArchivesAreConverted carries the mailbox from one format to the other and back.
func TestArchivesAreConverted(t *testing.T) {
	src := servertest.StartDovecot(t, servertest.DovecotOptions{Memory: true})
	dst := servertest.StartDovecot(t, servertest.DovecotOptions{Memory: true})
	fillCorpus(t, src, "anna", servertest.CorpusOptions{Small: true, Few: true})
	before := snapshot(t, src, "anna")
	a := newArchiving(t, src, dst, "maildir")
	if code, s := a.backup(t); code != 0 {
		t.Fatalf("exit %d, %+v", code, s)
	}
	for _, to := range []string{"mbox", "maildir"} {
		next := newArchiving(t, src, dst, to)
		for n, copied := range []int{before.Messages(), 0} {
			code, s, _ := a.run(t, "migrate", a.archive, next.archive)
			if code != 0 || s.Copied != copied {
				t.Errorf("to %s, run %d: exit %d, %+v", to, n+1, code, s)
			}
		}
		next.verify(t)
		a = next
	}
	if code, s := a.restore(t, "converted"); code != 0 {
		t.Errorf("exit %d, %+v", code, s)
	}
	wantEqual(t, before, snapshot(t, dst, "converted"))
}
