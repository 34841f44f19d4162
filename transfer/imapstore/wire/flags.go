package wire

import (
	"bytes"
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

// Most messages of a folder have one of few sets of flags: each is made once. More of them, or longer
// ones, are read as they come.
const (
	maxSets    = 1000
	maxSetText = 200
)

// flags reads a parenthesised list of flags.
func (s *response) flags() mail.Flags {
	s.spaces()
	text := s.plainList()
	if set, ok := s.r.sets[string(text)]; ok && text != nil {
		s.pos += len(text)
		return set
	}
	set := mail.NewFlags(s.words()...)
	if text == nil || s.err != nil || len(s.r.sets) >= maxSets {
		return set
	}
	if s.r.sets == nil {
		s.r.sets = make(map[string]mail.Flags)
	}
	s.r.sets[string(text)] = set
	return set
}

// plainList returns the list that begins here if it ends with its first closing parenthesis whatever
// follows; otherwise nil.
func (s *response) plainList() []byte {
	if s.peek() != '(' {
		return nil
	}
	end := bytes.IndexByte(s.rest(), ')')
	if end < 0 || end >= maxSetText {
		return nil
	}
	text := s.rest()[:end+1]
	if bytes.ContainsAny(text[1:], `("{`) {
		return nil
	}
	return text
}
