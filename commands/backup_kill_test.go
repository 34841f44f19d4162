package commands_test

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mailferry/transfer/imapstore/imaptest/faultproxy"
	"mailferry/transfer/imapstore/servertest"
)

// kills is how often a program is killed in a row.
func kills() int {
	if slow || testing.Short() {
		return 6
	}
	return killsInARow
}

// TestBackupsKilledAtRandomMoments kills a backup many times in a row amid its work, and then a
// restore of the archive: verify finds nothing, and the judge finds everything once.
func TestBackupsKilledAtRandomMoments(t *testing.T) {
	src := servertest.StartDovecot(t, servertest.DovecotOptions{Memory: true})
	dst := servertest.StartDovecot(t, servertest.DovecotOptions{Memory: true, Separator: ".", Prefix: "INBOX."})
	fillCorpus(t, src, "anna", servertest.CorpusOptions{Small: true, Few: slow || testing.Short()})
	before := snapshot(t, src, "anna")
	for _, format := range formats() {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			once := newArchiving(t, src, dst, format)
			if code, s := once.backup(t); code != 0 {
				t.Fatalf("exit %d, %+v", code, s)
			}
			a := newArchiving(t, src, dst, format)
			octets := func() int { return mailIn(a.dir()) }
			k := killing{kills: kills(), whole: mailIn(once.dir()) / 2, progress: octets} // mail is committed in groups
			moments := k.inARow(t, func(ctx context.Context) *exec.Cmd {
				return a.command(ctx, "backup", "--quiet", "--rate-limit", "3M", address(src.Addr, "anna"), a.archive)
			})
			if code, s := a.backup(t); code != 0 {
				t.Errorf("the last backup: exit %d, %+v", code, s)
			}
			if n := histogram(t, moments, octets()); n < k.kills/3 {
				t.Errorf("only %d kills of the backup fell amid its work", n)
			}
			a.verify(t, address(src.Addr, "anna"))
			a.restoreKilled(t, "killed-"+format, before)
		})
	}
}

// restoreKilled kills a restore again and again, lets it finish, and compares.
func (a *archiving) restoreKilled(t *testing.T, user string, want *servertest.Mailbox) {
	t.Helper()
	proxy := faultproxy.Start(t, a.dst.Addr, faultproxy.Hide("MULTIAPPEND"))
	args := []string{"--state", filepath.Join(t.TempDir(), "restore.db"), a.archive, address(proxy.Addr(), user)}
	appends := func() int { return proxy.Count("APPEND") }
	k := killing{kills: kills(), whole: want.Messages(), progress: appends}
	moments := k.inARow(t, func(ctx context.Context) *exec.Cmd { return a.command(ctx, "restore", append(args, "--quiet")...) })
	if code, s, _ := a.run(t, "restore", args...); code != 0 {
		t.Errorf("the last restore: exit %d, %+v", code, s)
	}
	if n := histogram(t, moments, appends()); n < k.kills/3 {
		t.Errorf("only %d kills of the restore fell amid its work", n)
	}
	wantEqual(t, want, snapshot(t, a.dst, user))
}

// mailIn counts the octets of mail that are committed in an archive.
func mailIn(dir string) (n int) {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && (d.Name() == ".mailferry" || d.Name() == "tmp") {
			return fs.SkipDir // it may be renamed while it is looked at
		}
		if !d.IsDir() && (strings.HasSuffix(path, ".mbox") || filepath.Base(filepath.Dir(path)) == "cur") {
			if info, err := d.Info(); err == nil {
				n += int(info.Size())
			}
		}
		return nil
	})
	return n
}

// TestBackupsWhoseRecordsAreHurt kills backups at random moments, and hurts the archive's records
// between them. A bit of the catalogue is flipped after a run that was not killed, which has sealed it.
func TestBackupsWhoseRecordsAreHurt(t *testing.T) {
	src := servertest.StartDovecot(t, servertest.DovecotOptions{Memory: true})
	fillCorpus(t, src, "anna", servertest.CorpusOptions{Small: true, Few: slow || testing.Short()})
	for _, format := range formats()[:some(2)] {
		for what, hurt := range map[string]func(t *testing.T, records string, n int){
			"the catalogue is deleted": func(t *testing.T, records string, _ int) { os.Remove(filepath.Join(records, "catalogue.db")) },
			"the catalogue is cut":     func(t *testing.T, records string, n int) { cutFile(t, filepath.Join(records, "catalogue.db"), n) },
			"the ledger is deleted":    func(t *testing.T, records string, _ int) { os.Remove(filepath.Join(records, "ledger.db")) },
			"all records are deleted":  nil,
			"a bit of the catalogue":   nil,
			"a bit of the ledger":      nil,
		} {
			t.Run(format+", "+what, func(t *testing.T) {
				t.Parallel()
				a := newArchiving(t, src, src, format)
				records := filepath.Join(a.dir(), ".mailferry")
				start := time.Now()
				if hurt == nil {
					hurt = a.hurtSealed(what)
				}
				for n := range kills() / 3 {
					a.killSoon(t, n)
					hurt(t, records, n)
				}
				if code, s := a.backup(t); code != 0 {
					t.Errorf("the last backup: exit %d, %+v", code, s)
				}
				a.verify(t, address(src.Addr, "anna"))
				t.Logf("%v", time.Since(start).Round(time.Millisecond))
			})
		}
	}
}

// hurtSealed hurts the records after a whole run. Without any of them, files that hold no mail
// yet would not tell what they are.
func (a *archiving) hurtSealed(what string) func(t *testing.T, records string, n int) {
	return func(t *testing.T, records string, n int) {
		if code, s := a.backup(t); code != 0 {
			t.Errorf("backup %d: exit %d, %+v", n, code, s)
		}
		if what == "all records are deleted" {
			must(t, os.RemoveAll(records))
			return
		}
		flipBit(t, filepath.Join(records, strings.TrimPrefix(what, "a bit of the ")+".db"), n+1)
	}
}

// killSoon starts a backup and kills it after a random time.
func (a *archiving) killSoon(t *testing.T, n int) {
	t.Helper()
	longest := 600 * time.Millisecond
	if slow {
		longest *= 4
	}
	random := rand.New(rand.NewPCG(uint64(len(a.archive)), uint64(n)))
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(random.Int64N(int64(longest))))
	defer cancel()
	cmd := a.command(ctx, "backup", "--quiet", address(a.srcAddr, a.user), a.archive)
	var errs strings.Builder
	cmd.Stderr = &errs
	_ = cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != -1 && code != 0 {
		t.Errorf("backup %d: exit %d: %s", n+1, code, errs.String())
	}
}

func cutFile(t *testing.T, name string, n int) {
	if info, err := os.Stat(name); err == nil {
		if err := os.Truncate(name, info.Size()*int64(n%7)/7); err != nil {
			t.Error(err)
		}
	}
}

func flipBit(t *testing.T, name string, n int) {
	data, err := os.ReadFile(name)
	if err != nil || len(data) == 0 {
		t.Error(fmt.Errorf("nothing to flip: %w", err))
		return
	}
	data[len(data)*(n%11)/11] ^= 0x10
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Error(err)
	}
}
