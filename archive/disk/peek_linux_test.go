package disk_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"mailferry/archive/disk"
)

// A file that has been read is as it was, the time of the last access included: to write that down is a quarter
// of the work of reading a small message.
func TestPeekingLeavesNoTrace(t *testing.T) {
	dir := t.TempDir()
	r, err := disk.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := os.Mkdir(filepath.Join(dir, "cur"), 0o700); err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(dir, "cur", "1")
	long := time.Unix(1e9, 0)
	if err := os.WriteFile(at, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(at, long, long); err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 10)
	if n, err := r.Peek("cur/1", p); n != 4 || err != nil {
		t.Fatal(n, err)
	}
	info, err := os.Stat(at)
	if err != nil {
		t.Fatal(err)
	}
	if read := info.Sys().(*syscall.Stat_t).Atim; read.Sec != long.Unix() {
		t.Errorf("the file says that it was read at %v", time.Unix(read.Unix()))
	}
}
