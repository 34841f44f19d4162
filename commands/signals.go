package commands

import (
	"context"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
)

// grace is how long what is in flight may take after the first signal.
const grace = 10 * time.Second

// halt is the two-step stop. Until a command asks for gentleness, the first
// signal cancels; from then on the first one closes stop and only the second, or
// the end of the grace period, cancels.
type halt struct {
	mu     sync.Mutex
	sig    os.Signal
	gentle bool
	stop   chan struct{}
}

// watchSignals returns a context that ends when the process is to stop. done
// ends the watch and must be called.
func (w *world) watchSignals(ctx context.Context) (h *halt, watched context.Context, done func()) {
	h = &halt{stop: make(chan struct{})}
	received, unsubscribe := w.signals()
	watched, cancel := context.WithCancel(ctx)
	var ended sync.WaitGroup
	ended.Go(func() { w.await(watched, cancel, h, received) })
	return h, watched, func() {
		unsubscribe()
		cancel()
		ended.Wait()
	}
}

func (w *world) await(ctx context.Context, cancel func(), h *halt, received <-chan os.Signal) {
	var timeout <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-timeout:
			fmt.Fprintln(w.stderr, "mailferry: not finished in time, stopping now")
			cancel()
		case sig := <-received:
			if !h.first(sig) {
				cancel()
				continue
			}
			if isTerminal(w.stderr) {
				fmt.Fprintln(w.stderr) // the cursor stands behind the bar and ^C
			}
			fmt.Fprintf(w.stderr, "mailferry: %s: finishing what is in flight (at most %d s); once more stops at once\n",
				signalName(sig), int(grace.Seconds()))
			ticks, stop := w.every(grace)
			defer stop()
			timeout = ticks
		}
	}
}

// first notes a signal and reports whether it is the gentle one.
func (h *halt) first(sig os.Signal) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	again := h.sig != nil
	if !again {
		h.sig = sig
		close(h.stop)
	}
	return h.gentle && !again
}

// beGentle makes the first signal a request and returns the channel that it closes.
func (h *halt) beGentle() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.gentle = true
	return h.stop
}

// signal returns the first signal received, or nil.
func (h *halt) signal() os.Signal {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sig
}

func signalName(sig os.Signal) string {
	if sig == syscall.SIGTERM {
		return "SIGTERM"
	}
	return "Ctrl-C"
}
