package imaptest

import (
	"io"

	"mailferry/transfer/imapstore/imaptest/framing"
)

// Read gives imapserver at most one line or one part of a literal. When it asks
// for more it has therefore answered every command before, so that the front
// may answer the next one itself.
//
// The end of a literal is held back until the line behind it is there too.
// imapserver stores a message when its literal ends, but without its line end an
// APPEND is not complete and must have no effect.
func (f *front) Read(p []byte) (int, error) {
	var held []byte
	for len(f.pending) == 0 {
		piece, n := f.in.Next(f.fresh)
		f.fresh = f.fresh[n:]
		if piece.Data == nil {
			if err := f.fill(); err != nil {
				return 0, err
			}
			continue
		}
		pass, err := f.admit(piece)
		switch {
		case err != nil:
			return 0, err
		case !pass:
		case piece.Literal && f.in.LiteralOver():
			held = append(held, piece.Data...)
		case held != nil:
			f.pending = append(held, piece.Data...)
		default:
			f.pending = piece.Data
		}
	}
	n := copy(p, f.pending)
	f.pending = f.pending[n:]
	return n, nil
}

func (f *front) fill() error {
	f.mu.Lock()
	err := f.flush()
	f.reading = true
	conn := f.conn
	f.mu.Unlock()
	if err != nil {
		return err
	}
	n, err := conn.Read(f.buf)
	f.mu.Lock()
	f.reading = false
	f.mu.Unlock()
	if n > 0 {
		f.fresh = f.buf[:n]
		return nil
	}
	return err
}

// admit decides whether a piece goes to imapserver.
func (f *front) admit(piece framing.Piece) (bool, error) {
	if piece.Literal {
		return !f.swallow, nil
	}
	multiappend := f.isSecondMessage(piece)
	f.awaiting = piece.Announced >= 0 && !piece.NonSync
	if piece.First {
		f.swallow, f.literals = false, 0
	}
	if piece.Announced >= 0 {
		f.literals++
	}
	if multiappend {
		return false, f.dismissClient("MULTIAPPEND was not offered")
	}
	if piece.NonSync && !f.mayPush(piece.Announced) {
		return false, f.dismissClient("that non-synchronizing literal was not offered")
	}
	if piece.First {
		return f.admitCommand(piece)
	}
	if !f.swallow && f.isTooLong(piece) {
		return false, f.dismissClient("that literal is too long")
	}
	return !f.swallow, nil
}

func (f *front) admitCommand(piece framing.Piece) (bool, error) {
	cmd, ok := framing.ParseCommand(piece.Data)
	if !ok {
		return true, nil
	}
	if f.open && f.command.Name == "IDLE" {
		return false, f.dismissClient("DONE was expected")
	}
	f.command, f.open = cmd, true
	f.server.log.add(f.id, cmd)
	text := f.refusal(cmd, len(piece.Data))
	if text == "" && f.isTooLong(piece) {
		text = "BAD literal too long"
	}
	if text != "" {
		f.reply(cmd.Tag + " " + text)
		f.finishCommand()
		return false, nil
	}
	if cmd.Name == "STARTTLS" && f.offersTLS() {
		return false, f.startTLS(cmd.Tag)
	}
	return true, nil
}

// dismissClient ends the session of a client that broke the protocol in a way
// after which the two would be out of step. It reads until the client goes,
// because closing with octets unread would take the BYE back.
func (f *front) dismissClient(text string) error {
	f.reply("* BYE " + text)
	if err := f.Flush(); err != nil {
		return err
	}
	if half, ok := f.conn.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	}
	io.Copy(io.Discard, f.conn)
	return io.EOF
}

// finishCommand is called when a command has its answer. If not all of it was
// read, what is still to come is not for imapserver.
func (f *front) finishCommand() {
	f.open = false
	if f.awaiting {
		f.in.Cancel()
	} else if !f.in.Boundary() {
		f.swallow = true
	}
	f.awaiting = false
}
