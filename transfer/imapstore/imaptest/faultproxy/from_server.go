package faultproxy

import "mailferry/transfer/imapstore/imaptest/framing"

// fromServer takes octets of the server apart and passes on what the client is
// to hear.
func (l *link) fromServer(data []byte) error {
	for len(data) > 0 {
		piece, n := l.fromSrv.Next(data)
		data = data[n:]
		if piece.Data == nil {
			continue
		}
		if err := l.serverPiece(piece); err != nil {
			return err
		}
	}
	return nil
}

func (l *link) serverPiece(piece framing.Piece) error {
	line, e := piece.Data, (*exchange)(nil)
	if piece.First {
		if line[0] == '+' {
			l.continued()
		}
		if tag, _, ok := framing.ParseStatus(line); ok && tag != "*" {
			e = l.byTag(tag)
		}
		line = l.proxy.hideFrom(line)
	}
	if e == nil {
		return l.tell(line, l.oldest(), piece)
	}
	l.cancelLiteral(e)
	actions := l.proxy.take(e, onAnswered)
	for _, a := range actions {
		if a.kind == doNo {
			line = []byte(e.cmd.Tag + " NO " + a.text + "\r\n")
		}
	}
	if err := l.doAll(actions); err != nil {
		return err
	}
	l.answered(e)
	return l.tell(line, nil, piece)
}

// tell passes a piece on to the client, and then what the proxy has to say.
func (l *link) tell(data []byte, e *exchange, piece framing.Piece) error {
	l.sending.Lock()
	defer l.sending.Unlock()
	l.boundary = false
	if err := l.pass(l.downward(), data, e); err != nil {
		return err
	}
	l.boundary = piece.Last()
	return l.release()
}

// continued notes that the server asked for the literal that is waited with.
func (l *link) continued() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.open {
		e.awaiting = false
	}
}

// cancelLiteral notes that a literal will not come because the server answered
// instead of asking for it. The client has not heard of it yet.
func (l *link) cancelLiteral(e *exchange) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.awaiting {
		e.awaiting, e.complete = false, true
		l.fromCli.Cancel()
	}
}
