package faultproxy

import (
	"context"
	"net"
	"sync"
	"time"
)

// sink is one direction's way out.
type sink interface {
	write([]byte) error
	// finish lets the other side read the end (FIN) behind what was written.
	finish()
	// close waits for what runs in the background. The connection is closed by
	// then.
	close()
}

func newSink(ctx context.Context, conn *net.TCPConn, delay time.Duration) sink {
	if delay == 0 {
		return direct{conn}
	}
	d := &delayed{ctx: ctx, conn: conn, delay: delay, queue: make(chan parcel, 1024), over: make(chan struct{})}
	go d.run()
	return d
}

type direct struct{ conn *net.TCPConn }

func (d direct) write(p []byte) error {
	_, err := d.conn.Write(p)
	return err
}

func (d direct) finish() { d.conn.CloseWrite() }
func (d direct) close()  {}

// delayed holds each octet back for the same time.
type delayed struct {
	ctx   context.Context
	conn  *net.TCPConn
	delay time.Duration
	over  chan struct{} // closed when run has returned

	mu     sync.Mutex
	queue  chan parcel
	closed bool
}

type parcel struct {
	due  time.Time
	data []byte
}

func (d *delayed) write(p []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return errOver
	}
	select {
	case d.queue <- parcel{time.Now().Add(d.delay), append([]byte(nil), p...)}:
		return nil
	case <-d.over:
		return errOver
	}
}

func (d *delayed) finish() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.closed = true
		close(d.queue)
	}
}

func (d *delayed) close() {
	d.finish()
	<-d.over
}

func (d *delayed) run() {
	defer close(d.over)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for p := range d.queue {
		if wait := time.Until(p.due); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-d.ctx.Done():
				return
			}
		}
		if _, err := d.conn.Write(p.data); err != nil {
			return
		}
	}
	d.conn.CloseWrite()
}
