package proxy

import (
	"net"
	"time"
)

// chunk is what one read gave, and when it is to arrive. The last one is empty.
type chunk struct {
	octets []byte
	due    time.Time
	depth  int
}

// inFlight bounds the chunks on their way in one direction. At 64 KB each it is
// more than any line of 40 ms holds.
const inFlight = 4096

// carry moves octets one way until either end is closed.
func (p *Proxy) carry(from, to net.Conn, leave func(int) int, reach func(int)) {
	line := make(chan chunk, inFlight)
	stop := make(chan struct{})
	go p.read(from, line, stop, leave)
	p.write(to, line, reach)
	close(stop)
	if c, ok := to.(*net.TCPConn); ok {
		_ = c.CloseWrite() // the other side may be gone already
	}
	for range line { // ends with the reader
	}
}

// read stamps what comes. It closes line when from is closed or nobody writes any more.
func (p *Proxy) read(from net.Conn, line chan<- chunk, stop <-chan struct{}, leave func(int) int) {
	defer close(line)
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		c := chunk{due: time.Now().Add(time.Duration(p.delay.Load()))}
		if n > 0 {
			c.octets, c.depth = append(c.octets, buf[:n]...), leave(n)
		}
		select {
		case line <- c:
		case <-stop:
			return
		}
		if err != nil {
			return
		}
	}
}

func (p *Proxy) write(to net.Conn, line <-chan chunk, reach func(int)) {
	for c := range line {
		time.Sleep(time.Until(c.due))
		if len(c.octets) == 0 {
			return
		}
		reach(c.depth)
		if _, err := to.Write(c.octets); err != nil {
			return
		}
	}
}
