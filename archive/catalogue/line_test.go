package catalogue

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"mailferry/transfer/mail"
)

func created(t *testing.T) (d *DB, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "catalogue.db")
	d, err := Create(path, "maildir")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d, path
}

// The lock that a writer keeps between its changes keeps no reader out, and no reader that comes and goes keeps the
// writer from changing anything. The journal, which stays open meanwhile, is away in the end.
func TestReadersComeAndGoBesideAWriter(t *testing.T) {
	d, path := created(t)
	for n := int64(1); n <= 5; n++ {
		if run, err := d.BeginRun(t.Context(), source, time.Now()); run != n || err != nil {
			t.Fatal(run, err)
		}
		if d.line.held == nil {
			t.Fatal("the lock is not kept")
		}
		r, err := OpenReadOnly(path, true)
		if err != nil {
			t.Fatal(err)
		}
		if last, err := r.LastRun(t.Context()); last != n || err != nil {
			t.Errorf("a reader sees run %d after run %d, %v", last, n, err)
		}
		if err := d.SetSource(t.Context(), source); err != nil {
			t.Error(err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path + "-journal"); !os.IsNotExist(err) {
		t.Errorf("the journal is there after the end: %v", err)
	}
}

const source = "imaps://me@old.example"

// Whoever gives up while he asks spoils nothing for others: SQLite would go on interrupting them.
func TestAQuestionGivenUpIsOnlyThat(t *testing.T) {
	d, _ := created(t)
	f := &Folder{Path: mail.NewPath("INBOX"), Dir: "."}
	if err := d.AddFolders(t.Context(), 0, f); err != nil {
		t.Fatal(err)
	}
	const messages = 5000
	if err := d.Append(t.Context(), 0, f, make([]Message, messages), nil); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for wait := range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Duration(wait)*100*time.Microsecond, cancel)
		wg.Go(func() {
			for {
				n, _, _, err := d.Totals(ctx, f.ID, View{})
				if errors.Is(err, context.Canceled) {
					return
				}
				if err != nil || n != messages {
					t.Errorf("%d messages, %v", n, err)
					return
				}
			}
		})
		wg.Go(func() {
			if err := d.SetSource(t.Context(), source); err != nil {
				t.Errorf("a change beside it: %v", err)
			}
		})
	}
	wg.Wait()
	if _, err := d.LastRun(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.LastRun(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
}

// Who comes when the catalogue is closed is told so, and does not wait.
func TestNobodyWaitsForAClosedCatalogue(t *testing.T) {
	d, _ := created(t)
	for range 2 {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := d.LastRun(t.Context()); err == nil {
		t.Error("a closed catalogue answers")
	}
	if err := d.SetSource(t.Context(), source); err == nil {
		t.Error("a closed catalogue is changed")
	}
}

// asAnotherProgram runs this test once more in a process of its own, in which role is not empty, and returns what it says.
func asAnotherProgram(t *testing.T, role, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "CATALOGUE_ROLE="+role, "CATALOGUE_PATH="+path)
	return cmd
}

func otherProgram(t *testing.T) (role string, db *sql.DB) {
	t.Helper()
	if role = os.Getenv("CATALOGUE_ROLE"); role == "" {
		return "", nil
	}
	db, err := sql.Open("sqlite", "file:"+os.Getenv("CATALOGUE_PATH")+"?_pragma=busy_timeout(100)")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	return role, db
}

// TestAnotherProgramTakesTheJournalAway, as SQLite does when what it wanted to write could not be. What the writer
// does then can be undone all the same.
func TestAnotherProgramTakesTheJournalAway(t *testing.T) {
	if role, db := otherProgram(t); role != "" {
		_, err := db.Exec("UPDATE archive SET source = x'41'")
		fmt.Println("refused:", err != nil)
		db.Close()
		return
	}
	d, path := created(t)
	f := &Folder{Path: mail.NewPath("INBOX"), Dir: "."}
	if err := d.AddFolders(t.Context(), 0, f); err != nil {
		t.Fatal(err)
	}
	list := make([]Message, 25_000) // more than SQLite changes in memory
	for i := range list {
		list[i].Place = fmt.Sprint("cur/", i, strings.Repeat("x", 300))
	}
	if err := d.Append(t.Context(), 1, f, list, nil); err != nil {
		t.Fatal(err)
	}
	if out, err := asAnotherProgram(t, "writer", path).CombinedOutput(); err != nil || !strings.Contains(string(out), "refused: true") {
		t.Fatalf("the other program: %v\n%s", err, out)
	}
	if _, err := os.Stat(path + "-journal"); !os.IsNotExist(err) {
		t.Fatalf("it has left the journal: %v", err)
	}
	killed := filepath.Join(t.TempDir(), "killed.db")
	err := d.write(t.Context(), func(tx *transaction) error {
		_, err := tx.Exec("UPDATE messages SET gone = 1, place = CAST(place || x'7a' AS BLOB)")
		return errors.Join(err, copyFile(killed, path), copyFile(killed+"-journal", path+"-journal"))
	})
	if err != nil {
		t.Fatal(err)
	}
	k, err := Open(killed, true)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	var gone, all int
	if err := k.queryRow(t.Context(), "SELECT sum(gone), count(*) FROM messages").Scan(&gone, &all); err != nil || gone != 0 || all != len(list) {
		t.Errorf("killed amid a change: %d of %d messages are gone, %v", gone, all, err)
	}
}

// TestAWriterWaitsForAnotherProgram that is about to change something.
func TestAWriterWaitsForAnotherProgram(t *testing.T) {
	if role, db := otherProgram(t); role != "" {
		_, err := db.Exec("BEGIN IMMEDIATE")
		fmt.Println("begun:", err)
		fmt.Scanln() // until the writer has been seen to wait
		_, err = db.Exec("ROLLBACK")
		fmt.Println("ended:", err)
		db.Close()
		return
	}
	d, path := created(t)
	if err := d.SetSource(t.Context(), source); err != nil || d.line.held == nil {
		t.Fatalf("%v, or the lock is not kept", err)
	}
	cmd := asAnotherProgram(t, "reserving", path)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "begun: <nil>" {
		t.Fatalf("the other program says %q", lines.Text())
	}
	changed := make(chan error, 1)
	go func() { changed <- d.SetSource(t.Context(), source) }()
	for d.line.free != nil && len(d.line.free) > 0 { // it has not begun yet
		runtime.Gosched()
	}
	fmt.Fprintln(in)
	if err := errors.Join(<-changed, cmd.Wait()); err != nil {
		t.Error(err)
	}
}
