package wire

import (
	"context"
	"slices"
	"strings"

	"mailferry/transfer/mail"
)

// Errand is what there is to ask of a server before the first folder is opened.
type Errand struct {
	Folders bool     // list the folders, as List does
	Names   []string // raw names of which is asked whether a folder may be called so
}

// Survey is what the server answered.
type Survey struct {
	Namespaces Namespaces
	Mailboxes  []*Mailbox // with Errand.Folders: those of the first personal namespace, and subscriptions
	Refused    []bool     // for each of Errand.Names
}

// Survey asks for the namespaces, and for what else the errand names, in one round
// trip; a server without LIST-STATUS takes another one for the folders' status.
func (c *Conn) Survey(ctx context.Context, errand Errand) (Survey, error) {
	const op = "list folders"
	if err := c.ready(ctx, op); err != nil {
		return Survey{}, err
	}
	defer c.watch(ctx)()
	v := surveyor{lister: newLister()}
	commands := []*command{c.namespaceCommand()}
	for _, raw := range errand.Names {
		commands = append(commands, newCommand("STATUS").name(raw).add(" (MESSAGES)"))
	}
	firstList := len(commands)
	if errand.Folders {
		commands = append(commands, c.listCommands("")...)
	}
	replies, err := c.replies(op, commands, func(i int, s *response) error {
		v.take(s, i, firstList, len(commands)-1)
		return nil
	})
	if err != nil {
		return Survey{}, widen(err)
	}
	for _, rep := range replies[firstList:] {
		if !rep.OK() {
			return Survey{}, widen(classify(op, rep))
		}
	}
	if e := classify(op, replies[0]); !replies[0].OK() && e.Retry != mail.RetryNever {
		return Survey{}, widen(e)
	}
	return c.surveyed(op, &v, replies[1:firstList], errand)
}

func (c *Conn) surveyed(op string, v *surveyor, names []Reply, errand Errand) (Survey, error) {
	out := Survey{Namespaces: v.spaces, Refused: make([]bool, len(names))}
	for i, rep := range names {
		e := classify(op, rep)
		if !rep.OK() && e.Retry == mail.RetryLater {
			return Survey{}, widen(e)
		}
		out.Refused[i] = rep.Status == "BAD" || rep.Status == "NO" && nameRefused(rep)
	}
	if !errand.Folders {
		return out, nil
	}
	if len(v.spaces.Personal) > 0 {
		v.lister.confine(v.spaces.Personal[0].Prefix)
	}
	if err := c.statusOfRest(op, v.lister); err != nil {
		return Survey{}, widen(err)
	}
	out.Mailboxes = v.lister.boxes
	return out, nil
}

// surveyor sorts the answers.
type surveyor struct {
	spaces Namespaces
	lister *lister
}

// take gets a response while command i is being answered. LIST may stand for the
// namespace too, where there is no such command.
func (v *surveyor) take(s *response, i, firstList, last int) {
	switch {
	case s.Name == "NAMESPACE":
		v.spaces = Namespaces{s.namespaces(), s.namespaces(), s.namespaces()}
	case i == 0 && s.Name == "LIST":
		s.words()
		delim, _ := s.value()
		v.spaces.Personal = []Namespace{{Delim: firstOctet(delim)}}
	case i >= firstList:
		v.lister.take(s, i == last)
	}
}

func nameRefused(rep Reply) bool {
	return rep.Code == "CANNOT" || has(strings.ToLower(rep.Text),
		"not allowed in mailbox", "invalid mailbox name", "invalid name", "illegal", "invalid format", "bad mailbox name")
}

// confine leaves out what is not below the prefix. Of that, only subscriptions are
// of interest.
func (l *lister) confine(prefix string) {
	l.boxes = slices.DeleteFunc(l.boxes, func(m *Mailbox) bool {
		if strings.EqualFold(m.Raw, "INBOX") || len(m.Raw) >= len(prefix) && strings.EqualFold(m.Raw[:len(prefix)], prefix) {
			return false
		}
		if m.Subscribed && !m.Has(`\NonExistent`) {
			m.Attrs = append(m.Attrs, `\NonExistent`)
		}
		delete(l.status, m.Raw)
		return !m.Subscribed
	})
}
