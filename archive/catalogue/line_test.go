package catalogue

import (
	"context"
	"errors"
	"os"
	"path/filepath"
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
