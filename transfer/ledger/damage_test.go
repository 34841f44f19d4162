package ledger_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"mailferry/transfer"
	"mailferry/transfer/ledger"
	"mailferry/transfer/mail"
)

// crashed is what a killed process leaves: the files, and the states that each
// commit made.
type crashed struct {
	file, wal []byte
	states    []stored
}

func (c crashed) last() stored { return c.states[len(c.states)-1] }

// sample fills a ledger and returns its files as they are before and after a clean end.
func sample(t *testing.T) (open, closed crashed) {
	path := filepath.Join(t.TempDir(), "l.db")
	// The first half goes to the main file, the second stays in the log.
	fill(t, path, 0, 4)
	l := mustOpen(t, path)
	open.states = append(open.states, everything(t, l))
	for n := 4; n < 8; n++ {
		fillStep(t, l, n, func() { open.states = append(open.states, everything(t, l)) })
	}
	open.file, open.wal = slurp(t, path), slurp(t, path+"-wal")
	must(t, l.Close())
	closed.file, closed.states = slurp(t, path), []stored{open.last()}
	return open, closed
}

func fill(t *testing.T, path string, from, to int) {
	l := mustOpen(t, path)
	for n := from; n < to; n++ {
		fillStep(t, l, n, func() {})
	}
	must(t, l.Close())
}

func fillStep(t *testing.T, l *ledger.Ledger, n int, committed func()) {
	p := addPair(t, l, fmt.Sprintf("Source/%d", n), fmt.Sprintf("Dest/%d", n))
	committed()
	var records []transfer.Record
	for uid := mail.UID(1); uid <= 60; uid++ {
		records = append(records, record(uid*3, uid+mail.UID(n), mail.Seen, fmt.Sprintf("label%d", uid%5)))
	}
	commit(t, l, transfer.Change{Records: map[int64][]transfer.Record{p.ID: records}, Intents: []*transfer.Intent{intent(p.ID, 9, 100, 300, 301, 400)}})
	committed()
}

func slurp(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	return data
}

// lay puts the files where a ledger is looked for.
func (c crashed) lay(t *testing.T, path, lock string) {
	t.Helper()
	must(t, os.RemoveAll(path+"-shm"))
	for name, data := range map[string][]byte{path: c.file, path + "-wal": c.wal, path + ".lock": []byte(lock)} {
		if data == nil || len(data) == 0 && name != path {
			must(t, os.RemoveAll(name))
			continue
		}
		must(t, os.WriteFile(name, data, 0o600))
	}
}

// verdict opens a ledger in one way and says what came of it: an error, or the
// number of the state it holds, -1 for a state that never was.
func verdict(t *testing.T, open func(string, ledger.Identity) (*ledger.Ledger, error), path string, states []stored) (state int, err error) {
	t.Helper()
	l, err := open(path, accounts())
	if err != nil {
		var known *mail.Error
		if !errors.As(err, &known) || known.Scope != mail.ScopeStore || known.Retry != mail.RetryNever {
			t.Errorf("not classified: %v", err)
		}
		return 0, err
	}
	got, err := read(t.Context(), l)
	if err != nil {
		_ = l.Close()
		return 0, err
	}
	must(t, l.Close())
	for i, s := range states {
		if reflect.DeepEqual(got, s) {
			return i, nil
		}
	}
	return -1, nil
}

// offsets are positions spread over size octets: all of the dense header, and then every stepth.
func offsets(size, dense, step int) []int {
	var out []int
	for at := 0; at < size; at++ {
		if at < dense/slowness || at%(step*slowness) == 0 {
			out = append(out, at)
		}
	}
	return out
}

func flip(data []byte, at int) []byte {
	out := bytes.Clone(data)
	out[at] ^= 1 << (at % 8)
	return out
}

// A file that was closed has a checksum: any change of it is noticed.
func TestClosedFileFlippedAnywhereIsRefused(t *testing.T) {
	_, closed := sample(t)
	path := filepath.Join(t.TempDir(), "l.db")
	must(t, mustOpen(t, path).Close())
	closed.lay(t, path, "")
	l := mustOpen(t, path)
	must(t, l.Close())
	closed.file = slurp(t, path)
	lock := string(slurp(t, path+".lock"))
	for way, open := range bothWays() {
		for _, at := range offsets(len(closed.file), 0, 509) {
			c := closed
			c.file = flip(closed.file, at)
			c.lay(t, path, lock)
			err := refusal(t, open, path, accounts())
			if err.Kind != mail.KindDamaged {
				t.Errorf("%s, octet %d: kind %d, %v", way, at, err.Kind, err)
			}
		}
		for _, size := range []int{0, 1, 100, 4096, len(closed.file) / 2, len(closed.file) - 4096, len(closed.file) - 1} {
			c := closed
			c.file = closed.file[:size]
			c.lay(t, path, lock)
			refusal(t, open, path, accounts())
		}
		closed.lay(t, path, lock)
		if state, err := verdict(t, open, path, closed.states); err != nil || state != 0 {
			t.Errorf("%s, whole: %d, %v", way, state, err)
		}
		lock = string(slurp(t, path+".lock"))
		closed.file = slurp(t, path)
	}
}

// Without the mark of a clean end it takes SQLite's check and the rows' checksums.
func TestFlippedFileIsRefusedOrRight(t *testing.T) {
	_, closed := sample(t)
	path := filepath.Join(t.TempDir(), "l.db")
	refused := 0
	try := func(way string, open func(string, ledger.Identity) (*ledger.Ledger, error), at int) {
		c := closed
		c.file = flip(closed.file, at)
		c.lay(t, path, "pid 1\n")
		state, err := verdict(t, open, path, closed.states)
		if err != nil {
			refused++
		} else if state != 0 {
			t.Errorf("%s, octet %d of %d: wrong data", way, at, len(c.file))
		}
	}
	for _, at := range offsets(len(closed.file), 110, 97) {
		try("read only", ledger.OpenReadOnly, at)
	}
	for _, at := range offsets(len(closed.file), 20, 499) {
		try("open", ledger.Open, at)
	}
	if refused < 100/slowness {
		t.Errorf("only %d refused", refused)
	}
}

func TestTruncatedFileIsRefused(t *testing.T) {
	_, closed := sample(t)
	path := filepath.Join(t.TempDir(), "l.db")
	for way, open := range bothWays() {
		for _, size := range append(offsets(len(closed.file), 0, 2048), 1, 15, 99, 101, len(closed.file)-1) {
			c := closed
			c.file = closed.file[:size]
			c.lay(t, path, "")
			state, err := verdict(t, open, path, []stored{everythingNew(t), closed.last()})
			// Without any octet it is a new ledger, as if it had been deleted. The last page
			// may have nothing in it.
			right := 1
			if size == 0 {
				right = 0
			}
			if err == nil && state != right || err != nil && size == 0 {
				t.Errorf("%s, %d octets: state %d, %v", way, size, state, err)
			}
		}
	}
}

func everythingNew(t *testing.T) stored { return everything(t, ledger.NewMemory()) }

// The log of a killed process may have a torn end. Everything else is damage,
// and none of it may look like an earlier state but for the last commit.
func TestFlippedLogIsRefusedOrLosesOnlyTheEnd(t *testing.T) {
	open, _ := sample(t)
	if len(open.wal) < 20*4096 {
		t.Fatalf("the log has only %d octets", len(open.wal))
	}
	path := filepath.Join(t.TempDir(), "l.db")
	open.lay(t, path, "pid 1\n")
	if state, err := verdict(t, ledger.OpenReadOnly, path, open.states); err != nil || state != len(open.states)-1 {
		t.Fatalf("whole: state %d, %v", state, err)
	}
	refused, tried := 0, 0
	for way, opener := range bothWays() {
		for _, at := range offsets(len(open.wal), 56, 1021) {
			c := open
			c.wal = flip(open.wal, at)
			c.lay(t, path, "pid 1\n")
			state, err := verdict(t, opener, path, open.states)
			tried++
			if err != nil {
				refused++
			} else if state < len(open.states)-2 {
				t.Errorf("%s, octet %d of %d: state %d of %d", way, at, len(c.wal), state, len(open.states))
			}
		}
	}
	if refused < tried/2 {
		t.Errorf("only %d of %d refused", refused, tried)
	}
}

func TestTornLogIsAnEarlierState(t *testing.T) {
	open, _ := sample(t)
	path := filepath.Join(t.TempDir(), "l.db")
	for way, opener := range bothWays() {
		before := 0
		for _, size := range append(offsets(len(open.wal), 0, 3001), 1, 31, 32, 33, len(open.wal)-1) {
			c := open
			c.wal = open.wal[:size]
			c.lay(t, path, "pid 1\n")
			state, err := verdict(t, opener, path, open.states)
			if err != nil || state < 0 {
				t.Errorf("%s, %d of %d octets: state %d, %v", way, size, len(open.wal), state, err)
			}
			before = max(before, state)
		}
		if before < len(open.states)-2 {
			t.Errorf("%s: the best state was %d of %d", way, before, len(open.states))
		}
	}
}

// Damage that comes up while the ledger is in use is an error of the call.
func TestDamageWhileOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l.db")
	fill(t, path, 0, 3)
	data := slurp(t, path)
	at := bytes.LastIndex(data, []byte("Source\x000"))
	if at < 0 {
		t.Fatal("the pair is not found in the file")
	}
	l := mustOpen(t, path)
	defer l.Close()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	must(t, err)
	for at >= 0 {
		_, err = f.WriteAt([]byte{'X'}, int64(at))
		must(t, err)
		at = bytes.LastIndex(data[:at], []byte("Source\x000"))
	}
	must(t, f.Close())
	_, err = l.Pairs(t.Context())
	var known *mail.Error
	if !errors.As(err, &known) || known.Kind != mail.KindDamaged || known.Hint == "" {
		t.Errorf("%v", err)
	}
}
