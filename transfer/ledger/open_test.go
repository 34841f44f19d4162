package ledger_test

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite"

	"mailferry/transfer"
	"mailferry/transfer/ledger"
	"mailferry/transfer/mail"
)

// refusal opens a ledger that must not open, and returns why.
func refusal(t *testing.T, open func(string, ledger.Identity) (*ledger.Ledger, error), path string, id ledger.Identity) *mail.Error {
	t.Helper()
	l, err := open(path, id)
	if err == nil {
		t.Fatalf("it opened: %v", l.Close())
	}
	var known *mail.Error
	if !errors.As(err, &known) {
		t.Fatalf("not a mail.Error: %v", err)
	}
	if known.Scope != mail.ScopeStore || known.Retry != mail.RetryNever || known.Hint == "" {
		t.Errorf("scope %d, retry %d, hint %q", known.Scope, known.Retry, known.Hint)
	}
	return known
}

func bothWays() map[string]func(string, ledger.Identity) (*ledger.Ledger, error) {
	return map[string]func(string, ledger.Identity) (*ledger.Ledger, error){"open": ledger.Open, "read only": ledger.OpenReadOnly}
}

func TestFilesAreForTheUserAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "mailferry")
	file := filepath.Join(dir, "l.db")
	l := mustOpen(t, file)
	addPair(t, l, "INBOX", "INBOX")
	entries, err := os.ReadDir(dir)
	must(t, err)
	if len(entries) < 2 {
		t.Errorf("only %v", entries)
	}
	for _, e := range entries {
		info, err := e.Info()
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o", e.Name(), info.Mode().Perm())
		}
	}
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if info, err := os.Stat(d); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", d, info.Mode(), err)
		}
	}
	must(t, l.Close())
	if left := names(t, dir); left != "l.db l.db.lock" {
		t.Errorf("after closing there is %s", left)
	}
}

func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return strings.Join(out, " ")
}

func TestSecondOpenerIsToldWhoHoldsTheLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l.db")
	l := mustOpen(t, path)
	err := refusal(t, ledger.Open, path, accounts())
	if err.Kind != mail.KindLocked || !strings.Contains(err.Error(), fmt.Sprintf("process %d", os.Getpid())) {
		t.Errorf("kind %d: %v", err.Kind, err)
	}
	addPair(t, l, "A", "A")
	must(t, l.Close())
	l = mustOpen(t, path)
	if got := everything(t, l); len(got.Pairs) != 1 {
		t.Errorf("%+v", got)
	}
	must(t, l.Close())
}

func TestOtherAccountsAreRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l.db")
	l := mustOpen(t, path)
	addPair(t, l, "A", "A")
	must(t, l.Close())
	for name, open := range bothWays() {
		t.Run(name, func(t *testing.T) {
			other := ledger.Identity{Source: "imaps://bob@old.example", Dest: accounts().Dest}
			err := refusal(t, open, path, other)
			if !errors.Is(err, ledger.ErrOtherAccounts) || errors.Is(err, ledger.ErrFormat) {
				t.Errorf("not to be told apart: %v", err)
			}
			for _, word := range []string{"ann@old.example", "bob@old.example", path} {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%v does not name %s", err, word)
				}
			}
			other = ledger.Identity{Source: accounts().Dest, Dest: accounts().Source}
			refusal(t, open, path, other)
			l, err2 := open(path, accounts())
			must(t, err2)
			if got := everything(t, l); len(got.Pairs) != 1 {
				t.Errorf("the refusal left %+v", got)
			}
			must(t, l.Close())
		})
	}
}

func alter(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	must(t, err)
	for _, s := range statements {
		_, err := db.Exec(s)
		must(t, err)
	}
	must(t, db.Close())
	must(t, os.RemoveAll(path+".lock"))
}

func TestFormatsOfOthersAreRefused(t *testing.T) {
	for name, c := range map[string]struct{ statement, says string }{
		"newer":      {"PRAGMA user_version = 3", "newer version"},
		"impossible": {"PRAGMA user_version = -1", "never was"},
		"foreign":    {"PRAGMA application_id = 7", "not a ledger"},
	} {
		for way, open := range bothWays() {
			t.Run(name+" "+way, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "l.db")
				must(t, mustOpen(t, path).Close())
				alter(t, path, c.statement)
				if err := refusal(t, open, path, accounts()); !strings.Contains(err.Error(), c.says) {
					t.Errorf("%v", err)
				}
			})
		}
	}
}

func TestOtherPeoplesDatabaseIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "places.sqlite")
	alter(t, path, "CREATE TABLE bookmarks (url TEXT)", "INSERT INTO bookmarks VALUES ('here')")
	refusal(t, ledger.Open, path, accounts())
	db, err := sql.Open("sqlite", path)
	must(t, err)
	defer db.Close()
	var url string
	var tables int
	must(t, db.QueryRow("SELECT url, (SELECT count(*) FROM sqlite_master) FROM bookmarks").Scan(&url, &tables))
	if url != "here" || tables != 1 {
		t.Errorf("%q, %d tables", url, tables)
	}
}

func TestOddFileNames(t *testing.T) {
	for _, name := range []string{"imaps___a%40b?x=1#2.db", "a b&c=d.db", "ümläut.db", "file:x.db", "%41.db", "\xff.db", "100%.db"} {
		dir := t.TempDir()
		path := filepath.Join(dir, name)
		l := mustOpen(t, path)
		addPair(t, l, "A", "A")
		must(t, l.Close())
		if got := names(t, dir); got != name+" "+name+".lock" {
			t.Errorf("%q: there is %q", name, got)
		}
		l, err := ledger.OpenReadOnly(path, accounts())
		must(t, err)
		if got := everything(t, l); len(got.Pairs) != 1 {
			t.Errorf("%q: %+v", name, got)
		}
		must(t, l.Close())
	}
	t.Chdir(t.TempDir())
	must(t, mustOpen(t, "relative.db").Close())
	if got := names(t, "."); got != "relative.db relative.db.lock" {
		t.Errorf("there is %q", got)
	}
}

func TestUnreachablePathIsAnError(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	if _, err := ledger.Open(filepath.Join(dir, "file", "l.db"), accounts()); err == nil {
		t.Error("a ledger below a file")
	}
	if _, err := ledger.Open(dir, accounts()); err == nil {
		t.Error("a ledger that is a directory")
	}
	if _, err := ledger.OpenReadOnly(dir, accounts()); err == nil {
		t.Error("reading a directory")
	}
}

func TestDeletedLedgerBeginsAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l.db")
	l := mustOpen(t, path)
	addPair(t, l, "A", "A")
	must(t, l.Close())
	must(t, os.Remove(path))
	l = mustOpen(t, path)
	if got := everything(t, l); len(got.Pairs) != 0 {
		t.Errorf("%+v", got)
	}
	must(t, l.Close())
}

// An older copy has forgotten what was sent since: with it, mail would be doubled.
func TestOlderCopyIsRefused(t *testing.T) {
	for way, open := range bothWays() {
		t.Run(way, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "l.db")
			l := mustOpen(t, path)
			p := addPair(t, l, "A", "A")
			must(t, l.Close())
			older, err := os.ReadFile(path)
			must(t, err)
			l = mustOpen(t, path)
			addRecords(t, l, p.ID, record(1, 1))
			must(t, l.Close())
			must(t, os.WriteFile(path, older, 0o600))
			for range 2 { // the refusal itself does not make it acceptable
				if err := refusal(t, open, path, accounts()); err.Kind != mail.KindDamaged || !strings.Contains(err.Error(), "older copy") {
					t.Errorf("kind %d: %v", err.Kind, err)
				}
			}
			must(t, os.Remove(path))
			l = mustOpen(t, path)
			must(t, l.Close())
		})
	}
}

// A process that dies while it makes the file leaves a database without any table.
func TestUnfinishedFileBecomesALedger(t *testing.T) {
	for name, lay := range map[string]func(path string){
		"empty": func(path string) { must(t, os.WriteFile(path, nil, 0o600)) },
		"blank": func(path string) { alter(t, path, "PRAGMA journal_mode = WAL") },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "l.db")
			lay(path)
			l, err := ledger.OpenReadOnly(path, accounts())
			must(t, err)
			same(t, "read only", everything(t, l), everythingNew(t))
			must(t, l.Close())
			l = mustOpen(t, path)
			addPair(t, l, "A", "A")
			must(t, l.Close())
		})
	}
}

func TestLockFileOfAnyContentIsTolerated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l.db")
	l := mustOpen(t, path)
	addPair(t, l, "A", "A")
	must(t, l.Close())
	for _, text := range []string{"", "pid 1", "pid x\n", "clean\n", "clean 1 zz\n", "\x00\xff\n", "pid 99999999999999999999\n", strings.Repeat("x", 1<<16)} {
		must(t, os.WriteFile(path+".lock", []byte(text), 0o600))
		l := mustOpen(t, path)
		if got := everything(t, l); len(got.Pairs) != 1 {
			t.Errorf("%.20q: %+v", text, got)
		}
		must(t, l.Close())
	}
}

func TestReadOnlyLeavesNoTrace(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "none", "l.db")
	l, err := ledger.OpenReadOnly(path, accounts())
	must(t, err)
	if got := everything(t, l); len(got.Pairs) != 0 {
		t.Errorf("%+v", got)
	}
	refusesChanges(t, l)
	must(t, l.Close())
	if _, err := os.Stat(filepath.Dir(path)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory was made: %v", err)
	}

	path = filepath.Join(dir, "l.db")
	w := mustOpen(t, path)
	p := addPair(t, w, "A", "A")
	addRecords(t, w, p.ID, record(1, 2, mail.Seen, "$Label"))
	want := everything(t, w)
	must(t, w.Close())
	before := dirState(t, dir)
	must(t, os.Chmod(dir, 0o500))
	defer os.Chmod(dir, 0o700)
	l, err = ledger.OpenReadOnly(path, accounts())
	must(t, err)
	same(t, "a closed ledger", everything(t, l), want)
	refusesChanges(t, l)
	if during := dirState(t, dir); during != before {
		t.Errorf("while open: %s, before: %s", during, before)
	}
	must(t, l.Close())
	if after := dirState(t, dir); after != before {
		t.Errorf("afterwards: %s, before: %s", after, before)
	}
}

func refusesChanges(t *testing.T, l *ledger.Ledger) {
	t.Helper()
	p := transfer.Pair{Source: path("X"), Dest: path("X")}
	if err := l.Commit(t.Context(), transfer.Change{Pair: &p}); err == nil || p.ID != 0 {
		t.Errorf("commit: %v", err)
	}
	if _, err := l.StartRun(t.Context(), someTime()); err == nil {
		t.Error("a run could begin")
	}
	if err := l.FinishRun(t.Context(), 1, someTime(), nil); err == nil {
		t.Error("a run could end")
	}
}
