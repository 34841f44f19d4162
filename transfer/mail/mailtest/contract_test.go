package mailtest

import (
	"context"
	"io"
	"strings"
	"testing"

	"mailferry/transfer/mail"
)

// bench is a Memory with two messages in INBOX that records broken contracts.
type bench struct {
	*Memory
	heard recorder
}

var inbox = mail.NewPath("INBOX")

func newBench(t *testing.T, opts Options) *bench {
	b := &bench{heard: recorder{TB: t}}
	opts.Reporter = noCleanup{&b.heard}
	b.Memory = New(opts)
	b.PutText(inbox, "Subject: one\n\none\n")
	b.PutText(inbox, "Subject: two\n\ntwo\n")
	return b
}

// noCleanup hides the test's Cleanup: breaches are looked at, not reported.
type noCleanup struct{ Reporter }

func (b *bench) reader(t *testing.T) mail.Reader {
	t.Helper()
	r, err := b.OpenReader(t.Context(), inbox)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (b *bench) writer(t *testing.T) mail.Writer {
	t.Helper()
	w, err := b.OpenWriter(t.Context(), inbox)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestMemoryCatchesBrokenContracts(t *testing.T) {
	ctx := context.Background()
	nothing := func(mail.Info) error { return nil }
	for _, c := range []struct {
		name, want string
		opts       Options
		do         func(t *testing.T, b *bench)
	}{
		{"use inside a list", "inside its own callback", Options{}, func(t *testing.T, b *bench) {
			r := b.reader(t)
			r.List(ctx, mail.ListOptions{}, func(mail.Info) error { return r.List(ctx, mail.ListOptions{}, nothing) })
		}},
		{"close inside a fetch", "closed while in use", Options{}, func(t *testing.T, b *bench) {
			r := b.reader(t)
			r.Fetch(ctx, mail.NewUIDSet(1), func(mail.Info, io.Reader) error { return r.Close() })
		}},
		{"append inside done", "inside its own callback", Options{}, func(t *testing.T, b *bench) {
			w := b.writer(t)
			msg := &mail.Message{Body: mail.BytesBody("x")}
			w.Append(ctx, msg, func(mail.UID, error) { w.Append(ctx, msg, func(mail.UID, error) {}) })
		}},
		{"two goroutines", "inside its own callback", Options{}, func(t *testing.T, b *bench) {
			r := b.reader(t)
			r.List(ctx, mail.ListOptions{}, func(mail.Info) error {
				over := make(chan struct{})
				go func() { defer close(over); r.Fetch(ctx, mail.NewUIDSet(1), nil) }()
				<-over
				return nil
			})
		}},
		{"use after Close", "used after Close", Options{}, func(t *testing.T, b *bench) {
			r := b.reader(t)
			r.Close()
			r.List(ctx, mail.ListOptions{}, nothing)
		}},
		{"use after an error", "used after its error", Options{}, func(t *testing.T, b *bench) {
			r := b.reader(t)
			r.List(ctx, mail.ListOptions{}, func(mail.Info) error { return io.EOF })
			r.List(ctx, mail.ListOptions{}, nothing)
		}},
		{"a body kept", "body read after its callback", Options{}, func(t *testing.T, b *bench) {
			var kept io.Reader
			b.reader(t).Fetch(ctx, mail.NewUIDSet(1), func(_ mail.Info, body io.Reader) error { kept = body; return nil })
			kept.Read(make([]byte, 1))
		}},
		{"two writers", "second Writer", Options{}, func(t *testing.T, b *bench) {
			b.writer(t)
			b.OpenWriter(ctx, inbox)
		}},
		{"too many handles", "beyond the 2", Options{Connections: 2}, func(t *testing.T, b *bench) {
			b.reader(t)
			b.writer(t)
			b.OpenReader(ctx, inbox)
		}},
		{"handle left open", "closed while a handle", Options{}, func(t *testing.T, b *bench) {
			b.reader(t)
			b.Close()
		}},
		{"store used after Close", "after Close", Options{}, func(t *testing.T, b *bench) {
			b.Close()
			b.Folders(ctx)
		}},
		{"changes without mod-sequences", "without mod-sequences", Options{NoModSeqs: true}, func(t *testing.T, b *bench) {
			b.reader(t).List(ctx, mail.ListOptions{ChangedSince: 1}, nothing)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, c.opts)
			before := b.Dump()
			c.do(t, b)
			if got := strings.Join(b.heard.failures, "\n"); !strings.Contains(got, c.want) {
				t.Errorf("reported %q, want %q", got, c.want)
			}
			if c.name != "append inside done" && b.Dump() != before {
				t.Errorf("the breach changed the account:\n%s", b.Dump())
			}
		})
	}
}

func TestWithoutAReporterABrokenContractPanics(t *testing.T) {
	m := New(Options{})
	m.Close()
	defer func() {
		if p, _ := recover().(string); !strings.Contains(p, "after Close") {
			t.Errorf("panic %q", p)
		}
	}()
	m.Folders(t.Context())
}

func TestAReaderCannotAppend(t *testing.T) {
	b := newBench(t, Options{})
	r := b.reader(t)
	if _, ok := r.(mail.Writer); ok {
		t.Error("a Reader is a Writer")
	}
	if _, ok := r.(mail.Expunger); ok {
		t.Error("a Reader is an Expunger")
	}
	r.Close()
	b.Close()
	if len(b.heard.failures) > 0 {
		t.Errorf("sound use is reported: %q", b.heard.failures)
	}
}
