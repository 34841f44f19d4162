package wire

import "mailferry/transfer/mail"

// send writes what is kept back.
func (s *Sender) send() error {
	if len(s.held) == 0 {
		return nil
	}
	return s.write(s.take())
}

// write writes one APPEND. If it fails its messages have ended, or are about to.
func (s *Sender) write(items []*appended) error {
	l := s.lane
	l.room()
	l.write.Lock()
	defer l.write.Unlock()
	r := &ride{sender: s, items: items, writing: true}
	for _, item := range items {
		r.bytes += item.size
	}
	if err := l.join(r); err != nil {
		s.drop(err, items...)
		return err
	}
	err := l.writeAppend(r)
	if early := l.whole(r); err == nil {
		err = early
	}
	if err != nil || len(items) == 1 && r.bytes < batchBytes/2 {
		return err // goes with the next one
	}
	return l.flush()
}

func (l *Lane) writeAppend(r *ride) error {
	l.c.beginAppend(r.sender.raw)
	for _, item := range r.items {
		if l.answered(r) {
			break // refused before its end
		}
		l.c.announce(item)
		if err := l.c.copyItem(item); err != nil {
			if werr := l.c.bw.Flush(); werr != nil { // bufio repeats the network's error
				return l.fail(werr)
			}
			return l.fail(bodyFailed(err))
		}
	}
	if _, err := l.c.bw.WriteString("\r\n"); err != nil {
		return l.fail(err)
	}
	return nil
}

// whole takes in what was answered before the end of r was written: until then its bodies were being read.
// An OK to what has not been sent says nothing.
func (l *Lane) whole(r *ride) error {
	err := &mail.Error{Op: opAppend, Scope: mail.ScopeStore, Retry: mail.RetrySoon, Kind: mail.KindProtocol, Err: errEarlyOK}
	l.mu.Lock()
	r.writing = false
	early := r.answered && r.reply.OK()
	switch {
	case early:
		r.lose(err)
	case r.answered && r.reply.Status == "": // the lane has ended
		r.lose(l.wide)
	case r.answered:
		r.settle(l)
	}
	l.mu.Unlock()
	if early {
		return l.fail(err)
	}
	return nil
}

func (l *Lane) answered(r *ride) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return r.answered
}

// drop ends messages that are part of no command.
func (s *Sender) drop(err error, items ...*appended) {
	for _, item := range items {
		item.msg.Body.Release()
	}
	s.lane.mu.Lock()
	defer s.lane.mu.Unlock()
	for _, item := range items {
		s.ended = append(s.ended, ending{item, 0, uncertain(s.blame(err))})
	}
}

// room waits until another command fits the window.
func (l *Lane) room() {
	for !l.fits() {
		l.push()
		l.mu.Lock()
		if !l.free() {
			l.moved.Wait()
		}
		l.mu.Unlock()
	}
}

func (l *Lane) fits() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.free()
}

// free is fits. mu is held.
func (l *Lane) free() bool {
	return l.wide != nil || len(l.queue) == 0 || l.bytes < windowBytes && l.messages < windowMessages
}

// push sends what is buffered. A failure ends everything that is on its way.
func (l *Lane) push() {
	l.write.Lock()
	defer l.write.Unlock()
	l.mu.Lock()
	over := len(l.queue) == 0 // then nothing is buffered, or the connection is somebody else's already
	l.mu.Unlock()
	if !over {
		_ = l.flush()
	}
}

func (l *Lane) flush() error {
	if !l.c.bw.pending() {
		return nil
	}
	if err := l.c.bw.Flush(); err != nil {
		return l.fail(err)
	}
	return nil
}
