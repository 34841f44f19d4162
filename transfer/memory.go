package transfer

import (
	"context"
	"math/bits"
	"sync"

	"golang.org/x/sync/semaphore"
)

// memory holds messages on their way. What is given back is lent again first: memory
// fresh from the system costs more than copying a message into it, and none of it is in
// the processor's caches.
type memory struct {
	budget *semaphore.Weighted // of octets, in all bodies

	mu      sync.Mutex
	free    [sizes][][]byte
	waiting int           // how many wait for memory
	cry     chan struct{} // closed while somebody does
}

func newMemory(octets int64) *memory {
	return &memory{budget: semaphore.NewWeighted(octets), cry: make(chan struct{})}
}

// A body has blocks of the greatest size, and one for the rest: large ones of many sizes would
// seldom find a piece given back that they fit in.
const (
	leastLog = 9 // of the size of a block
	blockLog = 18
	block    = 1 << blockLog
	steps    = 4 // sizes from one power of two to the next: at most a fifth is wasted
	sizes    = (blockLog-leastLog)*steps + 1
)

// blockFor returns the least size that holds n octets, and its number.
func blockFor(n int) (class, size int) {
	if n <= 1<<leastLog {
		return 0, 1 << leastLog
	}
	log := bits.Len(uint(n-1)) - 1 // n is above 1<<log
	step := 1 << log / steps
	k := (n - 1<<log + step - 1) / step // 1 to steps
	return (log-leastLog)*steps + k, 1<<log + k*step
}

// borrow waits for memory of so many octets; anything may stand in it. giveBack is owed.
func (m *memory) borrow(ctx context.Context, octets int64) ([][]byte, error) {
	if err := m.acquire(ctx, octets); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var blocks [][]byte
	for octets > 0 {
		n := int(min(octets, block))
		blocks = append(blocks, m.block(n))
		octets -= int64(n)
	}
	return blocks, nil
}

// block is called with mu held.
func (m *memory) block(n int) []byte {
	class, size := blockFor(n)
	free := m.free[class]
	if len(free) == 0 {
		return make([]byte, n, size)
	}
	last := len(free) - 1
	b := free[last]
	m.free[class] = free[:last]
	return b[:n]
}

// giveBack is for blocks to which nobody refers any more: whoever does will read another message in them.
func (m *memory) giveBack(blocks [][]byte) {
	var octets int64
	m.mu.Lock()
	for _, b := range blocks {
		spoil(b)
		class, _ := blockFor(cap(b))
		m.free[class] = append(m.free[class], b)
		octets += int64(len(b))
	}
	m.mu.Unlock()
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
