package transfer_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"mailferry/transfer"
	"mailferry/transfer/mail"
	"mailferry/transfer/mail/mailtest"
)

// foreseen is a source that notes from which UID on mail is asked for ahead.
type foreseen struct {
	*mailtest.Memory
	bodies []mail.UID
	blind  bool // it does not tell how large folders are
}

func (s *foreseen) Folders(ctx context.Context) ([]mail.Folder, error) {
	list, err := s.Memory.Folders(ctx)
	for i := range list {
		if s.blind && list[i].Status != nil {
			st := *list[i].Status
			st.Bytes = -1
			list[i].Status = &st
		}
	}
	return list, err
}

func (s *foreseen) OpenReaderAhead(ctx context.Context, p mail.Path, list *mail.ListOptions, bodies mail.UID) (mail.Reader, error) {
	if p == path("f") {
		s.bodies = append(s.bodies, bodies)
	}
	return s.Memory.OpenReaderAhead(ctx, p, list, bodies)
}

// TestLittleNewMailIsAskedForAhead: new mail is asked for together with what changed where it is sure to be little.
func TestLittleNewMailIsAskedForAhead(t *testing.T) {
	f := path("f")
	put := func(octets int) func(*foreseen) {
		return func(s *foreseen) { s.PutText(f, text("new", "new", strings.Repeat("x", octets))) }
	}
	for _, tc := range []struct {
		name   string
		blind  bool
		change func(*foreseen)
		want   mail.UID
	}{
		{"a small message", false, put(1000), 6},
		{"a large message", false, put(2 << 20), 0},
		{"sizes are not told", true, put(1000), 0},
		{"flags alone", false, func(s *foreseen) { s.SetFlags(f, 1, mail.NewFlags(mail.Flagged)) }, 0},
		{"a large message for others that are gone", false, func(s *foreseen) {
			put(2 << 20)(s)
			s.Remove(f, 5)
		}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, mailtest.Options{})
			source := &foreseen{Memory: w.src, blind: tc.blind}
			w.job = func(j *transfer.Job) { j.Source = source }
			fill(w.src, "f", 4)
			w.src.PutText(f, text("large", "large", strings.Repeat("y", 2<<20)))
			w.mustRun(t)
			source.bodies = nil
			tc.change(source)
			w.mustRun(t)
			if got := fmt.Sprint(source.bodies); got != fmt.Sprint([]mail.UID{tc.want}) {
				t.Errorf("asked for ahead from %s, want [%d]", got, tc.want)
			}
		})
	}
}
