package wire

import (
	"context"
	"fmt"
	"time"
)

// leave is how long a server has to say goodbye: long enough for one nearby, and too
// short to be felt with one far away. Everything that matters has been answered before,
// and LOGOUT arrives whether its answer is waited for or not.
const leave = 10 * time.Millisecond

// Close takes leave with LOGOUT where the connection is in order, and closes
// the socket. Messages still queued end as uncertain. It may be called twice.
func (c *Conn) Close() error {
	c.Abandon()
	if c.lib != nil {
		c.lib.stop()
		c.lib = nil
	}
	if c.broken != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), leave)
	defer cancel()
	// A server that has gone, or answers badly, has been taken leave of too.
	_, _ = c.run(ctx, "logout", newCommand("LOGOUT"), nil)
	c.spoil(errLoggedOut)
	traffic := c.Traffic()
	c.turns.trace.note(fmt.Sprintf("closed after %d round trips, %d octets received, %d sent", traffic.RoundTrips, traffic.Received, traffic.Sent))
	return nil
}
