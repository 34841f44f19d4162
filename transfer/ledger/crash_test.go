package ledger_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"mailferry/transfer"
	"mailferry/transfer/ledger"
	"mailferry/transfer/mail"
)

const (
	childPath  = "MAILFERRY_TEST_LEDGER"
	crashBatch = 7
)

// TestCommitUntilKilled is the child of TestKilledProcessLosesNothing: it sends
// batches until it is killed, and says on stdout what has been acknowledged.
func TestCommitUntilKilled(t *testing.T) {
	path := os.Getenv(childPath)
	if path == "" {
		t.Skip("runs only as a child of another test")
	}
	l := mustOpen(t, path)
	p := addPair(t, l, "A", "A")
	open, err := l.Intents(t.Context(), p.Dest)
	must(t, err)
	var settle []int64
	for _, i := range open {
		settle = append(settle, i.ID)
	}
	commit(t, l, transfer.Change{Settle: settle})
	next := mail.UID(len(everything(t, l).Records[p.ID])) + 1
	for {
		run, err := l.StartRun(t.Context(), someTime())
		must(t, err)
		sendBatch(t, l, p, next, crashBatch)
		next += crashBatch
		fmt.Printf("acknowledged run %d up to uid %d\n", run, next-1)
	}
}

// killChild starts the child, kills it after so many acknowledgements and some more
// of its work, and returns the last acknowledged run and UID.
func killChild(t *testing.T, path string, lines int) (run int64, uid mail.UID) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestCommitUntilKilled$", "-test.count=1")
	cmd.Env = append(os.Environ(), childPath+"="+path)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	scan := bufio.NewScanner(out)
	for n := 0; scan.Scan(); {
		if k, _ := fmt.Sscanf(scan.Text(), "acknowledged run %d up to uid %d", &run, &uid); k != 2 {
			continue
		}
		if n++; n == lines {
			must(t, cmd.Process.Kill())
		}
	}
	must(t, scan.Err())
	if err := cmd.Wait(); err == nil || cmd.ProcessState.Exited() {
		t.Fatalf("the child ended by itself: %v", err)
	}
	return run, uid
}

func TestKilledProcessLosesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l.db")
	for round := range 8 {
		lines := 1 + rand.IntN(60)
		run, uid := killChild(t, path, lines)
		peek, err := ledger.OpenReadOnly(path, accounts())
		must(t, err)
		before := everything(t, peek)
		must(t, peek.Close())
		l := mustOpen(t, path)
		got := everything(t, l)
		same(t, "what a dry run sees of it", before, got)
		consistent(t, got, crashBatch)
		records := got.Records[got.Pairs[0].ID]
		if n := mail.UID(len(records)); n < uid || n > uid+crashBatch {
			t.Errorf("round %d: %d records, %d acknowledged", round, n, uid)
		}
		runs, err := l.Runs(t.Context())
		must(t, err)
		if n := int64(len(runs)); n < run || n > run+1 {
			t.Errorf("round %d: %d runs, %d acknowledged", round, n, run)
		}
		must(t, l.Close())
	}
}

// A process that was killed names itself in the lock file, but holds no lock.
func TestLockOfADeadProcessIsFree(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l.db")
	killChild(t, path, 1)
	if text := string(slurp(t, path+".lock")); text == "" || text == fmt.Sprintf("pid %d\n", os.Getpid()) {
		t.Errorf("the lock file says %q", text)
	}
	must(t, mustOpen(t, path).Close())
}
