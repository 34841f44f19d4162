package wire

import (
	"context"
	"math"

	"mailferry/transfer/mail"
)

// FlagStep adds flags to messages or takes them away. Flags must be ValidFlag.
type FlagStep struct {
	UIDs  mail.UIDSet
	Add   bool
	Flags mail.Flags
}

// StoreAll takes steps one after the other without waiting for each, and without
// asking what the flags are then. The first refusal is returned when all have been
// answered.
func (c *Conn) StoreAll(ctx context.Context, steps []FlagStep) error {
	const op = "set flags"
	if err := c.ready(ctx, op); err != nil {
		return err
	}
	defer c.watch(ctx)()
	var commands []*command
	for _, step := range steps {
		item := " -FLAGS.SILENT ("
		if step.Add {
			item = " +FLAGS.SILENT ("
		}
		for part := range step.UIDs.Chunks(math.MaxInt32, chunkRanges) {
			commands = append(commands, newCommand("UID STORE "+part.String()+item+step.Flags.String()+")"))
		}
	}
	return c.pipeline(op, commands, nil)
}
