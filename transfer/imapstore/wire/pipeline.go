package wire

import (
	"errors"

	"mailferry/transfer/mail"
)

// flightBytes bounds the commands that are on their way and not answered. Less
// than any socket buffer takes: a server that waits until its answers are read
// must not make this side wait until its commands are.
const flightBytes = 32 << 10

// pipeline sends commands at once and reads their replies. The handler learns
// which of them is being answered. The first refusal is returned, after all the
// replies have been read.
func (c *Conn) pipeline(op string, commands []*command, h func(i int, s *response) error) error {
	replies, err := c.replies(op, commands, h)
	if err != nil {
		return err
	}
	for _, rep := range replies {
		if !rep.OK() {
			return classify(op, rep)
		}
	}
	return nil
}

// replies is pipeline for callers that want to know what became of each command.
func (c *Conn) replies(op string, commands []*command, h func(i int, s *response) error) ([]Reply, error) {
	f := &flight{c: c, op: op, commands: commands, tags: make([]string, len(commands)), replies: make([]Reply, len(commands))}
	for i := range commands {
		if err := f.sendUpTo(i); err != nil {
			return nil, err
		}
		if f.tags[i] == "" {
			continue // refused before it was complete
		}
		rep, err := c.finish(op, f.tags[i], func(s *response) error {
			if h == nil {
				return nil
			}
			return h(i, s)
		})
		if err != nil {
			return nil, err
		}
		f.replies[i] = rep
		f.bytes -= commands[i].size()
	}
	return f.replies, nil
}

// flight is a row of commands of which some are on their way.
type flight struct {
	c        *Conn
	op       string
	commands []*command
	tags     []string // of those sent; empty: refused before it was complete
	replies  []Reply
	sent     int
	bytes    int // sent and not answered
}

// sendUpTo sends command i and as many behind it as may be on their way. One that
// has to wait for the server in its midst is sent when all before it are answered:
// their data would come meanwhile.
func (f *flight) sendUpTo(i int) error {
	for ; f.sent < len(f.commands); f.sent++ {
		m := f.commands[f.sent]
		if f.sent > i && (f.bytes+m.size() > flightBytes || f.c.waits(m)) {
			return nil
		}
		tag, err := f.c.send(f.op, m)
		var refused *ReplyError
		switch {
		case err == nil:
			f.bytes += m.size()
		case f.c.broken == nil && errors.As(err, &refused):
			f.replies[f.sent] = refused.Reply
		default:
			return err
		}
		f.tags[f.sent] = tag
	}
	return nil
}

// size is the length of a command without its tag.
func (m *command) size() int {
	n := 2
	for _, p := range m.parts {
		n += len(p.text) + len(p.literal)
	}
	return n
}

// waits reports whether a command has a literal that the server must ask for.
func (c *Conn) waits(m *command) bool {
	for _, p := range m.parts {
		if p.literal != "" && !c.nonSync(int64(len(p.literal))) {
			return true
		}
	}
	return false
}

// verdicts makes errors of refusals: one for each command, or one of a wider
// scope for all.
func verdicts(op string, replies []Reply) ([]error, error) {
	errs := make([]error, len(replies))
	for i, rep := range replies {
		if rep.OK() {
			continue
		}
		e := classify(op, rep)
		if e.Scope == mail.ScopeStore {
			return errs, e
		}
		errs[i] = e
	}
	return errs, nil
}
