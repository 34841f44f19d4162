package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"mailferry/transfer"
	"mailferry/transfer/ledger"
	"mailferry/transfer/mail"
	"mailferry/transfer/mail/mailtest"
)

// world is two accounts in memory and the ledger between them.
type world struct {
	src, dst *mailtest.Memory
	ledger   transfer.Ledger
	job      func(*transfer.Job) // what differs from the default job
}

func newWorld(t testing.TB, dst mailtest.Options) *world {
	return newWorldFrom(t, mailtest.Options{}, dst)
}

func newWorldFrom(t testing.TB, src, dst mailtest.Options) *world {
	src.Reporter, src.Name = t, "src"
	dst.Reporter, dst.Name = t, "dst"
	return &world{
		src:    mailtest.New(src),
		dst:    mailtest.New(dst),
		ledger: newLedger(),
	}
}

// noWait is a Timing whose waits take no time.
func noWait() transfer.Timing {
	return transfer.Timing{Sleep: func(ctx context.Context, _ time.Duration) error { return context.Cause(ctx) }}
}

// run runs the job, with every call a step of plan if it is not nil.
func (w *world) run(t testing.TB, plan *mailtest.Plan) (*transfer.Report, error) {
	t.Helper()
	job := transfer.Job{Source: w.src, Dest: w.dst, Ledger: w.ledger, Timing: noWait(), Connections: 2, Batch: 3}
	if plan != nil {
		job.Source, job.Dest = mailtest.FaultySource(w.src, plan), mailtest.Faulty(w.dst, plan)
		job.Ledger = &faultyLedger{w.ledger, plan}
	}
	if w.job != nil {
		w.job(&job)
	}
	report, err := transfer.Run(context.Background(), job)
	checkSums(t, report)
	return report, err
}

// mustRun runs without faults and fails the test if anything is amiss.
func (w *world) mustRun(t testing.TB) *transfer.Report {
	t.Helper()
	report, err := w.run(t, nil)
	if err != nil {
		t.Fatalf("run: %v", err)
	}
	for _, f := range report.Folders {
		if f.Err != nil {
			t.Errorf("folder %q: %v", f.Source, f.Err)
		}
	}
	return report
}

func checkSums(t testing.TB, r *transfer.Report) {
	t.Helper()
	var total transfer.Counts
	for _, f := range r.Folders {
		c := f.Counts
		if c.Found != c.Copied+c.Already+c.Out()+c.Failed+c.Pending {
			t.Errorf("folder %q does not add up: %+v", f.Source, c)
		}
		total.Add(c)
	}
	if total.Found != r.Total.Found || total.Copied != r.Total.Copied {
		t.Errorf("the total is not the sum of the folders: %+v, %+v", r.Total, total)
	}
}

// faultyLedger makes every commit a step.
type faultyLedger struct {
	transfer.Ledger
	plan *mailtest.Plan
}

func (l *faultyLedger) Commit(ctx context.Context, c transfer.Change) error {
	return l.plan.Do("ledger commit", func() error { return l.Ledger.Commit(ctx, c) })
}

func path(text string) mail.Path { return mail.ParsePath(text) }

// text is a message with its own Message-ID.
func text(id, subject, body string) string {
	return fmt.Sprintf("Message-ID: <%s@example.org>\nDate: Mon, 6 May 2024 10:00:00 +0200\nFrom: a@example.org\nSubject: %s\n\n%s\n", id, subject, body)
}

func newLedger() *ledger.Memory { return ledger.NewMemory() }

// fill puts n plain messages into a folder.
func fill(m *mailtest.Memory, folder string, n int) {
	for i := range n {
		m.PutText(path(folder), text(fmt.Sprintf("%s-%d", strings.ReplaceAll(folder, "/", "-"), i), "hello", strings.Repeat("x", i)))
	}
}

// contents is what a folder holds: subject lines and flags, by UID.
func contents(m *mailtest.Memory, folder string) string {
	var out []string
	for _, msg := range m.Messages(path(folder)) {
		subject := ""
		for line := range strings.SplitSeq(string(msg.Raw), "\r\n") {
			if s, ok := strings.CutPrefix(line, "Subject: "); ok {
				subject = s
				break
			}
		}
		line := subject
		if len(msg.Flags) > 0 {
			line += " (" + msg.Flags.String() + ")"
		}
		out = append(out, line)
	}
	return strings.Join(out, "; ")
}

func wantCounts(t testing.TB, r *transfer.Report, copied, already, out, failed int) {
	t.Helper()
	c := r.Total
	if c.Copied != copied || c.Already != already || c.Out() != out || c.Failed != failed || c.Pending != 0 {
		t.Errorf("copied %d, already there %d, left out %d, failed %d, pending %d; want %d, %d, %d, %d, 0",
			c.Copied, c.Already, c.Out(), c.Failed, c.Pending, copied, already, out, failed)
	}
}

func wantContents(t testing.TB, m *mailtest.Memory, folder, want string) {
	t.Helper()
	if got := contents(m, folder); got != want {
		t.Errorf("%s holds\n  %s, want\n  %s", folder, got, want)
	}
}

var errTest = errors.New("refused in a test")
