package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestPeekReadsTheBeginning(t *testing.T) {
	r, dir := root(t)
	out := filepath.Join(t.TempDir(), "precious")
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "d"), 0o700), os.WriteFile(filepath.Join(dir, "d", "f"), []byte("0123456789"), 0o600),
		os.WriteFile(out, []byte("x"), 0o600), os.Symlink(out, filepath.Join(dir, "d", "link"))); err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 20)
	for _, room := range []int{0, 1, 10, 20} {
		if n, err := r.Peek("d/f", p[:room]); err != nil || string(p[:n]) != "0123456789"[:min(room, 10)] {
			t.Errorf("room for %d: %q, %v", room, p[:n], err)
		}
	}
	for _, name := range []string{"d/link", "d/..", "d/.", "d/", "../precious", "d/../../precious", out} {
		if n, err := r.Peek(name, p); err == nil {
			t.Errorf("%s: read %q", name, p[:n])
		}
	}
	for _, name := range []string{"d/none", "none/f"} {
		if _, err := r.Peek(name, p); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNothingIsMadeThroughALink: a rename puts its file in place of a link, and not where the link leads.
func TestNothingIsMadeThroughALink(t *testing.T) {
	r, dir := root(t)
	out := filepath.Join(t.TempDir(), "precious")
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "d"), 0o700), os.WriteFile(out, []byte("x"), 0o600),
		os.Symlink(out, filepath.Join(dir, "d", "link")), os.WriteFile(filepath.Join(dir, "d", "f"), []byte("new"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Create("d/link"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("created over a link: %v", err)
	}
	if f, err := r.Open("d/link"); err == nil {
		f.Close()
		t.Error("a link that leads out was opened")
	}
	if err := r.Rename("d/f", "d/link"); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(out); err != nil || string(text) != "x" {
		t.Errorf("what the link led to holds now %q, %v", text, err)
	}
}
