package transfer

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// memory holds messages on their way: no more than the budget's octets at once.
type memory struct {
	pages  pages
	budget *semaphore.Weighted // of octets, in all bodies

	mu      sync.Mutex
	waiting int           // how many wait for memory
	cry     chan struct{} // closed while somebody does
}

// mostSlab is the most that is taken from the system at once.
const mostSlab = 8 << 20

func newMemory(octets int64) *memory {
	slab := int(min(octets/4, mostSlab)) &^ (pageSize - 1)
	return &memory{pages: pages{slab: slab}, budget: semaphore.NewWeighted(octets), cry: make(chan struct{})}
}

// borrow waits for memory of so many octets and appends it to pieces; anything may stand in it. giveBack is owed.
func (m *memory) borrow(ctx context.Context, octets int64, pieces []piece) ([]piece, error) {
	if err := m.acquire(ctx, octets); err != nil {
		return nil, err
	}
	for octets > 0 {
		n := int(min(octets, pageSize))
		pieces = append(pieces, m.pages.lend(n))
		octets -= int64(n)
	}
	return pieces, nil
}

// giveBack is for memory to which nobody refers any more: whoever does will read another message in it.
func (m *memory) giveBack(pieces []piece) {
	var octets int64
	for _, p := range pieces {
		spoil(p.octets)
		octets += int64(len(p.octets))
		m.pages.takeBack(p)
	}
	m.budget.Release(octets)
}

// spoil is for tests, in which nobody shall find his message in memory that he has given back.
var spoil = func([]byte) {}

// acquire waits for memory, and lets those know who could give some back.
func (m *memory) acquire(ctx context.Context, n int64) error {
	if m.budget.TryAcquire(n) {
		return nil
	}
	m.mu.Lock()
	if m.waiting++; m.waiting == 1 {
		close(m.cry)
	}
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.waiting--; m.waiting == 0 {
			m.cry = make(chan struct{})
		}
	}()
	return m.budget.Acquire(ctx, n)
}

// hunger reports whether somebody waits for memory, and returns what is closed when
// the next one does.
func (m *memory) hunger() (bool, <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.waiting > 0, m.cry
}
