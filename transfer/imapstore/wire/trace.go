package wire

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"mailferry/transfer/mail"
)

// SyncWriter lets several connections write whole lines to one trace.
func SyncWriter(w io.Writer) io.Writer {
	if w == nil {
		return nil
	}
	return &syncWriter{w: w}
}

type syncWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *syncWriter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}

// tracer writes what is said on a connection: one line for each line, literals
// as their length.
type tracer struct {
	w      io.Writer
	number int
}

const maxTraced = 2000

func (t *tracer) line(side string, line []byte) {
	if t.w == nil {
		return
	}
	text := strings.TrimRight(string(line[:min(len(line), maxTraced)]), "\r\n")
	if len(line) > maxTraced {
		text += fmt.Sprintf("... (%d octets)", len(line))
	}
	t.write(side, mail.Visible(text))
}

func (t *tracer) literal(side string, n int64) {
	if t.w != nil {
		t.write(side, fmt.Sprintf("{%d octets}", n))
	}
}

// write drops the writer's error: a full disk must not stop a transfer.
func (t *tracer) write(side, text string) {
	_, _ = fmt.Fprintf(t.w, "#%d %s: %s\n", t.number, side, text)
}
