//go:build unix

package archive_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"mailferry/archive"
	"mailferry/transfer/mail"
)

// load is what a mailbox holds: so many messages of so many octets on average.
type load struct{ messages, octets int }

func loads() []load { return []load{{1000, 60 << 10}, {5000, 2 << 10}} }

func (l load) String() string { return fmt.Sprintf("%dx%dKB", l.messages, l.octets>>10) }

// mailbox makes the messages of a load. Their sizes go from a half to one and a half of the mean.
func (l load) mailbox() (list []*mail.Message, octets int64) {
	text := strings.Repeat(strings.Repeat("x", 74)+"\r\n", 2*l.octets/76)
	for n := 1; n <= l.messages; n++ {
		size := l.octets/2 + n*7919%l.octets
		raw := fmt.Sprintf("From: ann@example.org\r\nMessage-ID: <%d@example.org>\r\nSubject: letter %d\r\n\r\n", n, n) +
			text[:size/76*76]
		list, octets = append(list, message(n, []byte(raw), mail.Seen)), octets+int64(len(raw))
	}
	return list, octets
}

// cpu is the processor time of this process, that of the system for it included.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// measured runs do, which works on so many messages, and tells what one of them costs.
func measured(b *testing.B, messages int, octets int64, do func()) {
	b.SetBytes(octets)
	b.ReportAllocs()
	var spent time.Duration
	for b.Loop() {
		before := cpu()
		do()
		spent += cpu() - before
	}
	b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N*messages), "cpu-ns/msg")
}

// fill appends messages to a folder.
func fill(b *testing.B, a *archive.Archive, path mail.Path, list []*mail.Message) {
	w, err := a.OpenWriter(b.Context(), path)
	if err != nil {
		b.Fatal(err)
	}
	done := func(_ mail.UID, err error) {
		if err != nil {
			b.Error(err)
		}
	}
	for _, m := range list {
		m.Origin.Folder = path
		if err := w.Append(b.Context(), m, done); err != nil {
			b.Fatal(err)
		}
	}
	if err := errors.Join(w.Flush(b.Context()), w.Close()); err != nil {
		b.Fatal(err)
	}
}

func forLoads(b *testing.B, do func(b *testing.B, a *archive.Archive, l load)) {
	for _, format := range []archive.Format{archive.Maildir, archive.MBox} {
		for _, l := range loads() {
			b.Run(string(format)+"/"+l.String(), func(b *testing.B) {
				a, err := archive.Create(b.Context(), filepath.Join(b.TempDir(), "a"), archive.Options{Format: format})
				if err != nil {
					b.Fatal(err)
				}
				defer a.Close()
				do(b, a, l)
			})
		}
	}
}

// BenchmarkFetch reads a folder as a restore does: every message whole, 500 asked for at once.
func BenchmarkFetch(b *testing.B) {
	forLoads(b, func(b *testing.B, a *archive.Archive, l load) {
		if err := a.Create(b.Context(), mail.Folder{Path: inbox}); err != nil {
			b.Fatal(err)
		}
		list, octets := l.mailbox()
		fill(b, a, inbox, list)
		buf := make([]byte, 4*l.octets)
		measured(b, l.messages, octets, func() {
			r, err := a.OpenReader(b.Context(), inbox)
			if err != nil {
				b.Fatal(err)
			}
			came := 0
			for first := 1; first <= l.messages; first += 500 {
				var uids mail.UIDSet
				uids.AddRange(mail.UID(first), mail.UID(first+499))
				err := r.Fetch(context.Background(), uids, func(info mail.Info, body io.Reader) error {
					came++
					_, err := io.ReadFull(body, buf[:info.Size])
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			if came != l.messages {
				b.Fatalf("%d messages of %d", came, l.messages)
			}
			if err := r.Close(); err != nil {
				b.Fatal(err)
			}
		})
	})
}

// BenchmarkAppend backs a mailbox up into a new folder, and includes what makes it durable.
func BenchmarkAppend(b *testing.B) {
	forLoads(b, func(b *testing.B, a *archive.Archive, l load) {
		list, octets := l.mailbox()
		n := 0
		measured(b, l.messages, octets, func() {
			n++
			path := mail.NewPath(fmt.Sprint("Folder", n))
			if err := a.Create(b.Context(), mail.Folder{Path: path}); err != nil {
				b.Fatal(err)
			}
			fill(b, a, path, list)
		})
	})
}
