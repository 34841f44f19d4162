package commands_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mailferry/transfer/imapstore/servertest"
)

// startUp is about what the program needs before it works on messages.
const startUp = 60 * time.Millisecond

// TestBackupsKilledAtRandomMoments kills a backup many times in a row, and then a restore of
// the archive: verify finds nothing, and the judge finds everything once. In some rounds the
// catalogue is hurt between the runs; a bit of it is flipped after a run that was not killed, which
// has sealed it.
func TestBackupsKilledAtRandomMoments(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	src := servertest.StartDovecot(t, servertest.DovecotOptions{Memory: true})
	dst := servertest.StartDovecot(t, servertest.DovecotOptions{Memory: true, Separator: ".", Prefix: "INBOX."})
	fillCorpus(t, src, "anna", servertest.CorpusOptions{Small: true})
	before := snapshot(t, src, "anna")
	for _, format := range formats() {
		for name, hurt := range map[string]func(t *testing.T, name string, n int){
			"as it is":           nil,
			"catalogue deleted":  func(t *testing.T, name string, _ int) { os.Remove(name) },
			"catalogue cut":      cutFile,
			"a bit is flipped":   flipBit,
			"the ledger deleted": func(t *testing.T, name string, _ int) { os.Remove(filepath.Join(filepath.Dir(name), "ledger.db")) },
		} {
			t.Run(format+", "+name, func(t *testing.T) {
				t.Parallel()
				a := newArchiving(t, src, dst, format)
				once := newArchiving(t, src, dst, format)
				start := time.Now()
				if code, s := once.backup(t); code != 0 {
					t.Fatalf("exit %d, %+v", code, s)
				}
				whole := time.Since(start)
				kills := a.killInARow(t, whole, func(n int) {
					if name == "a bit is flipped" {
						if n%10 != 9 {
							return
						}
						if code, s := a.backup(t); code != 0 {
							t.Errorf("exit %d, %+v", code, s)
						}
					}
					if hurt != nil && n%3 != 1 {
						hurt(t, filepath.Join(a.dir(), ".mailferry", "catalogue.db"), n)
					}
				}, "backup", "--quiet", address(src.Addr, "anna"), a.archive)
				if code, s := a.backup(t); code != 0 {
					t.Errorf("the last backup: exit %d, %+v", code, s)
				}
				a.verify(t, address(src.Addr, "anna"))

				user := fmt.Sprintf("%s%d", format, len(name))
				state := filepath.Join(t.TempDir(), "restore.db")
				restore := []string{"--quiet", "--state", state, a.archive, address(dst.Addr, user)}
				restored := a.killInARow(t, whole, nil, "restore", restore...)
				if code, s, _ := a.run(t, "restore", restore[1:]...); code != 0 {
					t.Errorf("the last restore: exit %d, %+v", code, s)
				}
				wantEqual(t, before, snapshot(t, dst, user))
				t.Logf("%d backups and %d restores were killed at work", kills, restored)
				if kills < killsInARow/3 || restored < killsInARow/3 {
					t.Errorf("too few: of %d each", killsInARow)
				}
			})
		}
	}
}

// killInARow starts a command again and again and kills it after a random time, such that all of
// them together take about twice as long as the whole. It returns how often it was killed before its end.
func (a *archiving) killInARow(t *testing.T, whole time.Duration, between func(n int), verb string, args ...string) (kills int) {
	t.Helper()
	random := rand.New(rand.NewPCG(uint64(len(a.archive)), 11))
	for n := range killsInARow {
		ctx, cancel := context.WithTimeout(context.Background(), startUp+time.Duration(random.Int64N(int64(4*whole/killsInARow))))
		cmd := a.command(ctx, verb, args...)
		var errs strings.Builder
		cmd.Stderr = &errs
		_ = cmd.Run()
		switch code := cmd.ProcessState.ExitCode(); code {
		case -1:
			kills++
		case 0:
		default:
			t.Errorf("%s %d: exit %d: %s", verb, n+1, code, errs.String())
		}
		cancel()
		if between != nil {
			between(n)
		}
	}
	return kills
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
		return
	}
	data[len(data)*(n%11)/11] ^= 0x10
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Error(err)
	}
}
