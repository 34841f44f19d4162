package commands

import (
	"context"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestBeforeARunTheFirstSignalStopsAtOnce(t *testing.T) {
	b := newBench(t)
	h, ctx, done := b.world.watchSignals(t.Context())
	defer done()
	b.signal <- syscall.SIGTERM
	<-ctx.Done()
	if h.signal() != syscall.SIGTERM || b.err.String() != "" {
		t.Errorf("signal %v, stderr %q", h.signal(), b.err.String())
	}
}

func TestDuringARunTheSecondSignalOrTheClockStopsAtOnce(t *testing.T) {
	for name, second := range map[string]func(*bench){
		"signal": func(b *bench) { b.signal <- os.Interrupt },
		"clock":  func(b *bench) { b.ticks <- time.Time{} },
	} {
		b := newBench(t)
		h, ctx, done := b.world.watchSignals(t.Context())
		stop := h.beGentle()
		b.signal <- os.Interrupt
		<-stop
		if ctx.Err() != nil {
			t.Errorf("%s: the first signal cancels", name)
		}
		second(b)
		<-ctx.Done()
		done()
		if !strings.Contains(b.err.String(), "finishing what is in flight (at most 10 s)") {
			t.Errorf("%s: stderr %q", name, b.err.String())
		}
	}
}

func TestASignalAmidThePromptEndsTheCommand(t *testing.T) {
	b := newBench(t)
	delete(b.env, "MAILFERRY_SOURCE_PASSWORD")
	b.world.prompt = func(ctx context.Context, _ string) (string, error) {
		b.signal <- os.Interrupt
		<-ctx.Done()
		return "", ctx.Err()
	}
	b.fails(exitInterrupted, []string{"list", oldAccount}, "mailferry: stopped by Ctrl-C")
	if len(b.opened) != 0 {
		t.Error("something was opened")
	}
}
