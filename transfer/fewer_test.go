package transfer_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"mailferry/transfer"
	"mailferry/transfer/imapstore"
	"mailferry/transfer/imapstore/imaptest"
)

// TestFewerConnectionsThanTheJob: the addresses allow one or two connections, and the job four, as it does unless told otherwise. No
// folder holds the one end's while it waits for the other's.
func TestFewerConnectionsThanTheJob(t *testing.T) {
	for _, conns := range [][2]int{{1, 1}, {2, 1}, {2, 2}} {
		t.Run(fmt.Sprint(conns), func(t *testing.T) {
			p := newServerPair(t, imaptest.Options{})
			defer p.close()
			for i := range 10 {
				f := path(fmt.Sprint("folder ", i))
				if err := p.src.Create(f, "", false); err != nil {
					t.Fatal(err)
				}
				for k := range 5 {
					if _, err := p.src.Append(f, nil, time.Unix(1_500_000_000, 0), []byte(text(fmt.Sprint(i, "-", k), "hello", "x"))); err != nil {
						t.Fatal(err)
					}
				}
			}
			ledger := newLedger()
			for n := range 2 {
				so, do := order{User: "user"}.options(p.srcAddr), order{User: "user"}.options(p.dstAddr)
				so.Connections, do.Connections = conns[0], conns[1]
				from, to := imapstore.NewSource(so), imapstore.New(do)
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				// Full asks for every folder again, each on sessions of its own.
				_, err := transfer.Run(ctx, transfer.Job{Source: from, Dest: to, Ledger: ledger, Full: n > 0})
				cancel()
				if err != nil {
					t.Errorf("run %d: %v", n+1, err)
				}
				from.Close()
				to.Close()
			}
		})
	}
}
