package proxy

import "sync"

// Meter counts for all the proxies that share it.
//
// A round trip is causal: what a client sends after an answer has reached it, on
// whichever connection, is one deeper than that answer, and the deepest octet is
// the number of times that somebody had to wait. Without a delay, answers that
// overtake unrelated commands count as well, so the number means something only
// where the line is slow.
type Meter struct {
	mu     sync.Mutex
	octets int64
	seen   int // depth of the deepest answer that reached a client
	trips  int
}

// Reset starts counting from nothing. No connection may be open.
func (m *Meter) Reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.octets, m.seen, m.trips = 0, 0, 0
}

// Read returns octets in both directions and round trips since Reset.
func (m *Meter) Read() (octets int64, trips int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.octets, m.trips
}

// trip follows one connection.
type trip struct {
	meter *Meter
	depth int // of the deepest command that reached the server
}

func (t *trip) leaveClient(octets int) int {
	t.meter.mu.Lock()
	defer t.meter.mu.Unlock()
	t.meter.octets += int64(octets)
	return t.meter.seen + 1
}

func (t *trip) reachServer(depth int) {
	t.meter.mu.Lock()
	defer t.meter.mu.Unlock()
	t.depth = max(t.depth, depth)
}

func (t *trip) leaveServer(octets int) int {
	t.meter.mu.Lock()
	defer t.meter.mu.Unlock()
	t.meter.octets += int64(octets)
	return t.depth
}

func (t *trip) reachClient(depth int) {
	t.meter.mu.Lock()
	defer t.meter.mu.Unlock()
	t.meter.seen = max(t.meter.seen, depth)
	t.meter.trips = max(t.meter.trips, depth)
}
