package faultproxy

import "time"

// doAll does what struck rules ask for, but for NO, which the callers know how
// to do. An error means that nothing more is passed on in this direction.
func (l *link) doAll(actions []Action) error {
	for _, a := range actions {
		if err := l.do(a); err != nil {
			return err
		}
	}
	return nil
}

func (l *link) do(a Action) error {
	if a.kind == doBye {
		l.sending.Lock()
		defer l.sending.Unlock()
	}
	return l.doHeld(a)
}

// doHeld is do for those who hold sending.
func (l *link) doHeld(a Action) error {
	switch a.kind {
	case doPause:
		return l.pause(a.wait)
	case doStall:
		l.mu.Lock()
		l.stalled = true
		l.mu.Unlock()
		return l.gate()
	case doCut:
		l.end(false)
	case doReset:
		l.end(true)
	case doBye:
		l.bye = a.text
		return l.release()
	default:
		return nil
	}
	return errOver
}

// end closes both connections for writing. The pumps go on reading until the
// other sides have closed too.
func (l *link) end(reset bool) {
	l.mu.Lock()
	over := l.over
	l.over = true
	l.mu.Unlock()
	if over {
		return
	}
	if l.up != nil {
		l.up.finish()
	}
	if reset {
		l.client.SetLinger(0)
		l.client.Close()
		return
	}
	l.down.finish()
}

func (l *link) pause(d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-l.ctx.Done():
		return errOver
	}
}

// release sends what the proxy itself has to say. It is called with sending
// held, and does nothing while a response is half written. The answers stay in
// the order of the commands, as clients see it from servers.
func (l *link) release() error {
	if !l.boundary {
		return nil
	}
	if l.bye != "" {
		l.down.write([]byte("* BYE " + l.bye + "\r\n"))
		l.bye = ""
		l.end(false)
		return errOver
	}
	for {
		l.mu.Lock()
		var e *exchange
		if len(l.open) > 0 && !l.open[0].forwarded && l.open[0].complete {
			e = l.open[0]
			l.open = l.open[1:]
		}
		l.mu.Unlock()
		if e == nil {
			return nil
		}
		if err := l.down.write([]byte(e.cmd.Tag + " NO " + e.local + "\r\n")); err != nil {
			return err
		}
	}
}
