package transfer_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"mailferry/transfer"
	"mailferry/transfer/imapstore"
	"mailferry/transfer/imapstore/imaptest"
	"mailferry/transfer/imapstore/wire"
	"mailferry/transfer/ledger"
	"mailferry/transfer/mail"
)

// crashEnv holds the order of a child process.
const crashEnv = "MAILFERRY_TEST_CRASH"

// order is what a child process does: one migration, at some point of which it
// kills itself with SIGKILL.
type order struct {
	Source, Dest string // host:port
	User         string
	State        string
	Settle       time.Duration
	At           string // "append", "answer", "commit" or "committed"; empty: never
	N            int    // the how-manieth
}

func TestMain(m *testing.M) {
	if text := os.Getenv(crashEnv); text != "" {
		os.Exit(runChild(text))
	}
	os.Exit(m.Run())
}

func runChild(text string) int {
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	src, dst := imapstore.NewSource(o.options(o.Source)), imapstore.New(o.options(o.Dest))
	l, err := ledger.Open(o.State, ledger.Identity{Source: src.String(), Dest: dst.String()})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	k := &killer{order: o, seen: make(chan int, 1)}
	k.seen <- 0
	report, err := transfer.Run(context.Background(), transfer.Job{
		Source: src, Dest: &killingStore{dst, k}, Ledger: &killingLedger{l, k},
		Timing: transfer.Timing{Settle: o.Settle}, Batch: 3,
	})
	if err != nil || !report.Complete() {
		fmt.Fprintln(os.Stderr, err, report.Problems)
		return 1
	}
	fmt.Println(report.Total.Copied)
	return 0
}

func (o order) options(addr string) imapstore.Options {
	host, port, _ := net.SplitHostPort(addr)
	n, _ := strconv.Atoi(port)
	return imapstore.Options{Host: host, Port: n, Security: wire.Plain, User: o.User,
		Password: func(context.Context) (string, error) { return "secret", nil }}
}

// killer ends the process at the n-th of the events of one name.
type killer struct {
	order
	seen chan int
}

func (k *killer) at(event string) {
	if event != k.At {
		return
	}
	n := <-k.seen + 1
	if n == k.N {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // nothing may happen until the signal has arrived
	}
	k.seen <- n
}

type killingLedger struct {
	transfer.Ledger
	k *killer
}

func (l *killingLedger) Commit(ctx context.Context, c transfer.Change) error {
	l.k.at("commit")
	err := l.Ledger.Commit(ctx, c)
	l.k.at("committed")
	return err
}

type killingStore struct {
	*imapstore.Store
	k *killer
}

func (s *killingStore) OpenWriter(ctx context.Context, path mail.Path) (mail.Writer, error) {
	w, err := s.Store.OpenWriter(ctx, path)
	if err != nil {
		return nil, err
	}
	return &killingWriter{w, s.k}, nil
}

func (s *killingStore) OpenAppender(ctx context.Context, path mail.Path, octets int64) (mail.Writer, error) {
	w, err := s.Store.OpenAppender(ctx, path, octets)
	if err != nil {
		return nil, err
	}
	return &killingWriter{w, s.k}, nil
}

type killingWriter struct {
	mail.Writer
	k *killer
}

func (w *killingWriter) Append(ctx context.Context, m *mail.Message, done func(mail.UID, error)) error {
	err := w.Writer.Append(ctx, m, func(uid mail.UID, err error) {
		w.k.at("answer")
		done(uid, err)
	})
	w.k.at("append")
	return err
}

// migrate runs the order in a process of its own and reports whether it was killed.
func (o order) migrate(t *testing.T) (killed bool) {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashEnv+"="+string(text))
	out, err := cmd.CombinedOutput()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
		return true
	}
	if err != nil {
		t.Fatalf("%v at %s %d: %s", err, o.At, o.N, out)
	}
	return false
}

// TestKilledAtEveryAppendAndCommit kills a migration between two servers at each
// append, answer and commit, and runs it again: nothing is missing, nothing is twice.
func TestKilledAtEveryAppendAndCommit(t *testing.T) {
	killEverywhere(t, imaptest.Options{Delimiter: '.', Prefix: "INBOX."})
}

// The same onto a server that does not tell where a message went.
func TestKilledAtEveryAppendAndCommitWithoutUIDPlus(t *testing.T) {
	killEverywhere(t, imaptest.Options{Hide: []string{"UIDPLUS"}})
}

func killEverywhere(t *testing.T, dest imaptest.Options) {
	for _, lost := range []bool{false, true} {
		for _, at := range []string{"append", "answer", "commit", "committed"} {
			t.Run(fmt.Sprintf("%s, ledger lost: %v", at, lost), func(t *testing.T) {
				t.Parallel()
				kills := 0
				for n := 1; ; n++ {
					p := newServerPair(t, dest)
					o := order{Source: p.srcAddr, Dest: p.dstAddr, User: "user", Settle: 200 * time.Millisecond,
						State: filepath.Join(t.TempDir(), "state.db"), At: at, N: n}
					if !o.migrate(t) {
						p.close()
						break
					}
					kills++
					if lost {
						for _, name := range []string{"", "-wal", "-shm", ".lock"} {
							os.Remove(o.State + name)
						}
					}
					o.At = ""
					o.migrate(t)
					p.check(t, fmt.Sprintf("killed at %s %d", at, n))
					p.close()
				}
				if kills < 4 { // folders commit together: how often differs
					t.Errorf("only %d kills took place", kills)
				}
			})
		}
	}
}
