package wire

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// command is a command line, in parts between which literals stand.
type command struct {
	parts  []part
	secret string // what the trace shows instead; empty: the line itself
}

type part struct{ text, literal string }

func newCommand(text string) *command { return &command{parts: []part{{text: text}}} }

// add appends text as it is.
func (m *command) add(text string) *command {
	m.parts[len(m.parts)-1].text += text
	return m
}

// str appends a space and a string, quoted where quotes can carry it and as a
// literal otherwise.
func (m *command) str(text string) *command {
	if strings.ContainsAny(text, "\r\n\x00") || len(text) > 1000 {
		m.parts[len(m.parts)-1].text += " "
		m.parts[len(m.parts)-1].literal = text
		m.parts = append(m.parts, part{})
		return m
	}
	return m.add(" " + quote(text))
}

// name appends a folder's raw name.
func (m *command) name(raw string) *command {
	if strings.EqualFold(raw, "INBOX") {
		return m.add(" INBOX")
	}
	return m.str(raw)
}

func quote(text string) string {
	if strings.ContainsAny(text, `\"`) {
		text = strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text)
	}
	return `"` + text + `"`
}

// handler gets each untagged response. What it leaves unread is skipped.
type handler func(*response) error

// send writes a command and returns its tag. It flushes only where a literal
// has to wait for the server, so commands can be pipelined.
func (c *Conn) send(op string, m *command) (tag string, err error) {
	if len(c.next) > 0 {
		return "", c.outOfStep(op, errOnItsWay)
	}
	tag = c.nextTag()
	c.traceCommand(tag, m)
	c.bw.WriteString(tag + " ")
	for i, p := range m.parts {
		c.bw.WriteString(p.text)
		if i == len(m.parts)-1 {
			break
		}
		if c.nonSync(int64(len(p.literal))) {
			c.bw.WriteString("{" + strconv.Itoa(len(p.literal)) + "+}\r\n" + p.literal)
			continue
		}
		c.bw.WriteString("{" + strconv.Itoa(len(p.literal)) + "}\r\n")
		if err := c.awaitGo(op, tag); err != nil {
			return "", err
		}
		c.bw.WriteString(p.literal)
	}
	if _, err := c.bw.WriteString("\r\n"); err != nil {
		return "", c.lost(op, err)
	}
	return tag, nil
}

// errOnItsWay is for a command about a folder that another is about to take the place of.
var errOnItsWay = errors.New("the connection is on its way to another folder")

func (c *Conn) traceCommand(tag string, m *command) {
	if c.rd.trace.w == nil {
		return
	}
	if m.secret != "" {
		c.rd.trace.line("C", []byte(tag+" "+m.secret))
		return
	}
	line := tag + " "
	for _, p := range m.parts {
		line += p.text
		if p.literal != "" {
			line += "{" + strconv.Itoa(len(p.literal)) + " octets}"
		}
	}
	c.rd.trace.line("C", []byte(line))
}

// nonSync reports whether a literal of that size may follow its announcement at
// once (RFC 7888).
func (c *Conn) nonSync(size int64) bool {
	return c.caps.Has("LITERAL+") || size <= 4096 && c.caps.Has("LITERAL-")
}

// awaitGo waits until the server asks for a literal. A refusal instead ends the
// command, not the connection.
func (c *Conn) awaitGo(op, tag string) error {
	for {
		got, rep, err := c.event(op, nil)
		switch {
		case err != nil:
			return err
		case got == "+":
			return nil
		case got == tag:
			if rep.OK() {
				return c.outOfStep(op, errEarlyOK)
			}
			return classify(op, rep)
		}
		c.keep(got, rep)
	}
}

// event reads responses until a tagged one, or a continuation request, whose
// tag is "+". Untagged ones go to h after the connection has noted what concerns
// it. An error of h that is not the stream's is returned as it is.
func (c *Conn) event(op string, h handler) (tag string, rep Reply, err error) {
	if c.bw.pending() {
		if err := c.bw.Flush(); err != nil {
			return "", rep, c.lost(op, err)
		}
	}
	for {
		s, err := c.rd.next()
		if err != nil {
			return "", rep, c.lost(op, err)
		}
		switch {
		case s.Tag == "+":
			return "+", Reply{Status: "+", Text: string(s.rest())}, nil
		case s.Tag != "*" && isStatus(s.Name):
			rep := s.reply()
			c.noteReply(rep)
			if c.nobodyWaits(s.Tag) {
				continue
			}
			return s.Tag, rep, nil
		case s.Tag != "*":
			continue // neither a response nor a reply: noise
		}
		if err := c.untagged(op, s, h); err != nil {
			return "", rep, err
		}
	}
}

func (c *Conn) untagged(op string, s *response, h handler) error {
	if !c.note(s) && h != nil {
		if err := h(s); err != nil {
			if s.err == nil {
				c.spoil(err)
				return err
			}
		}
	}
	if err := s.finish(); err != nil {
		return c.lost(op, err)
	}
	return nil
}

// note takes in what concerns the connection; done is true when nobody else
// has to see the response.
func (c *Conn) note(s *response) (done bool) {
	switch s.Name {
	case "EXISTS":
		if s.Num >= 0 {
			c.box.exists = clip32(uint64(s.Num))
		}
	case "EXPUNGE":
		c.box.gone(1)
		return true
	case "VANISHED":
		return c.box.vanished(s)
	case "ID":
		c.id = readID(s)
		return true
	case "ENABLED":
		c.enabled = ParseCaps(string(s.rest()))
		return true
	case "BYE":
		c.bye = s.reply()
		return true
	case "CAPABILITY":
		c.setCaps(string(s.rest()))
		return true
	}
	return false
}

func (c *Conn) noteReply(rep Reply) {
	if rep.Code == "CAPABILITY" {
		c.setCaps(rep.Arg)
	}
}

func (c *Conn) setCaps(text string) {
	c.caps = ParseCaps(text)
	c.seen.caps = true
}

// finish reads until the tagged reply to tag. A server may work on several
// commands at once and end a later one first (RFC 9051 section 5.5; Dovecot does):
// its reply is kept until it is asked for.
func (c *Conn) finish(op, tag string, h handler) (Reply, error) {
	if rep, ok := c.early[tag]; ok {
		delete(c.early, tag)
		return rep, nil
	}
	for {
		got, rep, err := c.event(op, h)
		if err != nil || got == tag {
			return rep, err
		}
		if c.follows(got) {
			// What comes now is another folder's.
			return rep, c.outOfStep(op, errOnItsWay)
		}
		c.keep(got, rep)
	}
}

// follows reports whether a reply is to the opening of a folder whose turn has not come.
func (c *Conn) follows(tag string) bool {
	return slices.ContainsFunc(c.next, func(n following) bool { return slices.Contains(n.tags, tag) })
}

// keep puts a reply aside until it is asked for.
func (c *Conn) keep(tag string, rep Reply) {
	if tag == "+" {
		return // out of place
	}
	if c.early == nil {
		c.early = make(map[string]Reply)
	}
	c.early[tag] = rep
}

// mention sends a command whose outcome nobody waits for, behind what is sent next.
func (c *Conn) mention(op string, m *command) error {
	tag, err := c.send(op, m)
	if err != nil {
		return err
	}
	c.drop(tag)
	return nil
}

// drop gives up waiting for replies. The data that comes before them goes to whatever
// is being waited for then.
func (c *Conn) drop(tags ...string) {
	for _, tag := range tags {
		if _, came := c.early[tag]; came {
			delete(c.early, tag)
			continue
		}
		if c.unasked == nil {
			c.unasked = make(map[string]struct{})
		}
		c.unasked[tag] = struct{}{}
	}
}

// nobodyWaits reports whether a reply is to a mention.
func (c *Conn) nobodyWaits(tag string) bool {
	_, found := c.unasked[tag]
	delete(c.unasked, tag)
	return found
}

// exec sends a command and waits for its reply. A reply other than OK is an error.
func (c *Conn) exec(op string, m *command, h handler) (Reply, error) {
	tag, err := c.send(op, m)
	if err != nil {
		return Reply{}, err
	}
	rep, err := c.finish(op, tag, h)
	if err == nil && !rep.OK() {
		err = classify(op, rep)
	}
	return rep, err
}

// run is exec for callers outside of any other call.
func (c *Conn) run(ctx context.Context, op string, m *command, h handler) (Reply, error) {
	if err := c.ready(ctx, op); err != nil {
		return Reply{}, err
	}
	defer c.watch(ctx)()
	return c.exec(op, m, h)
}
