package transfer_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"mailferry/transfer"
	"mailferry/transfer/mail/mailtest"
)

// Folders whose mail is asked for before their turn hold the source's sessions. Bigger folders,
// which cannot be asked ahead, come first by size: if they were worked on first, they would wait for
// sessions that nobody is going to give back.
func TestFoldersAskedAheadHoldUpNobody(t *testing.T) {
	for _, dst := range []mailtest.Options{{}, {NoAppenders: true}, {Connections: 2}, {Connections: 2, NoAppenders: true}} {
		t.Run(fmt.Sprintf("%d connections, appenders %t", dst.Connections, !dst.NoAppenders), func(t *testing.T) {
			w := newWorldFrom(t, mailtest.Options{Waits: 2}, dst)
			for i := range 40 {
				name := fmt.Sprintf("gaps %d", i)
				fill(w.src, name, 6)
				w.src.Remove(path(name), 2)
			}
			for i := range 40 {
				fill(w.src, fmt.Sprintf("whole %d", i), 3)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			r, err := transfer.Run(ctx, transfer.Job{Source: w.src, Dest: w.dst, Ledger: w.ledger, Timing: noWait(), Connections: 2})
			if err != nil {
				t.Fatal(err)
			}
			wantCounts(t, r, 40*5+40*3, 0, 0, 0)
			wantCounts(t, w.mustRun(t), 0, 40*5+40*3, 0, 0)
		})
	}
}
