package foreign_test

import (
	"context"
	"os"
	"syscall"
	"testing"
	"time"

	"mailferry/archive/mbox/foreign"
)

// lockedBy is a descriptor that holds a lock on a file, as another program would.
func lockedBy(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.FcntlFlock(f.Fd(), 37, &syscall.Flock_t{Type: syscall.F_WRLCK}); err != nil {
		t.Fatal(err)
	}
	return f
}

// TestALockedFileIsWaitedFor, so that what is being delivered is read whole.
func TestALockedFileIsWaitedFor(t *testing.T) {
	whole := fromLine + "Subject: one\n\ntext\n\n" + fromLine + "Subject: two\n\ntext\n\n"
	path := settledFile(t, []byte(whole[:len(whole)-4]))
	writer := lockedBy(t, path)
	opened := make(chan error, 1)
	var m *foreign.Mbox
	go func() {
		var err error
		m, err = foreign.Open(path, foreign.Options{})
		opened <- err
	}()
	select {
	case <-opened:
		t.Error("opened while another program had it locked")
	case <-time.After(100 * time.Millisecond):
		if _, err := writer.WriteString(whole[len(whole)-4:]); err != nil {
			t.Error(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Error(err)
	}
	if t.Failed() {
		return
	}
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	r, err := m.Scan(context.Background(), func(*foreign.Message) error { return nil })
	if err != nil || r.Messages != 2 || r.Torn != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	lockedBy(t, path).Close() // fails if a lock was kept
}
