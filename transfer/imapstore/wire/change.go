package wire

import (
	"context"
	"errors"
	"io"
	"math"
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"mailferry/transfer/mail"
)

// Create makes a folder, with a special use where role is not empty and the
// server takes one (RFC 6154). A folder that exists is no error.
func (c *Conn) Create(ctx context.Context, raw string, role mail.Role) error {
	const op = "create"
	var opts *imap.CreateOptions
	if role != "" && c.caps.Has("CREATE-SPECIAL-USE") {
		opts = &imap.CreateOptions{SpecialUse: []imap.MailboxAttr{imap.MailboxAttr(role)}}
	}
	err := c.byName(ctx, op, "CREATE", raw, func(client *imapclient.Client, name string) error {
		return client.Create(name, opts).Wait()
	})
	var refused *ReplyError
	if opts != nil && errors.As(err, &refused) && !exists(refused.Reply) && mail.ErrorOf(err).Retry == mail.RetryNever {
		// Perhaps the use is taken, or not possible: better a folder without.
		err = c.byName(ctx, op, "CREATE", raw, func(client *imapclient.Client, name string) error {
			return client.Create(name, nil).Wait()
		})
	}
	if errors.As(err, &refused) && exists(refused.Reply) {
		return nil
	}
	return err
}

func exists(rep Reply) bool {
	return rep.Code == "ALREADYEXISTS" || has(strings.ToLower(rep.Text), "already exists", "mailbox exists", "folder exists")
}

// SetSubscribed adds a folder to the list of subscriptions or takes it out.
func (c *Conn) SetSubscribed(ctx context.Context, raw string, subscribed bool) error {
	if subscribed {
		return c.byName(ctx, "subscribe", "SUBSCRIBE", raw, func(client *imapclient.Client, name string) error {
			return client.Subscribe(name).Wait()
		})
	}
	return c.byName(ctx, "unsubscribe", "UNSUBSCRIBE", raw, func(client *imapclient.Client, name string) error {
		return client.Unsubscribe(name).Wait()
	})
}

// byName runs a command on a folder: through the library where it can spell the
// raw name.
func (c *Conn) byName(ctx context.Context, op, verb, raw string, command func(*imapclient.Client, string) error) error {
	if name, ok := libraryName(raw); ok {
		return c.do(ctx, op, func(client *imapclient.Client) error { return command(client, name) })
	}
	_, err := c.run(ctx, op, newCommand(verb).name(raw), nil)
	return err
}

// Expunge removes exactly these messages, which must be \Deleted (RFC 4315).
func (c *Conn) Expunge(ctx context.Context, uids mail.UIDSet) error {
	return c.do(ctx, "expunge", func(client *imapclient.Client) error {
		var cmds []*imapclient.ExpungeCommand
		for part := range uids.Chunks(math.MaxInt32, chunkRanges) {
			cmds = append(cmds, client.UIDExpunge(uidSet(part)))
		}
		return closeAll(cmds)
	})
}

func closeAll[C io.Closer](cmds []C) error {
	var first error
	for _, cmd := range cmds {
		if err := cmd.Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

func uidSet(set mail.UIDSet) imap.UIDSet {
	var out imap.UIDSet
	for _, r := range set.Ranges() {
		out.AddRange(imap.UID(r.First), imap.UID(r.Last))
	}
	return out
}

// libraryName returns the name that the library spells as raw, if there is one. It
// never takes a literal for it: modified UTF-7 is printable ASCII.
func libraryName(raw string) (name string, ok bool) {
	name, ok = DecodeName(raw)
	return name, ok && EncodeName(name) == raw && len(raw) < 1000
}
