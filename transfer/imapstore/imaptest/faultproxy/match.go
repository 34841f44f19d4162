package faultproxy

import (
	"slices"

	"mailferry/transfer/imapstore/imaptest/framing"
)

// strike notes that a rule is met and returns its action; false if it is not to
// act any more. It is called with the lock held.
func (r *armed) strike() bool {
	if r.off || r.fired > 0 && !r.always {
		return false
	}
	r.fired++
	return true
}

func (r *armed) concerns(conn int) bool { return r.conn == 0 || r.conn == conn }

// connected returns the actions for a new connection.
func (p *Proxy) connected(conn int) []Action {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []Action
	for _, r := range p.rules {
		switch {
		case r.trigger.kind == onDelay:
			r.fired++
		case r.trigger.kind != onConnect || !r.concerns(conn):
		default:
			r.seen++
			if r.reached() && r.strike() {
				out = append(out, r.action)
			}
		}
	}
	return out
}

// reached reports whether this is the time that the rule counts up to.
func (r *armed) reached() bool {
	return r.seen == r.trigger.n || r.always && r.seen > r.trigger.n
}

// counted takes down a command and returns the rules that wait for something
// to happen to it.
func (p *Proxy) counted(conn int, cmd framing.Command) []*armed {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.commands = append(p.commands, cmd)
	var out []*armed
	for _, r := range p.rules {
		if r.trigger.command != cmd.Name && r.trigger.command != "*" || !r.concerns(conn) {
			continue
		}
		r.seen++
		if r.reached() {
			out = append(out, r)
		}
	}
	return out
}

// take returns the actions of those rules of a command that strike now.
func (p *Proxy) take(e *exchange, kind triggerKind) []Action {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []Action
	for _, r := range e.rules {
		if r.trigger.kind == kind && r.strike() {
			out = append(out, r.action)
		}
	}
	return out
}

// span is how many octets may be passed on before a rule strikes.
type span struct {
	n    int64
	rule *armed
}

// nextSpan looks for the first rule that strikes within the next n octets that
// go a way on behalf of an exchange (which may be nil).
func (p *Proxy) nextSpan(conn int, w way, n int64, e *exchange) (span, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	best := span{n: n + 1}
	consider := func(r *armed, left int64) {
		if left >= 0 && left < best.n && !r.off && (r.fired == 0 || r.always) {
			best = span{left, r}
		}
	}
	for _, r := range p.rules {
		if r.trigger.kind == w.direction && r.fired == 0 && r.concerns(conn) {
			consider(r, r.trigger.octets-r.count)
		}
	}
	if e == nil {
		return best, best.rule != nil
	}
	for _, r := range e.rules {
		if r.trigger.kind == w.kind {
			consider(r, r.trigger.octets-e.octets[w.kind])
		}
	}
	return best, best.rule != nil
}

// passed counts n octets that went a way on behalf of an exchange.
func (p *Proxy) passed(conn int, w way, n int64, e *exchange) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.rules {
		if r.trigger.kind == w.direction && r.concerns(conn) {
			r.count += n
		}
	}
	if e != nil {
		e.octets[w.kind] += n
	}
}

// strikes lets a rule strike that nextSpan found, at most once for an exchange.
func (p *Proxy) strikes(r *armed, e *exchange) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e != nil {
		e.rules = slices.DeleteFunc(e.rules, func(o *armed) bool { return o == r })
	}
	return r.strike()
}

// hideFrom takes the hidden capabilities out of a line.
func (p *Proxy) hideFrom(line []byte) []byte {
	for _, r := range p.rules {
		if r.trigger.kind != onHide {
			continue
		}
		edited := framing.EditCapabilities(line, framing.Without(r.hide))
		if len(edited) != len(line) {
			p.mu.Lock()
			r.fired++
			p.mu.Unlock()
		}
		line = edited
	}
	return line
}
