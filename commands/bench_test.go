package commands

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"mailferry/transfer"
	"mailferry/transfer/ledger"
	"mailferry/transfer/mail"
	"mailferry/transfer/mail/mailtest"
)

// bench is a world of its own for one test: accounts in memory, a clock that
// stands still, no terminal, no environment but what the test sets.
type bench struct {
	t        *testing.T
	world    *world
	out, err syncBuffer
	env      map[string]string
	accounts map[string]*mailtest.Memory // by host
	wrap     func(mail.Store) mail.Store
	ledgers  map[string]*ledger.Memory // by path
	opened   []storeOptions
	signal   chan os.Signal
	ticks    chan time.Time
	asked    []string // questions on the terminal
}

// syncBuffer is written by the goroutines of a command and read by the test.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, accounts: make(map[string]*mailtest.Memory), ledgers: make(map[string]*ledger.Memory),
		signal: make(chan os.Signal), ticks: make(chan time.Time),
		env: map[string]string{
			"HOME": t.TempDir(), "MAILFERRY_SOURCE_PASSWORD": "secret-a", "MAILFERRY_DEST_PASSWORD": "secret-b",
		}}
	b.world = &world{
		stdin: strings.NewReader(""), stdout: &b.out, stderr: &b.err,
		getenv:  func(name string) (string, bool) { v, ok := b.env[name]; return v, ok },
		environ: func() []string { return b.environ() },
		now:     func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) },
		every:   func(time.Duration) (<-chan time.Time, func()) { return b.ticks, func() {} },
		signals: func() (<-chan os.Signal, func()) { return b.signal, func() {} },
		keyring: func(context.Context, string) (string, error) { return "", errNoKeyring },
		prompt: func(_ context.Context, question string) (string, error) {
			b.asked = append(b.asked, question)
			return "", errNoTerminal
		},
	}
	b.world.engine = engine{run: b.run, compare: transfer.Compare,
		source: func(o storeOptions) mail.Source { return b.open(o) }, store: b.open, ledger: b.ledger}
	return b
}

func (b *bench) environ() []string {
	var out []string
	for name, value := range b.env {
		out = append(out, name+"="+value)
	}
	return out
}

// run is the engine with waits that a test can bear.
func (b *bench) run(ctx context.Context, job transfer.Job) (*transfer.Report, error) {
	job.Timing.Sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	return transfer.Run(ctx, job)
}

func (b *bench) account(host string, opts mailtest.Options) *mailtest.Memory {
	opts.Reporter, opts.Name = b.t, "imaps://u@"+host
	m := mailtest.New(opts)
	b.accounts[host] = m
	return m
}

func (b *bench) open(o storeOptions) mail.Store {
	b.opened = append(b.opened, o)
	var store mail.Store = kept{b.accounts[o.address.host]}
	if b.wrap != nil {
		store = b.wrap(store)
	}
	return store
}

// kept lives on from one command to the next.
type kept struct{ *mailtest.Memory }

func (kept) Close() error { return nil }

func (kept) Describe(context.Context) ([]mail.Fact, error) {
	return []mail.Fact{{Name: "UIDPLUS", Value: "yes", Means: "New messages are told apart."}}, nil
}

func (b *bench) ledger(path, source, dest string, readOnly bool) (transfer.Ledger, error) {
	l, ok := b.ledgers[path]
	if !ok {
		l = ledger.NewMemory()
		if !readOnly {
			b.ledgers[path] = l
		}
	}
	l.Reopen()
	return l, nil
}

// mailferry carries out one command line and returns its exit code.
func (b *bench) mailferry(args ...string) int {
	b.t.Helper()
	b.out, b.err = syncBuffer{}, syncBuffer{}
	return int(b.world.run(b.t.Context(), append([]string{"mailferry"}, args...)))
}

// must carries out a command line that is to succeed.
func (b *bench) must(args ...string) {
	b.t.Helper()
	if code := b.mailferry(args...); code != 0 {
		b.t.Fatalf("mailferry %s: exit code %d\n%s%s", strings.Join(args, " "), code, &b.out, &b.err)
	}
}

// fails carries out a command line that is to end with code and say each of words.
func (b *bench) fails(code exitCode, args []string, words ...string) {
	b.t.Helper()
	if got := b.mailferry(args...); got != int(code) {
		b.t.Errorf("mailferry %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), got, code, &b.out, &b.err)
	}
	for _, w := range words {
		if !strings.Contains(b.err.String(), w) {
			b.t.Errorf("mailferry %s does not say %q but:\n%s", strings.Join(args, " "), w, &b.err)
		}
	}
}

// objects reads the lines that --json wrote.
func (b *bench) objects() []map[string]any {
	b.t.Helper()
	var out []map[string]any
	for line := range strings.Lines(b.out.String()) {
		var o map[string]any
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			b.t.Fatalf("not a JSON object: %q", line)
		}
		out = append(out, o)
	}
	return out
}

func (b *bench) lastLine() string {
	lines := strings.Split(strings.TrimRight(b.out.String(), "\n"), "\n")
	return lines[len(lines)-1]
}

// fill puts n different messages into a folder.
func fill(m *mailtest.Memory, folder string, n int) {
	for i := range n {
		m.PutText(mail.ParsePath(folder), fmt.Sprintf("%s %d", folder, i))
	}
}
