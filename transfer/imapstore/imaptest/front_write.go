package imaptest

import (
	"slices"
	"strconv"
	"strings"

	"mailferry/transfer/imapstore/imaptest/framing"
)

// Write takes what imapserver says. It reaches the client when imapserver waits
// for the client, or when much has come together.
func (f *front) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for rest := p; len(rest) > 0; {
		piece, n := f.split.Next(rest)
		rest = rest[n:]
		if err := f.put(f.edit(piece)); err != nil {
			return 0, err
		}
	}
	if f.reading {
		return len(p), f.flush()
	}
	return len(p), nil
}

func (f *front) put(data []byte) error {
	if len(f.out)+len(data) > bufferSize {
		if err := f.flush(); err != nil {
			return err
		}
	}
	if len(data) >= bufferSize {
		_, err := f.conn.Write(data)
		return err
	}
	f.out = append(f.out, data...)
	return nil
}

// flush is called with mu held, which no other connection ever waits for.
func (f *front) flush() error {
	if len(f.out) == 0 {
		return nil
	}
	_, err := f.conn.Write(f.out)
	f.out = f.out[:0]
	return err
}

// Flush sends what was answered so far. A session calls it before it waits for
// something other than its client.
func (f *front) Flush() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.flush()
}

func (f *front) reply(line string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.out = append(append(f.out, line...), "\r\n"...)
}

// edit looks at one piece on its way to the client.
func (f *front) edit(piece framing.Piece) []byte {
	if piece.Literal || !piece.First || len(piece.Data) == 0 {
		return piece.Data
	}
	// A session that idles writes from another goroutine, but nothing tagged.
	switch piece.Data[0] {
	case '+':
		f.awaiting = false
	case '*':
	default:
		f.finishCommand()
	}
	return framing.EditCapabilities(piece.Data, f.capabilities)
}

func (f *front) capabilities(caps []string) []string {
	limit := f.server.opts.MaxSize
	caps = slices.DeleteFunc(caps, func(c string) bool {
		return strings.HasPrefix(c, "APPENDLIMIT") || strings.HasPrefix(c, "AUTH=") && f.mustStartTLS()
	})
	if limit > 0 && f.loggedIn {
		caps = append(caps, "APPENDLIMIT="+strconv.FormatInt(limit, 10))
	}
	if f.offersTLS() {
		caps = append(caps, "STARTTLS")
	}
	if f.mustStartTLS() {
		caps = append(caps, "LOGINDISABLED")
	}
	return framing.Without(f.server.opts.Hide)(caps)
}
