package ledger

import (
	"bytes"
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite"
)

func TestLockStateIsReadAsItWasWritten(t *testing.T) {
	for _, s := range []lockState{{}, {PID: 1}, {Clean: &fileMark{0, 0}}, {PID: 4711, Clean: &fileMark{1 << 40, 0xffffffff}}} {
		if got := parseLock([]byte(s.String())); got.String() != s.String() {
			t.Errorf("%q became %q", s, got)
		}
	}
}

// A torn or foreign lock file must never vouch for a ledger.
func TestTornLockStateSaysNothing(t *testing.T) {
	whole := lockState{PID: 4711, Clean: &fileMark{123456, 0xabcdef01}}.String()
	for n := range whole {
		if got := parseLock([]byte(whole[:n])); got.Clean != nil {
			t.Errorf("%q vouches for %v", whole[:n], got)
		}
	}
}

func FuzzLockState(f *testing.F) {
	f.Add([]byte("pid 12\nclean 4096 0badcafe\n"))
	f.Add([]byte("clean -1 0\npid 0\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s := parseLock(text)
		if again := parseLock([]byte(s.String())); again.String() != s.String() {
			t.Errorf("%q: %q, then %q", text, s, again)
		}
		if s.Clean != nil && s.Clean.Size < 0 || s.PID < 0 {
			t.Errorf("%q: %+v", text, s)
		}
	})
}

// FuzzApplyWAL: no log makes it panic, or makes the database larger than the
// pages that are there.
func FuzzApplyWAL(f *testing.F) {
	file, wal := realLog(f)
	f.Add(file, wal)
	f.Add(file[:512], wal)
	f.Add(file, wal[:1000])
	f.Add([]byte{}, wal)
	f.Fuzz(func(t *testing.T, file, log []byte) {
		walDamaged(log)
		if got := applyWAL(bytes.Clone(file), log); len(got) > len(file)+len(log) {
			t.Errorf("%d octets from %d and %d", len(got), len(file), len(log))
		}
	})
}

func realLog(t testing.TB) (file, wal []byte) {
	path := filepath.Join(t.TempDir(), "x.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range []string{"PRAGMA page_size = 512", "PRAGMA journal_mode = WAL", "CREATE TABLE t (a)", "INSERT INTO t VALUES (zeroblob(3000))",
		"UPDATE t SET a = 'short'", "INSERT INTO t VALUES (7)"} {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
	if file, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	if wal, err = os.ReadFile(path + "-wal"); err != nil {
		t.Fatal(err)
	}
	return file, wal
}

// SQLite itself says what a file and its log amount to.
func TestLogIsAppliedAsSQLiteDoes(t *testing.T) {
	file, wal := realLog(t)
	for _, size := range []int{len(wal), len(wal) - 1, len(wal) - 536, 32, 0} {
		path := filepath.Join(t.TempDir(), "y.db")
		for name, data := range map[string][]byte{path: file, path + "-wal": wal[:size]} {
			if err := os.WriteFile(name, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := applyWAL(bytes.Clone(file), wal[:size]); !bytes.Equal(got, want) {
			t.Errorf("log of %d octets: %d octets, SQLite has %d, or they differ", size, len(got), len(want))
		}
	}
}
