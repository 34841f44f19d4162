package foreign

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// together puts a file together again from the messages that were found in it: only
// empty lines may stand between them.
func together(t rapid.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := Open(path, Options{})
	if err != nil || m.kind.Dialect == Mailferry || m.first == m.size {
		if err == nil {
			_ = m.Close()
		}
		return
	}
	defer m.Close()
	at := m.first
	w := m.walk(at)
	for {
		r, err := w.next()
		if err != nil {
			t.Fatal(err)
		}
		if r == nil {
			break
		}
		onlyEmptyLines(t, m, at, r.at)
		if r.at >= r.start || r.start > r.body || r.body > r.end {
			t.Fatalf("message at %d: header at %d, body at %d, end at %d", r.at, r.start, r.body, r.end)
		}
		at = r.end
	}
	onlyEmptyLines(t, m, at, m.size)
}

func onlyEmptyLines(t rapid.TB, m *Mbox, from, to int64) {
	t.Helper()
	if to < from {
		t.Fatalf("a message goes on to %d, and the next begins at %d", from, to)
	}
	text := make([]byte, to-from)
	if _, err := m.data.ReadAt(text, from); err != nil {
		t.Fatal(err)
	}
	if rest := bytes.Trim(text, "\r\n"); len(rest) > 0 {
		t.Fatalf("%q at %d is in no message", rest, from)
	}
}

// TestNoOctetOfAFileIsLost, whatever its lines are.
func TestNoOctetOfAFileIsLost(t *testing.T) {
	lines := []string{"", "", "", "text", "From here on we", "From ", "From a@b", "From a@b Thu Jan  2 15:04:05 2025",
		"From John Doe Tue Mar 14 12:23:34 2005", "From bob on Jan 2 at 10:00", ">From x", ">>From a@b Thu Jan  2 15:04:05 2025",
		"Subject: a", "Note: b", " folded", "http://example.org/", "Content-Length: 0", "Content-Length: 9", "Content-Length: 40", "From: a@b", "Status: RO", "\r"}
	path := filepath.Join(t.TempDir(), "folder.mbox")
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.SampledFrom([]string{"From a@b Thu Jan  2 15:04:05 2025", "From a@b\nSubject: x", "From John Doe Jan 2 15:04:05 2025\nSubject: x"}).Draw(t, "first")
		drawn := rapid.SliceOfN(rapid.SampledFrom(lines), 0, 30).Draw(t, "lines")
		end := rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "end")
		text := strings.ReplaceAll(strings.Join(append([]string{first}, drawn...), "\n"), "\n", end)
		together(t, path, []byte(text+rapid.SampledFrom([]string{"", end}).Draw(t, "last")))
	})
}

func FuzzNoOctetIsLost(f *testing.F) {
	names, err := filepath.Glob(filepath.Join("..", "testdata", "*.mbox"))
	if err != nil || len(names) == 0 {
		f.Fatal(names, err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { together(t, filepath.Join(t.TempDir(), "folder.mbox"), data) })
}
