package ledger_test

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailferry/transfer"
	"mailferry/transfer/ledger"
	"mailferry/transfer/mail"
)

// version1 is where format 1 keeps what format 2 has in flags and chunks.
const version1 = `
DROP TABLE chunks; DROP TABLE flags;
CREATE TABLE flagsets (
	id   INTEGER PRIMARY KEY,
	text BLOB NOT NULL UNIQUE
) STRICT;
CREATE TABLE records (
	pair     INTEGER NOT NULL,
	src      INTEGER NOT NULL,
	dest     INTEGER NOT NULL,
	appended INTEGER NOT NULL,
	flags    INTEGER NOT NULL,
	sum      INTEGER NOT NULL,
	PRIMARY KEY (pair, src)
) STRICT, WITHOUT ROWID;
CREATE INDEX records_dest ON records (pair, dest);
PRAGMA user_version = 1;`

// olden turns a closed ledger, which holds what want says, into one of format 1 that was closed as well.
func olden(t *testing.T, path string, want stored) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	must(t, err)
	db.SetMaxOpenConns(1)
	_, err = db.Exec(version1)
	must(t, err)
	tx, err := db.Begin()
	must(t, err)
	sets := map[string]int{"": 0}
	for _, p := range want.Pairs {
		for _, r := range want.Records[p.ID] {
			text := r.Base.String()
			if _, ok := sets[text]; !ok {
				sets[text] = len(sets)
				_, err := tx.Exec("INSERT INTO flagsets VALUES (?, ?)", sets[text], []byte(text))
				must(t, err)
			}
			_, err := tx.Exec("INSERT INTO records VALUES (?,?,?,?,?,?)", p.ID, int64(r.Source), int64(r.Dest), r.Appended, sets[text], version1Sum(p.ID, r))
			must(t, err)
		}
	}
	must(t, tx.Commit())
	_, err = db.Exec("VACUUM")
	must(t, errors.Join(err, db.Close()))
	data := slurp(t, path)
	must(t, os.WriteFile(path+".lock", fmt.Appendf(nil, "clean %d %08x\n", len(data), crc32.ChecksumIEEE(data)), 0o600))
}

func version1Sum(pair int64, r transfer.Record) int64 {
	b := binary.AppendUvarint(nil, uint64(pair))
	b = binary.AppendUvarint(b, uint64(r.Source))
	b = binary.AppendUvarint(b, uint64(r.Dest))
	appended := byte(0)
	if r.Appended {
		appended = 1
	}
	b = append(append(b, appended), r.Base.String()...)
	return int64(int32(crc32.ChecksumIEEE(b)))
}

// old makes a ledger of format 1: several pairs, an empty one among them, flags that are not UTF-8, unknown
// places, gaps, intents and a run.
func old(t *testing.T, path string) (want stored) {
	t.Helper()
	l := mustOpen(t, path)
	for n, messages := range []int{700, 0, 1, 300} {
		p := addPair(t, l, fmt.Sprintf("Source/%d\xff", n), "All")
		var records []transfer.Record
		for i := range messages {
			r := record(mail.UID(i*(n+1)+1), mail.UID(messages-i), mail.Seen)
			switch i % 7 {
			case 1:
				r.Dest, r.Appended = 0, false
			case 3:
				r.Base = mail.NewFlags("caf\xe9", fmt.Sprintf("label%d", i%11))
			case 5:
				r.Base = nil
			}
			records = append(records, r)
		}
		commit(t, l, transfer.Change{Records: map[int64][]transfer.Record{p.ID: records}, Intents: []*transfer.Intent{intent(p.ID, 9, 100, 3000, 3001)}})
	}
	_, err := l.StartRun(t.Context(), someTime())
	must(t, err)
	want = everything(t, l)
	must(t, l.Close())
	olden(t, path, want)
	return want
}

func version(t *testing.T, path string) (n int) {
	t.Helper()
	// Bytes 60 to 63 of a database are its user version.
	return int(binary.BigEndian.Uint32(slurp(t, path)[60:]))
}

// A ledger of format 1 goes on as one of this format, with all that was in it.
func TestOldFormatIsConverted(t *testing.T) {
	for name, lock := range map[string]func(path string){
		"closed":  func(string) {},
		"crashed": func(path string) { must(t, os.WriteFile(path+".lock", []byte("pid 1\n"), 0o600)) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "l.db")
			want := old(t, path)
			lock(path)
			size := len(slurp(t, path))
			l := mustOpen(t, path)
			same(t, "converted", everything(t, l), want)
			runs, err := l.Runs(t.Context())
			must(t, err)
			if len(runs) != 1 || l.New() {
				t.Errorf("runs %+v, new: %v", runs, l.New())
			}
			addRecords(t, l, want.Pairs[0].ID, record(5000, 5000, "caf\xe9"), record(1, 7))
			next := everything(t, l)
			must(t, l.Close())
			if got := len(slurp(t, path)); version(t, path) != 2 || got >= size {
				t.Errorf("version %d, %d octets of %d", version(t, path), got, size)
			}
			if got := names(t, dir); got != "l.db l.db.lock" {
				t.Errorf("there is %s", got)
			}
			must(t, os.Remove(path+".lock"))
			l = mustOpen(t, path)
			same(t, "checked and opened again", everything(t, l), next)
			must(t, l.Close())
		})
	}
}

// A dry run reads it as well, and leaves it as it is.
func TestOldFormatIsReadWithoutATrace(t *testing.T) {
	for _, lock := range []string{"", "pid 1\n"} {
		dir := t.TempDir()
		path := filepath.Join(dir, "l.db")
		want := old(t, path)
		if lock != "" {
			must(t, os.WriteFile(path+".lock", []byte(lock), 0o600))
		}
		before := dirState(t, dir)
		l, err := ledger.OpenReadOnly(path, accounts())
		must(t, err)
		same(t, "read only", everything(t, l), want)
		refusesChanges(t, l)
		must(t, l.Close())
		if after := dirState(t, dir); after != before {
			t.Errorf("changed: %s, before: %s", after, before)
		}
	}
}

// What is damaged is not converted: the file stays as it is, and is refused the next time as well.
func TestDamagedOldFormatIsRefused(t *testing.T) {
	for name, statement := range map[string]string{
		"a place":               "UPDATE records SET dest = dest + 1 WHERE pair = 4 AND src = 1193",
		"a uid":                 "UPDATE records SET src = 2 WHERE pair = 3",
		"a pair":                "UPDATE records SET pair = 2 WHERE pair = 3",
		"an unknown pair":       "UPDATE records SET pair = 7 WHERE pair = 3",
		"who sent it":           "UPDATE records SET appended = 1 - appended WHERE pair = 3",
		"other flags":           "UPDATE records SET flags = 0 WHERE pair = 3",
		"flags of no number":    "UPDATE records SET flags = 4711 WHERE pair = 3",
		"a sum":                 "UPDATE records SET sum = sum + 1 WHERE pair = 3",
		"flags' meaning":        "UPDATE flagsets SET text = x'41' WHERE id = 2",
		"flags gone":            "DELETE FROM flagsets WHERE id = 2",
		"a uid of 33 bits":      "UPDATE records SET src = 4294967296 WHERE pair = 3",
		"a folder":              "UPDATE pairs SET source = x'41' WHERE id = 2",
		"an intent":             "UPDATE intents SET next = 7 WHERE id = 2",
		"a folder is not there": "DELETE FROM pairs WHERE id = 2",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "l.db")
			old(t, path)
			alter(t, path, statement)
			before := slurp(t, path)
			for range 2 {
				for way, open := range bothWays() {
					if err := refusal(t, open, path, accounts()); err.Kind != mail.KindDamaged {
						t.Errorf("%s: kind %d, %v", way, err.Kind, err)
					}
				}
			}
			if !bytes.Equal(slurp(t, path), before) {
				t.Error("the file has changed")
			}
		})
	}
}

// A refusal leaves the proof of the last clean end, so that an older copy is still recognised.
func TestRefusedConversionKeepsTheLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l.db")
	old(t, path)
	alter(t, path, "UPDATE records SET dest = 5 WHERE pair = 3 AND src = 1", "UPDATE records SET sum = 1")
	data := slurp(t, path)
	lock := fmt.Sprintf("clean %d %08x\n", len(data), crc32.ChecksumIEEE(data))
	must(t, os.WriteFile(path+".lock", []byte(lock), 0o600))
	refusal(t, ledger.Open, path, accounts())
	if got := string(slurp(t, path+".lock")); got != lock {
		t.Errorf("the lock file says %q", got)
	}
}

// A process that dies while it converts leaves the old format, whole.
func TestInterruptedConversionIsNone(t *testing.T) {
	dir, copied := t.TempDir(), filepath.Join(t.TempDir(), "copy.db")
	path := filepath.Join(dir, "l.db")
	want := old(t, path)
	before, died := slurp(t, path), errors.New("died")
	err := ledger.Upgrade(path, func() error {
		must(t, os.WriteFile(copied, slurp(t, path), 0o600))
		if log, err := os.ReadFile(path + "-wal"); err == nil {
			must(t, os.WriteFile(copied+"-wal", log, 0o600))
		}
		return died
	})
	if !errors.Is(err, died) || !bytes.Equal(slurp(t, path), before) {
		t.Errorf("%v, or the file has changed", err)
	}
	if n := version(t, copied); n != 1 {
		t.Errorf("version %d", n)
	}
	for way, open := range map[string]func(string, ledger.Identity) (*ledger.Ledger, error){"read only": ledger.OpenReadOnly, "open": ledger.Open} {
		for _, file := range []string{copied, path} {
			l, err := open(file, accounts())
			must(t, err)
			same(t, way, everything(t, l), want)
			must(t, l.Close())
		}
	}
}

// A conversion that outgrows SQLite's cache leaves no more behind, lock file and all.
func TestInterruptedConversionOfALargeLedgerIsNone(t *testing.T) {
	path, copied := filepath.Join(t.TempDir(), "l.db"), filepath.Join(t.TempDir(), "copy.db")
	l := mustOpen(t, path)
	p := addPair(t, l, "A", "A")
	var records []transfer.Record
	for i := range 60_000 {
		records = append(records, record(mail.UID(i+1), mail.UID(i+1), fmt.Sprintf("a-keyword-of-its-own-%d", i)))
	}
	commit(t, l, transfer.Change{Records: map[int64][]transfer.Record{p.ID: records}})
	want := everything(t, l)
	must(t, l.Close())
	olden(t, path, want)
	died := errors.New("died")
	err := ledger.Upgrade(path, func() error {
		for _, suffix := range []string{"", "-wal", ".lock"} {
			if data, err := os.ReadFile(path + suffix); err == nil {
				must(t, os.WriteFile(copied+suffix, data, 0o600))
			}
		}
		return died
	})
	if !errors.Is(err, died) {
		t.Fatal(err)
	}
	for _, way := range []string{"read only", "open"} {
		open := ledger.Open
		if way == "read only" {
			open = ledger.OpenReadOnly
		}
		l, err := open(copied, accounts())
		if err != nil {
			t.Errorf("%s: %v", way, err)
			continue
		}
		same(t, way, everything(t, l), want)
		must(t, l.Close())
	}
}

// One that dies right behind it leaves this format, and the lock file does not call that an older copy.
func TestConversionThatIsNotFollowedByACloseHolds(t *testing.T) {
	path, copied := filepath.Join(t.TempDir(), "l.db"), filepath.Join(t.TempDir(), "copy.db")
	want := old(t, path)
	l := mustOpen(t, path)
	defer l.Close()
	for _, suffix := range []string{"", "-wal", ".lock"} {
		if data, err := os.ReadFile(path + suffix); err == nil {
			must(t, os.WriteFile(copied+suffix, data, 0o600))
		}
	}
	if text := string(slurp(t, copied+".lock")); !strings.HasPrefix(text, "pid ") || strings.Contains(text, "clean") {
		t.Errorf("the lock file says %q", text)
	}
	again := mustOpen(t, copied)
	same(t, "after the crash", everything(t, again), want)
	must(t, again.Close())
}
