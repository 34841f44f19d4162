package wire

import (
	"context"
	"slices"

	"mailferry/transfer/mail"
)

// NewMailbox is a folder to be made.
type NewMailbox struct {
	Raw  string
	Role mail.Role // empty: none
}

// Afterwards is a listing of what there is when folders have been made.
type Afterwards struct {
	Prefix    string
	Mailboxes []*Mailbox // as List returns them; nil if a folder was refused, or the listing was
	Opened    *Selected  // what the server tells of the first folder made when it is selected; nil likewise
}

// CreateAll makes folders in that order, without waiting for one before it asks for
// the next. Roles are given where the server takes them (RFC 6154). A folder that
// exists is no error. The first errors are the folders' own; the second, of a
// wider scope, says that nothing is known of the others. What there is then, unless it is
// nil, is asked for in the same round trip.
func (c *Conn) CreateAll(ctx context.Context, boxes []NewMailbox, then *Afterwards) ([]error, error) {
	const op = "create"
	if err := c.ready(ctx, op); err != nil {
		return make([]error, len(boxes)), err
	}
	defer c.watch(ctx)()
	errs, err := c.createEach(op, boxes, then)
	if err != nil {
		return errs, err
	}
	var again []NewMailbox
	var where []int
	for i, e := range errs {
		if e != nil && c.withUse(boxes[i]) && mail.ErrorOf(e).Retry == mail.RetryNever {
			// Perhaps the use is taken, or not possible: better a folder without.
			again, where = append(again, NewMailbox{Raw: boxes[i].Raw}), append(where, i)
		}
	}
	if len(again) == 0 {
		return errs, nil
	}
	second, err := c.createEach(op, again, nil)
	for i, at := range where {
		errs[at] = second[i]
	}
	return errs, err
}

func (c *Conn) withUse(box NewMailbox) bool {
	return box.Role != "" && c.caps.Has("CREATE-SPECIAL-USE")
}

func (c *Conn) createEach(op string, boxes []NewMailbox, then *Afterwards) ([]error, error) {
	commands := make([]*command, len(boxes))
	for i, box := range boxes {
		commands[i] = newCommand("CREATE").name(box.Raw)
		if c.withUse(box) {
			commands[i].add(" (USE (" + string(box.Role) + "))")
		}
	}
	after, t := c.afterwards(boxes, then), &tour{lister: newLister(), made: len(boxes)}
	t.last = len(boxes) + len(after) - 1
	replies, err := c.replies(op, append(commands, after...), t.take)
	if err != nil {
		return make([]error, len(boxes)), err
	}
	made := replies[:len(boxes)]
	for i, rep := range made {
		if exists(rep) && rep.Status == "NO" {
			made[i] = Reply{Status: "OK"}
		}
	}
	errs, err := verdicts(op, made)
	if err == nil && len(after) > 0 && !slices.ContainsFunc(replies, func(rep Reply) bool { return !rep.OK() }) {
		if err = c.statusOfRest(op, t.lister); err == nil {
			t.opened.complete(replies[len(boxes)])
			then.Mailboxes, then.Opened = t.lister.boxes, &t.opened
		}
	}
	return errs, err
}

// afterwards are the commands behind the creation: SELECT first, and no folder selected in the end, for
// a server may not show in the state of the selected folder what has come to it.
func (c *Conn) afterwards(boxes []NewMailbox, then *Afterwards) (commands []*command) {
	if then == nil || len(boxes) == 0 {
		return nil
	}
	commands = append(commands, c.opening("SELECT", boxes[0].Raw))
	if c.caps.Has("UNSELECT") {
		commands = append(commands, newCommand("UNSELECT"))
	}
	return append(commands, c.listCommands(then.Prefix)...)
}

// tour takes in the answers to afterwards.
type tour struct {
	lister *lister
	opened Selected
	made   int // commands before it
	last   int
}

func (t *tour) take(i int, s *response) error {
	if i == t.made {
		t.opened.take(s)
	}
	t.lister.take(s, i == t.last && i > t.made)
	return nil
}

// SetSubscribedAll adds folders to the list of subscriptions, or takes them out,
// with errors as CreateAll's.
func (c *Conn) SetSubscribedAll(ctx context.Context, raws []string, subscribed bool) ([]error, error) {
	op, verb := "subscribe", "SUBSCRIBE"
	if !subscribed {
		op, verb = "unsubscribe", "UNSUBSCRIBE"
	}
	if err := c.ready(ctx, op); err != nil {
		return make([]error, len(raws)), err
	}
	defer c.watch(ctx)()
	commands := make([]*command, len(raws))
	for i, raw := range raws {
		commands[i] = newCommand(verb).name(raw)
	}
	replies, err := c.replies(op, commands, nil)
	if err != nil {
		return make([]error, len(raws)), err
	}
	return verdicts(op, replies)
}
