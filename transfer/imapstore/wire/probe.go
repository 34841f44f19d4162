package wire

import (
	"context"
	"strings"
)

// Unspellable finds out which of some raw names the server would not give any
// folder, by asking for their status: nothing is created. A server that only
// says that there is no such folder is taken at its word.
func (c *Conn) Unspellable(ctx context.Context, raws []string) ([]bool, error) {
	const op = "ask for possible names"
	if err := c.ready(ctx, op); err != nil {
		return nil, err
	}
	defer c.watch(ctx)()
	commands := make([]*command, len(raws))
	for i, raw := range raws {
		commands[i] = newCommand("STATUS").name(raw).add(" (MESSAGES)")
	}
	replies, err := c.replies(op, commands, nil)
	if err != nil {
		return nil, err
	}
	refused := make([]bool, len(raws))
	for i, rep := range replies {
		refused[i] = rep.Status == "BAD" || rep.Status == "NO" && nameRefused(rep)
	}
	return refused, nil
}

func nameRefused(rep Reply) bool {
	return rep.Code == "CANNOT" || has(strings.ToLower(rep.Text),
		"not allowed in mailbox", "invalid mailbox name", "invalid name", "illegal", "invalid format", "bad mailbox name")
}
