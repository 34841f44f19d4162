package corpus

import (
	"bytes"
	"crypto/sha256"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// digest is over the names and contents of all files below root.
func digest(t *testing.T, root string) (sum [sha256.Size]byte, files int) {
	t.Helper()
	h := sha256.New()
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(name)
		h.Write([]byte(strings.TrimPrefix(name, root)))
		h.Write(body)
		files++
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return [sha256.Size]byte(h.Sum(nil)), files
}

func TestEveryRunHasTheSameMail(t *testing.T) {
	c, err := Named("lat")
	if err != nil {
		t.Fatal(err)
	}
	one, two := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	for _, dir := range []string{one, two} {
		if err := c.WriteMaildir(dir, Owner{}); err != nil {
			t.Fatal(err)
		}
	}
	a, n := digest(t, one)
	if b, _ := digest(t, two); a != b || n != 400 {
		t.Errorf("%d files, equal: %v", n, a == b)
	}
	if _, err := os.Stat(filepath.Join(one, ".Projekte.Gr&APYA3w-e &- Ma&AN8-", "cur")); err != nil {
		t.Error(err)
	}
}

func TestCorporaAreAsLargeAsTheirDescription(t *testing.T) {
	for _, want := range []struct {
		name              string
		messages, folders int
		mean              int // octets, within a fifth
	}{
		{"small", 10_000, 26, 3900}, {"real", 2000, 26, 60_000}, {"lat", 400, 26, 60_000},
		{"tiny", 100_000, 6, 430}, {"large", 10, 4, 50 << 20}, {"huge", 1, 1, 150 << 20},
	} {
		c, err := Named(want.name)
		if err != nil {
			t.Fatal(err)
		}
		if c.Messages() != want.messages || len(c.Folders) != want.folders {
			t.Errorf("%s: %d messages in %d folders", c.Name, c.Messages(), len(c.Folders))
		}
		sum, r := 0, rand.New(rand.NewPCG(c.seed, 0))
		for range want.messages {
			sum += c.size(r)
		}
		if mean := sum / want.messages; mean < want.mean*4/5 || mean > want.mean*6/5 {
			t.Errorf("%s: %d octets in the mean, not %d", c.Name, mean, want.mean)
		}
	}
	if _, err := Named("nothing"); err == nil {
		t.Error("a corpus of no name")
	}
}

func TestNewMessagesAreNewInEachRound(t *testing.T) {
	c, err := Named("tiny")
	if err != nil {
		t.Fatal(err)
	}
	one, two := c.New(1, 20), c.New(2, 20)
	all := slices.Concat(one, two)
	for i, a := range all {
		if bytes.Contains(bytes.ReplaceAll(a, []byte("\r\n"), nil), []byte("\n")) {
			t.Fatalf("message %d has a bare LF", i)
		}
		for _, b := range all[:i] {
			if bytes.Equal(a, b) {
				t.Fatalf("message %d comes twice", i)
			}
		}
	}
}
