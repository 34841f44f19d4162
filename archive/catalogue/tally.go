package catalogue

import "sync"

// tally counts what a run does while it does it, so that in the end not every message of the archive has to be looked at.
type tally struct {
	mu        sync.Mutex
	run       int64
	added     int64
	reflagged int64
	unsure    bool // something was done that is not counted here
}

func (t *tally) begin(run int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.run, t.added, t.reflagged, t.unsure = run, 0, 0, false
}

// add notes what a change did, of which err came.
func (t *tally) add(run, added, reflagged int64, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case run != t.run:
	case err != nil:
		t.unsure = true
	default:
		t.added, t.reflagged = t.added+added, t.reflagged+reflagged
	}
}

// marks notes that messages of any run may be marked, or marked no more.
func (t *tally) marks() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.unsure = true
}

// of returns what a run has added and reflagged, if that is all it has done.
func (t *tally) of(run int64) (added, reflagged int64, sure bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.added, t.reflagged, run == t.run && !t.unsure
}
