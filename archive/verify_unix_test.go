//go:build unix

package archive_test

import (
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"mailferry/archive"
)

// TestAPipeIsNotWaitedFor: somebody may have put one in the place of a message.
func TestAPipeIsNotWaitedFor(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a")
	a := create(t, dir, archive.Options{})
	putLetters(t, a, inbox, 1, 2)
	closed(t, a)
	pipe := files(t, dir)[0]
	ok(t, os.Remove(pipe))
	ok(t, syscall.Mkfifo(pipe, 0o600))
	hangs := time.AfterFunc(5*time.Second, func() {
		t.Error("the pipe is waited for")
		for range 100 { // whoever waits goes on
			if f, err := os.OpenFile(pipe, os.O_WRONLY|syscall.O_NONBLOCK, 0); err == nil {
				f.Close()
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	defer hangs.Stop()
	a = open(t, dir, archive.Options{})
	if got := damages(t, a); !slices.Equal(got, []string{"unreadable"}) {
		t.Errorf("verify tells %q", got)
	}
	r, err := a.OpenReader(t.Context(), inbox)
	ok(t, err)
	defer closed(t, r)
	if got := fetch(t, r); len(got) != 1 || got[2] != string(letter(2)) {
		t.Errorf("delivered: %v", got)
	}
}
