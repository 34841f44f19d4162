package wire

import (
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// slowLine is a line that takes some octets at a time, and none once its deadline has been kept too often.
type slowLine struct {
	net.Conn
	took      []int // by Write
	deadlines int   // set since the last Write
	loose     int   // Writes without a deadline of their own
	stuck     int   // the Write that takes half of its octets and then no more; 0: none
}

func (l *slowLine) SetWriteDeadline(until time.Time) error {
	if time.Until(until) > 0 {
		l.deadlines++
	}
	return nil
}

func (l *slowLine) Write(p []byte) (int, error) {
	if l.deadlines == 0 {
		l.loose++
	}
	l.deadlines = 0
	n := len(p)
	if len(l.took)+1 == l.stuck {
		n /= 2
	}
	if l.took = append(l.took, n); n < len(p) {
		return n, os.ErrDeadlineExceeded
	}
	return n, nil
}

// TestWriteWaitsForEachPiece: a body that takes longer than the idle time as a whole is no reason to give
// up, as long as it moves.
func TestWriteWaitsForEachPiece(t *testing.T) {
	for name, tc := range map[string]struct {
		octets, stuck int
		pieces, sent  int
	}{
		"nothing":    {0, 0, 1, 0},
		"one octet":  {1, 0, 1, 1},
		"one piece":  {piece, 0, 1, piece},
		"many":       {5*piece + 7, 0, 6, 5*piece + 7},
		"stuck":      {5 * piece, 3, 3, 2*piece + piece/2},
		"stuck last": {piece + 10, 2, 2, piece + 5},
	} {
		t.Run(name, func(t *testing.T) {
			line := &slowLine{stuck: tc.stuck}
			w := &transport{Conn: line, idle: time.Minute}
			n, err := w.Write([]byte(strings.Repeat("x", tc.octets)))
			if n != tc.sent || w.sent.Load() != int64(tc.sent) || errors.Is(err, os.ErrDeadlineExceeded) != (tc.stuck > 0) {
				t.Errorf("sent %d (counted %d), want %d; %v", n, w.sent.Load(), tc.sent, err)
			}
			if len(line.took) != tc.pieces || line.loose > 0 {
				t.Errorf("pieces %v, want %d; %d without a deadline of their own", line.took, tc.pieces, line.loose)
			}
			for _, n := range line.took {
				if n > piece {
					t.Errorf("%d octets within one deadline", n)
				}
			}
		})
	}
}
