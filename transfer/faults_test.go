package transfer_test

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"mailferry/transfer"
	"mailferry/transfer/imapstore"
	"mailferry/transfer/imapstore/imaptest"
	"mailferry/transfer/imapstore/imaptest/faultproxy"
	"mailferry/transfer/ledger"
)

// TestConnectionsThatFail breaks the line to the destination, or to the source, at
// each n-th command in each way: one run, which tries again by itself, brings everything
// over, once.
func TestConnectionsThatFail(t *testing.T) {
	type fault struct {
		name    string
		atDest  bool
		command string
		make    func(n int) faultproxy.Rule
		idle    time.Duration
	}
	const append, fetch = "APPEND", "UID FETCH"
	faults := []fault{
		{"answer lost after the effect", true, append, func(n int) faultproxy.Rule { return faultproxy.At(faultproxy.Answered(append, n), faultproxy.Cut()) }, 0},
		{"NO after the effect", true, append, func(n int) faultproxy.Rule {
			return faultproxy.At(faultproxy.Answered(append, n), faultproxy.No("[SERVERBUG] internal error"))
		}, 0},
		{"plain NO after the effect", true, append, func(n int) faultproxy.Rule {
			return faultproxy.At(faultproxy.Answered(append, n), faultproxy.No("could not say"))
		}, 0},
		{"cut before the command", true, append, func(n int) faultproxy.Rule { return faultproxy.At(faultproxy.Command(append, n), faultproxy.Cut()) }, 0},
		{"reset behind the command", true, append, func(n int) faultproxy.Rule { return faultproxy.At(faultproxy.Forwarded(append, n), faultproxy.Reset()) }, 0},
		{"cut inside a literal", true, append, func(n int) faultproxy.Rule { return faultproxy.At(faultproxy.Inside(append, n, 7), faultproxy.Cut()) }, 0},
		{"BYE", true, append, func(n int) faultproxy.Rule {
			return faultproxy.At(faultproxy.Forwarded(append, n), faultproxy.Bye("[UNAVAILABLE] going down"))
		}, 0},
		{"silence", true, append, func(n int) faultproxy.Rule { return faultproxy.At(faultproxy.Answered(append, n), faultproxy.Stall()) }, 2 * time.Second},
		{"source cut inside a body", false, fetch, func(n int) faultproxy.Rule {
			return faultproxy.At(faultproxy.Response(fetch, n, 300), faultproxy.Cut())
		}, 0},
		{"source cut before the command", false, fetch, func(n int) faultproxy.Rule { return faultproxy.At(faultproxy.Command(fetch, n), faultproxy.Reset()) }, 0},
	}
	for _, f := range faults {
		for _, hide := range [][]string{nil, {"UIDPLUS"}, {"LITERAL+", "LITERAL-"}} {
			t.Run(fmt.Sprintf("%s, hidden %v", f.name, hide), func(t *testing.T) {
				t.Parallel()
				for n := 1; n <= 12; n += 2 {
					if !failAt(t, n, f.atDest, f.make(n), hide, cmp.Or(f.idle, time.Minute)) {
						if n == 1 {
							t.Error("the fault never struck")
						}
						break
					}
				}
			})
		}
	}
}

// failAt migrates through a proxy with one fault and reports whether it struck.
func failAt(t *testing.T, n int, atDest bool, rule faultproxy.Rule, hide []string, idle time.Duration) (struck bool) {
	t.Helper()
	p := newServerPair(t, imaptest.Options{})
	defer p.close()
	rules := []faultproxy.Rule{rule}
	if len(hide) > 0 {
		rules = append(rules, faultproxy.Hide(hide...))
	}
	backend := &p.dstAddr
	if !atDest {
		backend = &p.srcAddr
	}
	proxy, err := faultproxy.New(t.Context(), *backend, rules...)
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	*backend = proxy.Addr()

	o := order{Source: p.srcAddr, Dest: p.dstAddr, User: "user"}
	srcOpts, dstOpts := o.options(o.Source), o.options(o.Dest)
	srcOpts.IdleTimeout, dstOpts.IdleTimeout = time.Minute, idle
	src, dst := imapstore.NewSource(srcOpts), imapstore.New(dstOpts)
	l, err := ledger.Open(filepath.Join(t.TempDir(), "state.db"), ledger.Identity{Source: src.String(), Dest: dst.String()})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	report, err := transfer.Run(context.Background(), transfer.Job{Source: src, Dest: dst, Ledger: l,
		Timing: transfer.Timing{Settle: 200 * time.Millisecond, Backoff: 10 * time.Millisecond}})
	src.Close()
	dst.Close()
	struck = len(proxy.Unfired()) == 0
	when := fmt.Sprintf("at %d (struck: %v)", n, struck)
	if err != nil || !report.Complete() {
		t.Errorf("%s: %v %+v", when, err, report.Problems)
	}
	checkSums(t, report)
	p.check(t, when)
	return struck
}
