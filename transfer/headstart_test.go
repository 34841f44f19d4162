package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"mailferry/transfer"
	"mailferry/transfer/mail/mailtest"
)

// TestAFolderThatNeedsNoMailGivesItsSessionBack: one that is not worked on, because the user asked to stop, may hold
// what others wait for.
func TestAFolderThatNeedsNoMailGivesItsSessionBack(t *testing.T) {
	for range 30 {
		w := newWorldFrom(t, mailtest.Options{Waits: 2}, mailtest.Options{})
		for i := range 8 {
			fill(w.src, fmt.Sprintf("f%d", i), 3)
		}
		stop := make(chan struct{})
		plan := mailtest.NewPlan(t, mailtest.Fault{At: "dst open", Do: func() { close(stop) }})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		_, err := transfer.Run(ctx, transfer.Job{Source: w.src, Dest: mailtest.Faulty(w.dst, plan), Ledger: w.ledger,
			Connections: 2, Timing: noWait(), Stop: stop})
		if ctx.Err() != nil {
			t.Fatal("it never ended")
		}
		cancel()
		if err != nil && !errors.Is(err, transfer.ErrStopped) {
			t.Fatal(err)
		}
		if r := w.mustRun(t); r.Total.Copied+r.Total.Already != 8*3 {
			t.Fatalf("%+v", r.Total)
		}
	}
}

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

// TestFewerConnectionsThanWished: a server that lets fewer in than the user allows costs no waiting, and no folder an
// attempt: others are at work, and the folder goes on when one of them is through.
func TestFewerConnectionsThanWished(t *testing.T) {
	for _, dst := range []mailtest.Options{{}, {NoAppenders: true, Connections: 4}} {
		w := newWorldFrom(t, mailtest.Options{Sessions: 2}, dst)
		for i := range 80 {
			fill(w.src, fmt.Sprintf("f%d", i), 3)
		}
		timing := transfer.Timing{Attempts: 2, Sleep: func(context.Context, time.Duration) error {
			t.Error("it sleeps")
			return nil
		}}
		r, err := transfer.Run(t.Context(), transfer.Job{Source: w.src, Dest: w.dst, Ledger: w.ledger, Connections: 4, Timing: timing})
		if err != nil {
			t.Fatal(err)
		}
		wantCounts(t, r, 80*3, 0, 0, 0)
	}
}

// TestNobodyIsLetIn: where no other folder is at work either, a refused folder waits before it tries again.
func TestNobodyIsLetIn(t *testing.T) {
	for _, dst := range []mailtest.Options{{}, {NoAppenders: true}, {NoAppenders: true, Connections: 4}} {
		w := newWorldFrom(t, mailtest.Options{Sessions: 1}, dst)
		fill(w.src, "f", 3)
		other, err := w.src.OpenReader(t.Context(), path("f"))
		if err != nil {
			t.Fatal(err)
		}
		retries, pauses := 0, 0
		timing := transfer.Timing{Sleep: func(ctx context.Context, _ time.Duration) error {
			pauses++
			return ctx.Err()
		}}
		r, err := transfer.Run(t.Context(), transfer.Job{Source: w.src, Dest: w.dst, Ledger: w.ledger, Connections: 4, Timing: timing,
			Observe: func(e transfer.Event) {
				if _, ok := e.(transfer.EventRetry); ok {
					retries++
				}
			}})
		if err == nil && r.Complete() {
			t.Error("complete, though nothing could be read")
		}
		if retries > pauses+2 {
			t.Errorf("%d retries with %d pauses between them", retries, pauses)
		}
		other.Close()
	}
}
