package wire

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

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

// note writes of the connection itself.
func (t *tracer) note(text string) {
	if t.w != nil {
		t.write("--", text)
	}
}

// write drops the writer's error: a full disk must not stop a transfer.
func (t *tracer) write(side, text string) {
	now := time.Now().Format("15:04:05.000000")
	_, _ = fmt.Fprintf(t.w, "%s #%d %s: %s\n", now, t.number, side, text)
}
