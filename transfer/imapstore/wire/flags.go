package wire

import (
	"context"
	"math"

	"mailferry/transfer/mail"
)

const opStore = "set flags"

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
	if err := c.ready(ctx, opStore); err != nil {
		return err
	}
	defer c.watch(ctx)()
	return c.pipeline(opStore, storing(steps), nil)
}

// storing returns the commands that take steps.
func storing(steps []FlagStep) (commands []*command) {
	for _, step := range steps {
		item := " -FLAGS.SILENT ("
		if step.Add {
			item = " +FLAGS.SILENT ("
		}
		for part := range step.UIDs.Chunks(math.MaxInt32, chunkRanges) {
			commands = append(commands, newCommand("UID STORE "+part.String()+item+step.Flags.String()+")"))
		}
	}
	return commands
}
