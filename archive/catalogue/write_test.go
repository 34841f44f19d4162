package catalogue

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mailferry/transfer/mail"
)

// Changes that arrive while one is being written become one transaction. One that fails leaves
// nothing behind and takes nothing from the others; one that does not come is no change.
func TestChangesThatWaitAreWrittenTogether(t *testing.T) {
	d, err := Create(filepath.Join(t.TempDir(), "catalogue.db"), "maildir")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	put := func(n int) func(*transaction) error {
		return func(tx *transaction) error {
			_, err := tx.Exec("INSERT INTO flagsets (id, text) VALUES (?, ?)", 1000+n, fmt.Append(nil, "set", n))
			return err
		}
	}
	inside, others := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		err := d.write(t.Context(), func(tx *transaction) error {
			close(inside)
			<-others
			return put(0)(tx)
		})
		if err != nil {
			t.Errorf("the first: %v", err)
		}
	})
	<-inside
	refused := errors.New("refused")
	errs := make([]error, 30)
	for i := range errs {
		wg.Go(func() {
			errs[i] = d.write(t.Context(), func(tx *transaction) error {
				if err := put(i + 1)(tx); err != nil || i%3 != 1 {
					return err
				}
				return refused
			})
		})
	}
	for waiting := 0; waiting < len(errs); {
		d.turns.mu.Lock()
		waiting = len(d.turns.waiting)
		d.turns.mu.Unlock()
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.write(cancelled, put(99)); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
	close(others)
	wg.Wait()
	for i, err := range errs {
		if (i%3 == 1) != errors.Is(err, refused) || i%3 != 1 && err != nil {
			t.Errorf("change %d: %v", i, err)
		}
		var there int
		if err := d.queryRow(t.Context(), "SELECT count(*) FROM flagsets WHERE id = ?", 1001+i).Scan(&there); err != nil || there != 0 == (i%3 == 1) {
			t.Errorf("change %d: %d there, %v", i, there, err)
		}
	}
	var n int
	if err := d.queryRow(t.Context(), "SELECT count(*) FROM flagsets WHERE id >= 1000").Scan(&n); err != nil || n != 21 {
		t.Errorf("%d changes are there, want 21: %v", n, err)
	}
	var mode int
	if err := d.queryRow(t.Context(), "PRAGMA synchronous").Scan(&mode); err != nil || mode != 2 {
		t.Errorf("synchronous %d, %v", mode, err)
	}
}

// A change that needs the caches goes on while somebody waits for its connection to fill them.
func TestChangesDoNotWaitForThoseWhoWaitForThem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalogue.db")
	synctest.Test(t, func(t *testing.T) {
		d, err := Create(path, "maildir")
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		asked := make(chan error, 1)
		err = d.write(t.Context(), func(tx *transaction) error {
			go func() {
				_, err := d.set(t.Context(), 4711)
				asked <- err
			}()
			synctest.Wait() // it waits, or nothing is proved
			if len(asked) > 0 {
				t.Error("it has been answered amid a change")
			}
			_, err := d.setID(tx, mail.NewFlags(mail.Seen, "work"))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := <-asked; !Damaged(err) {
			t.Errorf("a set that is not there: %v", err)
		}
	})
}

// A transaction that SQLite gives up takes every change of it along, and says so to each.
func TestABrokenTransactionIsNobodysSuccess(t *testing.T) {
	d, err := Create(filepath.Join(t.TempDir(), "catalogue.db"), "maildir")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	add := func(tx *transaction) error {
		_, err := tx.Exec("INSERT INTO flagsets (id, text) VALUES (1000, x'01')")
		return err
	}
	group := []*turn{
		{change: add},
		{change: func(tx *transaction) error {
			_, err := tx.Exec("ROLLBACK") // as SQLite does by itself when the disk is full
			return errors.Join(err, errors.New("full"))
		}},
		{change: add},
	}
	d.transact(group)
	for i, one := range group {
		if one.err == nil {
			t.Errorf("change %d: no error", i)
		}
	}
	var n int
	if err := d.queryRow(t.Context(), "SELECT count(*) FROM flagsets WHERE id = 1000").Scan(&n); err != nil || n != 0 {
		t.Errorf("%d there, %v", n, err)
	}
	if err := d.write(t.Context(), add); err != nil {
		t.Errorf("the next change: %v", err)
	}
}

// TestNobodyWritesLongForOthers: who has written its own change returns, whoever waits behind it.
func TestNobodyWritesLongForOthers(t *testing.T) {
	d, err := Create(filepath.Join(t.TempDir(), "catalogue.db"), "maildir")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	inside, first := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		err := d.write(t.Context(), func(*transaction) error {
			close(inside)
			for waiting := 0; waiting == 0; runtime.Gosched() {
				d.turns.mu.Lock()
				waiting = len(d.turns.waiting)
				d.turns.mu.Unlock()
			}
			return nil
		})
		if err != nil {
			t.Errorf("the first: %v", err)
		}
		close(first)
	})
	<-inside
	err = d.write(t.Context(), func(*transaction) error {
		select {
		case <-first:
		case <-time.After(20 * time.Second):
			t.Error("the first waits for the second")
		}
		return nil
	})
	if err != nil {
		t.Errorf("the second: %v", err)
	}
	wg.Wait()
}

// A change that is about to come is written together with one that has come before, if it comes soon.
func TestAChangeWaitsForOneThatComes(t *testing.T) {
	d, path := created(t)
	d.turns.enough = time.Minute
	before := transactions(t, path)
	coming, come := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		err := d.writeAfter(t.Context(), func() error {
			close(coming)
			<-come
			return nil
		}, raise)
		if err != nil {
			t.Error(err)
		}
	})
	<-coming
	wg.Go(func() {
		if err := d.write(t.Context(), raise); err != nil {
			t.Error(err)
		}
	})
	waitForLeader(d)
	close(come)
	wg.Wait()
	if n := transactions(t, path) - before; n != 1 {
		t.Errorf("%d transactions", n)
	}
}

// Nobody waits for a change that does not come, or not soon.
func TestNobodyWaitsForAChangeThatDoesNotCome(t *testing.T) {
	d, _ := created(t)
	refused := errors.New("refused")
	coming, come := make(chan struct{}), make(chan struct{})
	for _, enough := range []time.Duration{time.Millisecond, time.Minute} {
		d.turns.enough = enough
		var wg sync.WaitGroup
		wg.Go(func() {
			err := d.writeAfter(t.Context(), func() error {
				coming <- struct{}{}
				<-come
				return refused
			}, func(*transaction) error {
				t.Error("the change is made, although what had to be done before has failed")
				return nil
			})
			if !errors.Is(err, refused) {
				t.Errorf("the first: %v", err)
			}
		})
		<-coming
		written := make(chan error)
		go func() { written <- d.write(t.Context(), raise) }()
		if enough == time.Minute {
			waitForLeader(d)
			come <- struct{}{}
		}
		select {
		case err := <-written:
			if err != nil {
				t.Errorf("the second: %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("the second waits for the first")
		}
		if enough < time.Minute {
			come <- struct{}{}
		}
		wg.Wait()
	}
}

func raise(tx *transaction) error {
	_, err := tx.Exec("UPDATE archive SET validity = validity + 1")
	return err
}

func waitForLeader(d *DB) {
	for leading := false; !leading; runtime.Gosched() {
		d.turns.mu.Lock()
		leading = d.turns.writing
		d.turns.mu.Unlock()
	}
}

// transactions is how many there have been: SQLite counts them in the file.
func transactions(t *testing.T, path string) uint32 {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return binary.BigEndian.Uint32(text[24:])
}
