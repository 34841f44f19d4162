package commands_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"time"

	"mailferry/transfer/imapstore/imaptest/faultproxy"
	"mailferry/transfer/imapstore/servertest"
)

const killsInARow = 30

// TestKilledAtRandomMoments kills a migration thirty times in a row, most of the
// times amid its appends, starts it again at once, and finally lets it finish:
// nothing is missing, nothing is twice.
func TestKilledAtRandomMoments(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	src := servertest.StartDovecot(t, servertest.DovecotOptions{Memory: true})
	dst := servertest.StartDovecot(t, servertest.DovecotOptions{Memory: true, Separator: ".", Prefix: "INBOX."})
	fillCorpus(t, src, "anna", servertest.CorpusOptions{Small: true})
	before := snapshot(t, src, "anna")
	for i, v := range []struct {
		name  string
		rules []faultproxy.Rule
		lost  bool // the ledger is deleted after each kill
		half  bool // the destination holds half of the messages at first
	}{
		{name: "as it is"},
		{name: "single appends", rules: []faultproxy.Rule{faultproxy.Hide("MULTIAPPEND")}},
		{name: "a slow destination", rules: []faultproxy.Rule{faultproxy.Hide("MULTIAPPEND"), faultproxy.Delay(10*time.Millisecond, 30*time.Millisecond)}},
		{name: "ledger lost", rules: []faultproxy.Rule{faultproxy.Hide("MULTIAPPEND")}, lost: true},
		{name: "no UIDPLUS", rules: []faultproxy.Rule{faultproxy.Hide("MULTIAPPEND", "UIDPLUS")}},
		{name: "no literals without waiting", rules: []faultproxy.Rule{faultproxy.Hide("MULTIAPPEND", "LITERAL+", "LITERAL-")}},
		{name: "half is there", rules: []faultproxy.Rule{faultproxy.Hide("MULTIAPPEND")}, half: true},
	} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			proxy, err := faultproxy.New(context.Background(), dst.Addr, v.rules...)
			if err != nil {
				t.Fatal(err)
			}
			defer proxy.Close()
			m := newMigration(t, src, dst, "anna")
			m.dstUser = fmt.Sprintf("kill%d", i)
			if v.half {
				if code, s := m.run(t, "--before", "2016-06-01"); code != 0 || s.Copied < 500 {
					t.Fatalf("half: exit %d, %+v", code, s)
				}
				m.loseLedger()
			}
			m.dstAddr = proxy.Addr()
			whole := before.Messages()
			if v.half {
				whole -= snapshot(t, dst, m.dstUser).Messages()
			}
			if v.rules == nil {
				whole = 70 // commands of MULTIAPPEND
			}
			moments := m.killInARow(t, proxy, whole, v.lost)
			code, s := m.run(t)
			if code != 0 {
				t.Errorf("exit %d: %+v %v", code, s, s.problems)
			}
			wantEqual(t, before, snapshot(t, dst, m.dstUser))
			between := histogram(t, moments, proxy.Count("APPEND"))
			if between < killsInARow/2 {
				t.Errorf("only %d kills fell between the first and the last append", between)
			}
		})
	}
}

// killInARow returns how many appends the destination had seen at each kill.
func (m *migration) killInARow(t *testing.T, proxy *faultproxy.Proxy, whole int, lost bool) (moments []int) {
	t.Helper()
	r := killing{kills: killsInARow, whole: whole, progress: func() int { return proxy.Count("APPEND") }}
	if lost {
		r.after = m.loseLedger
	}
	return r.inARow(t, func(ctx context.Context) *exec.Cmd {
		return m.command(ctx, "migrate", "--quiet", "--state", m.state)
	})
}

// killing starts a program again and again and kills it when a random amount of work is done.
type killing struct {
	kills    int
	whole    int        // the amount of work in all
	progress func() int // how much of it is done
	after    func()     // what happens after each kill, if anything
}

// inARow returns how much was done at each kill.
func (k killing) inARow(t *testing.T, command func(context.Context) *exec.Cmd) (moments []int) {
	t.Helper()
	random := rand.New(rand.NewPCG(uint64(k.whole), 7))
	end := k.progress() + k.whole
	for n := range k.kills {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		cmd := command(ctx)
		cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
		// What a late kill let through is spread over the kills that are left.
		seen := k.progress()
		stride := max(2, 2*(end-seen)/(k.kills-n+6))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { _ = cmd.Wait(); close(ended) }()
		k.await(ended, seen+random.IntN(stride))
		_ = cmd.Process.Kill()
		<-ended
		cancel()
		moments = append(moments, k.progress())
		if k.after != nil {
			k.after()
		}
	}
	return moments
}

// await returns when so much is done, or the process has ended.
func (k killing) await(ended <-chan struct{}, done int) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for k.progress() < done {
		select {
		case <-ended:
			return
		case <-tick.C:
		}
	}
}

// histogram prints at which tenth of the work the kills fell, and returns how
// many fell between the first and the last.
func histogram(t *testing.T, moments []int, last int) (between int) {
	t.Helper()
	var tenths [10]int
	for _, n := range moments {
		if n > 0 && n < last {
			between++
		}
		tenths[min(9, n*10/max(last, 1))]++
	}
	var b strings.Builder
	for i, n := range tenths {
		fmt.Fprintf(&b, "\n%3d %% %s", i*10, strings.Repeat("#", n))
	}
	t.Logf("%d of %d kills between the first and the last of %d, by tenths:%s", between, len(moments), last, b.String())
	return between
}
