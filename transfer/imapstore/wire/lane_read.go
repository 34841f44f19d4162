package wire

import (
	"mailferry/transfer/mail"
)

// read takes the answers in until the lane ends. It reads only while something is to be
// answered, so that a lane without work is not taken for a dead line.
func (l *Lane) read() {
	defer close(l.ended)
	for l.expecting() {
		tag, rep, err := l.answer()
		if err != nil {
			l.fail(err)
			return
		}
		l.settle(tag, rep)
	}
	l.mu.Lock()
	wide := l.wide
	l.mu.Unlock()
	if wide != nil {
		l.fail(wide) // others are not to get a connection on which nothing more is sent
	}
}

func (l *Lane) expecting() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.queue) == 0 && !l.closing && !l.broken && l.wide == nil {
		l.moved.Wait()
	}
	return len(l.queue) > 0 && !l.broken
}

// answer reads up to the next tagged reply.
func (l *Lane) answer() (tag string, rep Reply, err error) {
	for {
		s, err := l.c.rd.next()
		if err != nil {
			return "", rep, err
		}
		if s.Tag != "*" {
			if isStatus(s.Name) {
				return s.Tag, s.reply(), nil
			}
			continue // noise, or a continuation that nobody waits for
		}
		l.untagged(s)
		if err := s.finish(); err != nil {
			return "", rep, err
		}
	}
}

// untagged takes in what concerns the connection or a folder that is being selected, which is
// the oldest command then: what comes before belongs to the folder selected before.
func (l *Lane) untagged(s *response) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.Name == "CAPABILITY" || len(l.queue) == 0 {
		return // they are read by those who write; or everything has been given up meanwhile
	}
	done := l.c.note(s)
	sel := l.queue[0].selects
	if sel == nil || done {
		return
	}
	if s.Name == "EXISTS" {
		sel.Exists = l.c.box.exists
		return
	}
	if sel.take(s); sel.closed {
		*sel = Selected{}
	}
}

func (l *Lane) settle(tag string, rep Reply) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.moved.Broadcast()
	for i, r := range l.queue {
		if r.tag != tag {
			continue
		}
		l.queue = append(l.queue[:i:i], l.queue[i+1:]...)
		l.bytes -= r.bytes
		l.messages -= len(r.items)
		r.answered, r.reply = true, rep
		if !r.writing {
			r.settle(l)
		}
		return
	}
}

// settle applies the reply to an APPEND. lane.mu is held.
func (r *ride) settle(l *Lane) {
	if len(r.items) == 0 {
		return
	}
	s := r.sender
	if r.reply.OK() {
		uids := appendUIDs(r.reply, len(r.items), s.validity)
		for i, item := range r.items {
			s.over(item, uids[i], nil)
		}
		return
	}
	e := appendError(r.reply)
	switch {
	case e.Scope == mail.ScopeFolder && s.err == nil:
		s.err = e
	case e.Scope == mail.ScopeStore && l.wide == nil:
		l.wide = e
	case e.Scope == mail.ScopeMessage && len(r.items) > 1 && !e.Uncertain:
		// None has been taken (RFC 3502).
		s.open -= len(r.items)
		s.again = append(s.again, r.items...)
		return
	}
	for _, item := range r.items {
		s.over(item, 0, e)
	}
}

// lose ends messages of which nobody knows whether they have been taken. lane.mu is held.
func (r *ride) lose(err error) {
	for _, item := range r.items {
		r.sender.over(item, 0, uncertain(r.sender.blame(err)))
	}
}

// over ends a message that was on its way. The body is released at once: somebody may be
// waiting for its memory.
func (s *Sender) over(item *appended, uid mail.UID, err error) {
	item.msg.Body.Release()
	s.open--
	s.ended = append(s.ended, ending{item, uid, err})
}

// fail ends everything that is on its way as uncertain and returns the error that says why.
func (l *Lane) fail(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken {
		return l.wide
	}
	l.broken = true
	if known, ok := err.(*mail.Error); ok {
		l.c.spoil(known)
	} else {
		err = l.c.lost(opAppend, err)
	}
	if l.wide == nil {
		l.wide = err
	}
	for _, r := range l.queue {
		if r.answered = true; !r.writing {
			r.lose(err)
		}
	}
	l.queue, l.bytes, l.messages = nil, 0, 0
	l.moved.Broadcast()
	return err
}
