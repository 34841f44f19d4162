package faultproxy

// way is how octets are passed on: where to, as what they count, and how a rule
// acts that strikes on the way.
type way struct {
	to        sink
	direction triggerKind // onClientOctets or onServerOctets
	kind      triggerKind // onInside or onResponse, for the octets of an exchange
	act       func(Action) error
}

func (l *link) upward(act func(Action) error) way {
	return way{l.up, onClientOctets, onInside, act}
}

// downward is for those who hold sending.
func (l *link) downward() way {
	return way{l.down, onServerOctets, onResponse, func(a Action) error {
		if a.kind == doBye {
			l.bye = a.text // said when this response has ended
			return nil
		}
		return l.doHeld(a)
	}}
}

// pass sends data on, up to where a rule strikes, and the rest if that rule lets
// it. The octets count for the exchange too, which may be nil.
func (l *link) pass(w way, data []byte, e *exchange) error {
	for {
		if err := l.gate(); err != nil {
			return err
		}
		next, strikes := l.proxy.nextSpan(l.id, w, int64(len(data)), e)
		part := data
		if strikes {
			part = data[:next.n]
		}
		data = data[len(part):]
		if len(part) > 0 {
			if err := w.to.write(part); err != nil {
				return err
			}
		}
		l.proxy.passed(l.id, w, int64(len(part)), e)
		if !strikes {
			return nil
		}
		if l.proxy.strikes(next.rule, e) {
			if err := w.act(next.rule.action); err != nil {
				return err
			}
		}
		if len(data) == 0 {
			return nil
		}
	}
}
