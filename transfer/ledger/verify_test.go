package ledger

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailferry/transfer"
	"mailferry/transfer/mail"
)

// lay makes a ledger of one pair, two chunks and one set of flags, does something to the
// file, and takes away the proof of a clean end.
func lay(t *testing.T, spoil func(db *sql.DB) error) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "l.db")
	l, err := Open(path, Identity{"a", "b"})
	if err != nil {
		t.Fatal(err)
	}
	l.chunkSize = 2
	p := &transfer.Pair{Source: mail.NewPath("A"), Dest: mail.NewPath("A")}
	if err := l.Commit(t.Context(), transfer.Change{Pair: p}); err != nil {
		t.Fatal(err)
	}
	var records []transfer.Record
	for uid := mail.UID(10); uid < 14; uid++ {
		records = append(records, transfer.Record{Source: uid, Dest: uid, Base: mail.NewFlags(mail.Seen)})
	}
	err = l.Commit(t.Context(), transfer.Change{Records: map[int64][]transfer.Record{p.ID: records}})
	if err := errors.Join(err, l.Close()); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(spoil(db), db.Close(), os.Remove(path+".lock")); err != nil {
		t.Fatal(err)
	}
	return path
}

func put(pair int64, entries ...entry) func(db *sql.DB) error {
	return func(db *sql.DB) error {
		_, err := db.Exec(insertChunk, newChunk(pair, entries).columns()...)
		return err
	}
}

func do(text string) func(db *sql.DB) error {
	return func(db *sql.DB) error {
		_, err := db.Exec(text)
		return err
	}
}

// Rows that are right each by itself do not make a ledger. A ledger whose rows contradict one another is refused, whether
// it is opened for a run or for a dry run.
func TestWhatContradictsItselfIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(db *sql.DB) error
		says  string
	}{
		"nothing":                     {func(*sql.DB) error { return nil }, ""},
		"more behind":                 {put(1, entry{14, 3, true, 1}), ""},
		"a chunk within another":      {put(1, entry{11, 3, true, 1}), "there twice"},
		"a chunk over two":            {put(1, entry{9, 3, true, 1}, entry{20, 3, true, 1}), "there twice"},
		"a chunk of no pair":          {put(2, entry{1, 3, true, 1}), "missing"},
		"flags that are not there":    {put(1, entry{14, 3, true, 2}), "set of flags 2 is missing"},
		"flags gone":                  {do("DELETE FROM flags"), "set of flags 1 is missing"},
		"flags renumbered":            {do("UPDATE flags SET id = 2"), "set of flags 1 is damaged"},
		"flags of another meaning":    {do("UPDATE flags SET text = x'5c466c6167676564'"), "set of flags 1 is damaged"},
		"a sum of flags":              {do("UPDATE flags SET sum = sum + 1"), "set of flags 1 is damaged"},
		"a pair renumbered":           {do("UPDATE chunks SET pair = 3 WHERE first = 10"), "from 10 on in pair 3 are damaged"},
		"another first":               {do("UPDATE chunks SET first = 9 WHERE first = 10"), "damaged"},
		"another last":                {do("UPDATE chunks SET last = 10 WHERE first = 10"), "damaged"},
		"another top":                 {do("UPDATE chunks SET top = 10 WHERE first = 10"), "damaged"},
		"another sum":                 {do("UPDATE chunks SET sum = 10 WHERE first = 10"), "damaged"},
		"a uid that is too great":     {do("UPDATE chunks SET last = 4294967296 WHERE first = 12"), "damaged"},
		"other data":                  {do("UPDATE chunks SET data = x'0404' WHERE first = 10"), "damaged"},
		"no data":                     {do("UPDATE chunks SET data = x''"), "damaged"},
		"the pair's row is not there": {do("DELETE FROM pairs"), "missing"},
	} {
		t.Run(name, func(t *testing.T) {
			path := lay(t, c.spoil)
			for way, open := range map[string]func(string, Identity) (*Ledger, error){"read only": OpenReadOnly, "open": Open} {
				l, err := open(path, Identity{"a", "b"})
				var known *mail.Error
				switch {
				case err == nil && c.says == "":
					err = l.Close()
				case err == nil:
					t.Errorf("%s: it opened, %v", way, l.Close())
				case !errors.As(err, &known) || known.Kind != mail.KindDamaged || c.says == "" || !strings.Contains(err.Error(), c.says):
					t.Errorf("%s: %v", way, err)
				}
			}
		})
	}
}

// A ledger that was closed cleanly is not read whole when it is opened. Damage then comes up where it
// is, and what is added to a damaged chunk does not cover it up.
func TestDamageComesUpInUse(t *testing.T) {
	for _, text := range []string{
		"UPDATE chunks SET data = CAST(data || x'00' AS BLOB) WHERE first = 12",
		"UPDATE chunks SET last = 14 WHERE first = 12",
		"UPDATE chunks SET top = 99 WHERE first = 12",
	} {
		path := lay(t, do(text))
		mark, err := markOf(path)
		if err := errors.Join(err, os.WriteFile(path+".lock", []byte(lockState{Clean: mark}.String()), 0o600)); err != nil {
			t.Fatal(err)
		}
		l, err := Open(path, Identity{"a", "b"})
		if err != nil {
			t.Fatal(err)
		}
		_, errRecords := l.Records(t.Context(), 1, 11, 1)
		_, errClaimed := l.Claimed(t.Context(), mail.NewPath("A"), 12)
		errAdd := l.Commit(t.Context(), transfer.Change{Records: map[int64][]transfer.Record{1: {{Source: 13}}}})
		errForget := l.Commit(t.Context(), transfer.Change{Forget: map[int64]mail.UIDSet{1: mail.NewUIDSet(13)}})
		for op, err := range map[string]error{"records": errRecords, "claimed": errClaimed, "add": errAdd, "forget": errForget} {
			var known *mail.Error
			if !errors.As(err, &known) || known.Kind != mail.KindDamaged {
				t.Errorf("%s, %s: %v", text, op, err)
			}
		}
		if r, err := l.Records(t.Context(), 1, 0, 2); err != nil || fmt.Sprint(r[0].Source, r[1].Source) != "10 11" {
			t.Errorf("what is whole: %+v, %v", r, err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
