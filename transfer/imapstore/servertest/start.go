package servertest

import (
	"context"
	"errors"
	"testing"
)

// StartDovecot runs Dovecot until the test ends; without Dovecot it skips the test.
func StartDovecot(t testing.TB, o DovecotOptions) *Server {
	t.Helper()
	return started(t, func(ctx context.Context) (*Server, error) { return RunDovecot(ctx, o) })
}

func started(t testing.TB, run func(context.Context) (*Server, error)) *Server {
	t.Helper()
	s, err := run(t.Context())
	if errors.Is(err, ErrNotInstalled) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("logs of %s:\n%s", s.Name, s.Logs())
		}
		if err := s.Stop(); err != nil {
			t.Errorf("stop %s: %v", s.Name, err)
		}
	})
	return s
}

// StartCyrus runs Cyrus until the test ends; without Cyrus it skips the test.
func StartCyrus(t testing.TB, o CyrusOptions) *Server {
	t.Helper()
	return started(t, func(ctx context.Context) (*Server, error) { return RunCyrus(ctx, o) })
}

// StartCourier runs Courier until the test ends; without Courier it skips the
// test. Two at a time cannot be: they share a socket with a fixed name.
func StartCourier(t testing.TB, o CourierOptions) *Server {
	t.Helper()
	return started(t, func(ctx context.Context) (*Server, error) { return RunCourier(ctx, o) })
}
