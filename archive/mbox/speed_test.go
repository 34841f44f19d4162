package mbox_test

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"mailferry/archive/mbox"
	"mailferry/transfer/mail"
)

func tenKB() string {
	return "Subject: x\r\nFrom: ann@example.org\r\n\r\n" + strings.Repeat(strings.Repeat("x", 74)+"\r\n", 130)
}

func BenchmarkAppend(b *testing.B) {
	disk, err := os.Create(filepath.Join(b.TempDir(), "x.mbox"))
	if err != nil {
		b.Fatal(err)
	}
	f, _ := open(b, disk, 0)
	defer f.Close()
	m := message(1, tenKB(), mail.Seen)
	b.SetBytes(int64(len(tenKB())))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Append(m); err != nil {
			b.Fatal(err)
		}
	}
	if err := f.Sync(); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkScan(b *testing.B) {
	bodies := make([]string, 100)
	for i := range bodies {
		bodies[i] = tenKB()
	}
	data, _ := write(b, bodies...)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		scanned := 0
		err := mbox.Scan(strings.NewReader(string(data)), 0, func(e *mbox.Entry) error {
			_, err := io.Copy(io.Discard, e.Body)
			scanned++
			return err
		})
		if err != nil || scanned != len(bodies) {
			b.Fatal(scanned, err)
		}
	}
}

// endless is a body of any length that takes no memory.
type endless int64

func (e endless) Size() int64 { return int64(e) }
func (e endless) Release()    {}
func (e endless) Open() (io.ReadCloser, error) {
	return io.NopCloser(io.LimitReader(lines{}, int64(e))), nil
}

type lines struct{}

func (lines) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// TestALargeMessageTakesLittleMemory also when it is a single line.
func TestALargeMessageTakesLittleMemory(t *testing.T) {
	disk, err := os.Create(filepath.Join(t.TempDir(), "x.mbox"))
	if err != nil {
		t.Fatal(err)
	}
	f, _ := open(t, disk, 0)
	defer f.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	m := message(1, "")
	m.Body = endless(64 << 20)
	a := appendAll(t, f, m)[0]
	_, body, err := mbox.Body(f, a.Place)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, body); err != nil || n != 64<<20 {
		t.Errorf("%d octets, %v", n, err)
	}
	again, tail := open(t, disk, mbox.Unknown)
	if again.Size() != f.Size() || tail.Messages != 1 {
		t.Errorf("%+v", tail)
	}
	runtime.ReadMemStats(&after)
	// A header without an end is kept up to 4 MB, and grows by doubling, when the message is measured.
	if used := after.TotalAlloc - before.TotalAlloc; used > 32<<20 {
		t.Errorf("%d octets of memory were asked for", used)
	}
}
