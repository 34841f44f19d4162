package ledger_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mailferry/transfer"
	"mailferry/transfer/ledger"
	"mailferry/transfer/mail"
)

// TestMillionRecords measures a mailbox of a million messages; it takes its time
// and is asked for by MAILFERRY_TEST_MILLION=1.
func TestMillionRecords(t *testing.T) {
	if os.Getenv("MAILFERRY_TEST_MILLION") == "" {
		t.Skip("set MAILFERRY_TEST_MILLION=1 to run it")
	}
	const messages, batch = 1_000_000, 100
	path := filepath.Join(t.TempDir(), "l.db")
	l := mustOpen(t, path)
	p := addPair(t, l, "INBOX", "INBOX")
	timed(t, "record", func() {
		for n := 1; n <= messages; n += batch {
			sendBatch(t, l, p, mail.UID(n), batch)
		}
	})
	timed(t, "close", func() { must(t, l.Close()) })
	st, err := os.Stat(path)
	must(t, err)
	t.Logf("size: %d octets, %.1f per record", st.Size(), float64(st.Size())/messages)
	timed(t, "open", func() { l = mustOpen(t, path) })
	timed(t, "page through", func() {
		seen := 0
		for after := mail.UID(0); ; {
			page, err := l.Records(t.Context(), p.ID, after, 5000)
			must(t, err)
			if len(page) == 0 {
				break
			}
			seen, after = seen+len(page), page[len(page)-1].Source
		}
		if seen != messages {
			t.Errorf("%d records", seen)
		}
	})
	timed(t, "claimed", func() {
		set, err := l.Claimed(t.Context(), p.Dest, 0)
		must(t, err)
		if set.Len() != messages {
			t.Errorf("%d claimed", set.Len())
		}
	})
	must(t, l.Close())
	t.Logf("peak memory so far: %s", peakMemory())
	timed(t, "open for reading only", func() {
		var err error
		l, err = ledger.OpenReadOnly(path, accounts())
		must(t, err)
	})
	must(t, l.Close())
	t.Logf("peak memory so far: %s", peakMemory())
	must(t, os.Remove(path+".lock"))
	timed(t, "open and check all", func() { l = mustOpen(t, path) })
	must(t, l.Close())
}

// peakMemory is the process's greatest resident set, where the system tells it.
func peakMemory() string {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "unknown"
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	value, _, _ := strings.Cut(after, "\n")
	return strings.TrimSpace(value)
}

func timed(t testing.TB, what string, do func()) {
	t.Helper()
	start := time.Now()
	do()
	t.Logf("%s: %v", what, time.Since(start).Round(time.Millisecond))
}

// sendBatch does what the engine does for one batch: intent, then records and settling.
func sendBatch(t testing.TB, l transfer.Ledger, p transfer.Pair, first mail.UID, n int) {
	intent := &transfer.Intent{Pair: p.ID, DestValidity: 1, DestNext: first}
	intent.Source.AddRange(first, first+mail.UID(n)-1)
	commit(t, l, transfer.Change{Intents: []*transfer.Intent{intent}})
	records := make([]transfer.Record, n)
	for i := range records {
		uid := first + mail.UID(i)
		flags := mail.NewFlags(mail.Seen)
		if i%10 == 0 {
			flags = mail.NewFlags(mail.Seen, fmt.Sprintf("label%d", i%7))
		}
		records[i] = transfer.Record{Source: uid, Dest: uid, Appended: true, Base: flags}
	}
	commit(t, l, transfer.Change{Records: map[int64][]transfer.Record{p.ID: records}, Settle: []int64{intent.ID}})
}

func BenchmarkCommitBatch(b *testing.B) {
	l := mustOpen(b, filepath.Join(b.TempDir(), "l.db"))
	defer l.Close()
	p := addPair(b, l, "INBOX", "INBOX")
	next := mail.UID(1)
	for b.Loop() {
		sendBatch(b, l, p, next, 100)
		next += 100
	}
}

// BenchmarkCommitTenThousand records a mailbox of 10,000 messages in batches of that size.
func BenchmarkCommitTenThousand(b *testing.B) {
	const messages = 10_000
	for _, batch := range []int{100, 1000} {
		b.Run(fmt.Sprintf("by %d", batch), func(b *testing.B) {
			l := mustOpen(b, filepath.Join(b.TempDir(), "l.db"))
			defer l.Close()
			p := addPair(b, l, "INBOX", "INBOX")
			for b.Loop() {
				commit(b, l, transfer.Change{Void: &p})
				for n := mail.UID(1); n < messages; n += mail.UID(batch) {
					sendBatch(b, l, p, n, batch)
				}
			}
		})
	}
}

// BenchmarkReflag replaces records here and there, as the second run over a mailbox does.
func BenchmarkReflag(b *testing.B) {
	l := mustOpen(b, filepath.Join(b.TempDir(), "l.db"))
	defer l.Close()
	p := addPair(b, l, "INBOX", "INBOX")
	const messages, changed = 100_000, 1000
	sendBatch(b, l, p, 1, messages)
	records := make([]transfer.Record, changed)
	for n := 0; b.Loop(); n++ {
		for i := range records {
			uid := mail.UID(i*messages/changed + n%100 + 1)
			records[i] = record(uid, uid, mail.Seen, mail.Flagged)
		}
		addRecords(b, l, p.ID, records...)
	}
}

// BenchmarkOneRecord looks up one message.
func BenchmarkOneRecord(b *testing.B) {
	l := mustOpen(b, filepath.Join(b.TempDir(), "l.db"))
	defer l.Close()
	p := addPair(b, l, "INBOX", "INBOX")
	sendBatch(b, l, p, 1, 10_000)
	for n := mail.UID(0); b.Loop(); n++ {
		if r, err := l.Records(b.Context(), p.ID, n*389%10_000, 1); err != nil || len(r) != 1 {
			b.Fatal(r, err)
		}
	}
}

// BenchmarkOpenAndClose is what an unchanged account pays.
func BenchmarkOpenAndClose(b *testing.B) {
	path := filepath.Join(b.TempDir(), "l.db")
	l := mustOpen(b, path)
	p := addPair(b, l, "INBOX", "INBOX")
	for n := mail.UID(1); n < 100_000; n += 10_000 {
		sendBatch(b, l, p, n, 10_000)
	}
	must(b, l.Close())
	for b.Loop() {
		l := mustOpen(b, path)
		run, err := l.StartRun(b.Context(), time.Now())
		must(b, err)
		must(b, l.FinishRun(b.Context(), run, time.Now(), []byte("{}")))
		must(b, l.Close())
	}
}
