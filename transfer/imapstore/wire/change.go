package wire

import (
	"context"
	"errors"
	"math"
	"strings"

	"mailferry/transfer/mail"
)

// Create makes a folder, with a special use where role is not empty and the
// server takes one (RFC 6154). A folder that exists is no error.
func (c *Conn) Create(ctx context.Context, raw string, role mail.Role) error {
	use := ""
	if role != "" && c.caps.Has("CREATE-SPECIAL-USE") {
		use = " (USE (" + string(role) + "))"
	}
	err := c.create(ctx, raw, use)
	var refused *ReplyError
	if use != "" && errors.As(err, &refused) && !exists(refused.Reply) {
		// Perhaps the use is taken, or not possible: better a folder without.
		err = c.create(ctx, raw, "")
	}
	if errors.As(err, &refused) && exists(refused.Reply) {
		return nil
	}
	return err
}

func (c *Conn) create(ctx context.Context, raw, use string) error {
	_, err := c.run(ctx, "create", newCommand("CREATE").name(raw).add(use), nil)
	return err
}

func exists(rep Reply) bool {
	return rep.Code == "ALREADYEXISTS" ||
		has(strings.ToLower(rep.Text), "already exists", "mailbox exists", "folder exists")
}

// SetSubscribed adds a folder to the list of subscriptions or takes it out.
func (c *Conn) SetSubscribed(ctx context.Context, raw string, subscribed bool) error {
	op, verb := "unsubscribe", "UNSUBSCRIBE"
	if subscribed {
		op, verb = "subscribe", "SUBSCRIBE"
	}
	_, err := c.run(ctx, op, newCommand(verb).name(raw), nil)
	return err
}

// Store adds or removes flags of messages without asking what they are then.
// Flags must be ValidFlag.
func (c *Conn) Store(ctx context.Context, uids mail.UIDSet, add bool, flags mail.Flags) error {
	item := " -FLAGS.SILENT ("
	if add {
		item = " +FLAGS.SILENT ("
	}
	return c.eachChunk(ctx, "set flags", uids, func(set string) string {
		return "UID STORE " + set + item + flags.String() + ")"
	})
}

// Expunge removes exactly these messages, which must be \Deleted (RFC 4315).
func (c *Conn) Expunge(ctx context.Context, uids mail.UIDSet) error {
	return c.eachChunk(ctx, "expunge", uids, func(set string) string { return "UID EXPUNGE " + set })
}

func (c *Conn) eachChunk(ctx context.Context, op string, uids mail.UIDSet, text func(set string) string) error {
	if err := c.ready(ctx, op); err != nil {
		return err
	}
	defer c.watch(ctx)()
	for part := range uids.Chunks(math.MaxInt32, chunkRanges) {
		if _, err := c.exec(op, newCommand(text(part.String())), nil); err != nil {
			return err
		}
	}
	return nil
}
