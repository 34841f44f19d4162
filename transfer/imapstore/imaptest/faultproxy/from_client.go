package faultproxy

import "mailferry/transfer/imapstore/imaptest/framing"

// fromClient takes octets of the client apart and passes on what the server is
// to hear of.
func (l *link) fromClient(data []byte) error {
	for len(data) > 0 {
		l.mu.Lock()
		piece, n := l.fromCli.Next(data)
		l.mu.Unlock()
		data = data[n:]
		if piece.Data == nil {
			continue
		}
		if err := l.clientPiece(piece); err != nil {
			return err
		}
	}
	return nil
}

func (l *link) clientPiece(piece framing.Piece) error {
	if piece.First {
		if err := l.begin(piece); err != nil {
			return err
		}
	}
	e := l.incoming()
	if e == nil { // DONE, or what follows AUTHENTICATE
		return l.pass(l.upward(l.do), piece.Data, nil)
	}
	l.mu.Lock()
	forwarded := e.forwarded
	e.awaiting = !piece.Literal && piece.Announced >= 0 && !piece.NonSync
	l.mu.Unlock()
	if forwarded && piece.Last() {
		return l.forwardLast(e, piece)
	}
	if forwarded {
		literal := e
		if !piece.Literal {
			literal = nil
		}
		return l.pass(l.upward(l.do), piece.Data, literal)
	}
	if piece.Last() {
		return l.completed(e)
	}
	if !piece.Literal && !piece.NonSync {
		return l.refuseLiteral(e)
	}
	return nil
}

// begin notes a command and does what is to happen before it is passed on.
func (l *link) begin(piece framing.Piece) error {
	cmd, ok := framing.ParseCommand(piece.Data)
	if !ok {
		return nil
	}
	e := &exchange{cmd: cmd, forwarded: true, octets: make(map[triggerKind]int64)}
	e.rules = l.proxy.counted(l.id, cmd)
	actions := l.proxy.take(e, onCommand)
	for _, a := range actions {
		if a.kind == doNo {
			e.local, e.forwarded = a.text, false
		}
	}
	if err := l.doAll(actions); err != nil {
		return err
	}
	l.mu.Lock()
	l.open = append(l.open, e)
	l.mu.Unlock()
	return nil
}

// incoming is the command of which parts are still to come.
func (l *link) incoming() *exchange {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.open); n > 0 && !l.open[n-1].complete {
		return l.open[n-1]
	}
	return nil
}

// forwardLast passes the end of a command on. What is to happen behind it does
// so before the client can hear the answer.
func (l *link) forwardLast(e *exchange, piece framing.Piece) error {
	l.mu.Lock()
	e.complete = true
	l.mu.Unlock()
	actions := l.proxy.take(e, onForwarded)
	if len(actions) == 0 {
		return l.pass(l.upward(l.do), piece.Data, nil)
	}
	l.sending.Lock()
	defer l.sending.Unlock()
	if err := l.pass(l.upward(l.doHeld), piece.Data, nil); err != nil {
		return err
	}
	for _, a := range actions {
		if err := l.doHeld(a); err != nil {
			return err
		}
	}
	return nil
}

// completed lets a command be answered of which the server does not hear.
func (l *link) completed(e *exchange) error {
	l.mu.Lock()
	e.complete = true
	l.mu.Unlock()
	l.sending.Lock()
	defer l.sending.Unlock()
	return l.release()
}

// refuseLiteral answers a command whose literal waits for "+": it will not come.
func (l *link) refuseLiteral(e *exchange) error {
	l.mu.Lock()
	l.fromCli.Cancel()
	l.mu.Unlock()
	return l.completed(e)
}
