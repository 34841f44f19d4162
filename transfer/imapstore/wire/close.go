package wire

import (
	"context"
	"time"
)

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
	ctx, cancel := context.WithTimeout(context.Background(), min(c.opts.idle(), 2*time.Second))
	defer cancel()
	// A server that has gone, or answers badly, has been taken leave of too.
	_, _ = c.run(ctx, "logout", newCommand("LOGOUT"), nil)
	c.spoil(errLoggedOut)
	return nil
}
