package wire

import (
	"strings"

	"mailferry/transfer/mail"
)

// settle applies the reply to an APPEND.
func (c *Conn) settle(tag string, rep Reply) error {
	if len(c.app.queue) == 0 || c.app.queue[0].tag != tag {
		for i, b := range c.app.queue {
			if b.tag == tag {
				return c.settleAt(i, rep)
			}
		}
		return nil // a stray continuation request, or noise
	}
	return c.settleAt(0, rep)
}

func (c *Conn) settleAt(i int, rep Reply) error {
	b := c.app.queue[i]
	if b.open { // its last line has not been sent
		if rep.OK() {
			return c.outOfStep(opAppend, errEarlyOK)
		}
		if err := c.closeBatch(b); err != nil {
			return err
		}
	}
	c.app.queue = append(c.app.queue[:i:i], c.app.queue[i+1:]...)
	c.app.bytes -= b.bytes
	c.app.messages -= len(b.items)
	if rep.OK() {
		uids := appendUIDs(rep, len(b.items), 0)
		for i, item := range b.items {
			item.end(uids[i], nil)
		}
		return nil
	}
	e := appendError(rep)
	if e.Scope != mail.ScopeMessage && c.app.wide == nil {
		c.app.wide = e
	}
	if len(b.items) > 1 && e.Scope == mail.ScopeMessage && !e.Uncertain {
		return c.resend(b)
	}
	for _, item := range b.items {
		item.end(0, e)
	}
	return nil
}

// resend sends the messages of a refused MULTIAPPEND one by one, to find the
// one that the server does not want, and waits for none of them. None has been taken
// (RFC 3502).
func (c *Conn) resend(refused *batch) error {
	if err := c.closeOpen(); err != nil {
		c.putBack(refused)
		return err
	}
	for i, item := range refused.items {
		b := c.startBatch(refused.raw)
		c.join(b, item)
		err := c.writeItem(item)
		if err == nil {
			err = c.closeBatch(b)
		}
		if err != nil {
			refused.items = refused.items[i+1:]
			c.putBack(refused)
			return err
		}
	}
	return nil
}

// putBack lets what could not be sent again end with the queue.
func (c *Conn) putBack(b *batch) { c.app.queue = append(c.app.queue, b) }

func (c *Conn) queued(b *batch) bool {
	for _, q := range c.app.queue {
		if q == b {
			return true
		}
	}
	return false
}

// appendError narrows a refusal to the message where that is what was refused.
// A server that failed, or whose answer came too late, may have kept the message.
func appendError(rep Reply) *mail.Error {
	e := classify(opAppend, rep)
	switch {
	case e.Kind == mail.KindNotFound, e.Kind == mail.KindAuth,
		e.Kind == mail.KindThrottle, e.Kind == mail.KindLimit:
		return e
	}
	e.Scope = mail.ScopeMessage
	return e
}

// appendUIDs reads APPENDUID (RFC 4315 section 3, RFC 3502): one UID for each
// message, or none at all. They are none of a folder with another UIDVALIDITY; 0: any.
func appendUIDs(rep Reply, n int, validity uint32) []mail.UID {
	uids := make([]mail.UID, n)
	if rep.Code != "APPENDUID" {
		return uids
	}
	told, text, _ := strings.Cut(rep.Arg, " ")
	if validity != 0 && parseNumber(told) != uint64(validity) {
		return uids
	}
	set, err := mail.ParseUIDSet(strings.TrimSpace(text))
	if err != nil || set.Len() != n {
		return uids
	}
	i := 0
	for uid := range set.All() {
		uids[i] = uid
		i++
	}
	return uids
}

// appendSync appends where every literal has to be asked for (RFC 9051 section
// 4.3). The next command is not sent before the server has asked for this
// literal, but before it has answered.
func (c *Conn) appendSync(raw string, item *appended) error {
	if err := c.closeOpen(); err != nil {
		return err
	}
	b := c.startBatch(raw)
	c.join(b, item)
	c.bw.Write(appendArgs(c.bw.AvailableBuffer(), item, ""))
	for {
		tag, rep, err := c.event(opAppend, nil)
		switch {
		case err != nil:
			return err
		case tag == b.tag && rep.OK():
			return c.outOfStep(opAppend, errEarlyOK)
		case tag == "+":
			if err := c.writeBody(item); err != nil {
				return err
			}
			return c.closeBatch(b)
		}
		if err := c.settle(tag, rep); err != nil {
			return err
		}
		if !c.queued(b) {
			return nil // refused before its body was sent
		}
	}
}
