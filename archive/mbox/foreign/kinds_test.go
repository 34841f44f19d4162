package foreign_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mailferry/archive/mbox/foreign"
)

// shown is one message in a line: subject, flags, date, labels, and what follows the header.
func shown(t testing.TB, m *foreign.Mbox, msg *foreign.Message) string {
	t.Helper()
	octets := string(octetsOf(t, m, msg))
	header, body, _ := strings.Cut(octets, "\r\n\r\n")
	subject := ""
	for line := range strings.Lines(header) {
		if s, ok := strings.CutPrefix(line, "Subject: "); ok {
			subject = strings.TrimSpace(s)
		}
	}
	date := "-"
	if !msg.Date.IsZero() {
		date = msg.Date.Format(time.RFC3339)
	}
	line := fmt.Sprintf("%s | %s | %s | %q", subject, msg.Flags, date, body)
	if len(msg.Labels) > 0 {
		line += fmt.Sprintf(" | %q", msg.Labels)
	}
	return line
}

func octetsOf(t testing.TB, m *foreign.Mbox, msg *foreign.Message) []byte {
	t.Helper()
	r, err := m.Body(msg)
	if err != nil {
		t.Fatal(err)
	}
	octets, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(octets)) != msg.Size {
		t.Fatalf("%d octets, %d were stated: %q", len(octets), msg.Size, octets)
	}
	return octets
}

// settledFile writes a file that nobody has touched for a while.
func settledFile(t testing.TB, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "folder.mbox")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	return path
}

func sample(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// read opens a file, lists its messages and looks at each a second time by its offset.
func read(t testing.TB, path string, opts foreign.Options) (kind string, lines []string, r foreign.Report) {
	t.Helper()
	m, err := foreign.Open(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	r, err = m.Scan(context.Background(), func(msg *foreign.Message) error {
		lines = append(lines, shown(t, m, msg))
		again, err := m.At(context.Background(), msg.At)
		if err != nil {
			return err
		}
		if again.Sum != msg.Sum || again.Key != msg.Key || again.Flags.String() != msg.Flags.String() || !bytes.Equal(octetsOf(t, m, again), octetsOf(t, m, msg)) {
			t.Errorf("at %d there is another message", msg.At)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.Messages != len(lines) {
		t.Errorf("%d messages delivered, %d reported", len(lines), r.Messages)
	}
	return m.Kind().String(), lines, r
}

func TestKinds(t *testing.T) {
	for _, c := range []struct {
		file, kind string
		pseudo     int
		want       []string
	}{
		{"badlength.mbox", "mboxo", 0, []string{
			`one |  | 2025-01-02T15:04:05Z | "text\r\n"`,
			`two |  | 2025-01-02T15:04:05Z | "bye\r\n"`,
		}},
		{"bom.mbox", "mboxo, CRLF", 0, []string{
			`one |  | 2025-01-02T15:04:05Z | "text\r\n"`,
		}},
		{"crlf.mbox", "mboxo, CRLF", 0, []string{
			`one |  | 2025-01-02T15:04:05Z | "text\r\nFrom quoted\r\n"`,
			`two | \Seen | 2025-01-02T15:04:05Z | "bye\r\n"`,
		}},
		{"dovecot.mbox", "mboxo", 0, []string{
			`one | \Seen Work | 2025-01-02T15:04:05Z | "text\r\n"`,
			`two |  | 2025-01-02T15:04:05Z | "text\r\n"`,
		}},
		{"empty.mbox", "", 0, nil},
		{"headers.mbox", "mboxo", 0, []string{
			`only a header |  | 2025-01-02T15:04:05Z | ""`,
			` |  | 2025-01-02T15:04:05Z | ""`,
			` |  | 2025-01-02T15:04:05Z | ""`,
			`last |  | 2025-01-02T15:04:05Z | "\r\n\r\n\r\n"`,
		}},
		{"inbody.mbox", "mboxo", 0, []string{
			`one |  | 2025-01-02T15:04:05Z | "first paragraph\r\n\r\nFrom the office of the director, in January 2025\r\n\r\nFrom here to eternity\r\n\r\nFrom bob on Thu Jan 2 15:04:05 2025\r\n\r\nFrom x@y.z Thu Jan  2 15:04:05\r\n\r\nlast\r\nFrom ann@example.org Thu Jan  2 15:04:05 2025\r\nSubject: behind no empty line\r\n"`,
			`two |  | 2025-01-02T15:04:05Z | "bye\r\n"`,
		}},
		{"mboxcl.mbox", "mboxcl", 0, []string{
			`one |  | 2025-01-02T15:04:05Z | "text\r\n\r\nFrom bob@example.org Thu Jan  2 15:04:05 2025\r\nSubject: not a message\r\n"`,
			`two | \Seen | 2025-01-02T15:04:05Z | "bye\r\n"`,
		}},
		{"mboxcl2.mbox", "mboxcl2", 0, []string{
			`one |  | 2025-01-02T15:04:05Z | "text\r\n\r\nFrom bob@example.org Thu Jan  2 15:04:05 2025\r\nSubject: not a message\r\n\r\n>From stays\r\n"`,
			`two | \Seen | 2025-01-02T15:04:05Z | "no line end"`,
			`three |  | 2025-01-02T15:04:05Z | "bye\r\n"`,
		}},
		{"mboxo.mbox", "mboxo", 0, []string{
			`one |  | 2025-01-02T15:04:05Z | "text\r\nFrom here it is quoted\r\nFrom the middle of a paragraph\r\n"`,
			`two | \Answered \Flagged \Seen | 2025-01-02T15:04:05Z | "\r\nFrom now on, no date\r\nbye\r\n"`,
			`three | \Deleted | 2025-01-02T15:04:05Z | "last\r\n"`,
		}},
		{"mboxrd.mbox", "mboxrd", 0, []string{
			`one |  | 2025-01-02T15:04:05Z | "From once\r\n>From twice\r\n>>From thrice\r\n> From not at all\r\n"`,
			`two | \Seen | 2025-01-02T15:04:05Z | "bye\r\n"`,
		}},
		{"mboxrd.mbox.gz", "mboxrd, gzip", 0, []string{
			`one |  | 2025-01-02T15:04:05Z | "From once\r\n>From twice\r\n>>From thrice\r\n> From not at all\r\n"`,
			`two | \Seen | 2025-01-02T15:04:05Z | "bye\r\n"`,
		}},
		{"mutt.mbox", "mboxcl", 0, []string{
			`one | \Seen | 2025-01-02T15:04:05Z | "text\r\n"`,
			`two | \Answered | 2025-01-02T15:04:05Z | "text\r\n"`,
			`three |  | 2025-01-02T15:04:05Z | "text\r\n"`,
		}},
		{"nofinal.mbox", "mboxo", 0, []string{
			`one |  | 2025-01-02T15:04:05Z | "text\r\n"`,
			`two | \Seen | 2025-01-02T15:04:05Z | "no line end"`,
		}},
		{"oddfrom.mbox", "mboxo", 0, []string{
			`m0 |  | 2025-01-02T15:04:05Z | "text\r\n"`,
			`m1 |  | 2025-01-02T15:04:00Z | "text\r\n"`,
			`m2 |  | 2025-01-02T15:04:05Z | "text\r\n"`,
			`m3 |  | 2025-01-02T15:04:05-05:00 | "text\r\n"`,
			`m4 |  | 2025-01-02T15:04:05+01:00 | "text\r\n"`,
			`m5 |  | 2025-01-02T15:04:05+01:00 | "text\r\n"`,
			`m6 |  | 2025-01-02T15:04:05+01:00 | "text\r\n"`,
			`m7 |  | 2025-01-02T15:04:05Z | "text\r\n"`,
			`m8 |  | 2025-01-02T15:04:05Z | "text\r\n"`,
			`m9 |  | 2025-01-02T15:04:05Z | "text\r\n"`,
			`m10 |  | 2025-01-02T15:04:05Z | "text\r\n"`,
			`m11 |  | 2025-01-03T10:00:00+02:00 | "text\r\n"`,
		}},
		{"pine.mbox", "mboxo", 1, []string{
			`one | $Forwarded \Answered \Seen Work | 2025-01-02T15:04:05Z | "text\r\n"`,
			`two |  | 2025-01-02T15:04:05Z | "text\r\n"`,
			`three | \Draft \Flagged \Seen Work | 2025-01-02T15:04:05Z | "text\r\n"`,
		}},
		{"takeout.mbox", "mboxo, CRLF", 0, []string{
			`one |  | 2025-01-02T15:04:05Z | "text\r\nFrom quoted\r\n" | ["Inbox" "Unread" "Category Updates"]`,
			`two | $Important \Flagged \Seen My_Project/Sub | 2025-01-02T15:04:05Z | "text\r\nFrom quoted\r\n" | ["Sent" "Opened" "Starred" "Important" "My Project/Sub"]`,
			`three | \Seen Bills,_paid J&AOQ-nner | 2025-01-02T15:04:05Z | "text\r\nFrom quoted\r\n" | ["Archived" "Bills, paid" "Jänner"]`,
			`four | \Draft \Seen | 2025-01-02T15:04:05Z | "text\r\nFrom quoted\r\n" | ["Draft"]`,
		}},
		{"thunderbird.mbox", "mboxo, CRLF", 0, []string{
			`unread |  | 2025-01-02T15:04:05Z | "text\r\n"`,
			`read | \Seen | 2025-01-02T15:04:05Z | "text\r\n"`,
			`answered | $label1 \Answered \Seen nonjunk | 2025-01-02T15:04:05Z | "text\r\n"`,
			`flagged | \Flagged \Seen | 2025-01-02T15:04:05Z | "text\r\n"`,
			`forwarded | $Forwarded \Seen | 2025-01-02T15:04:05Z | "text\r\n"`,
			`deleted | \Deleted \Seen | 2025-01-02T15:04:05Z | "text\r\n"`,
			`imapdeleted | \Deleted \Seen | 2025-01-02T15:04:05Z | "text\r\n"`,
		}},
		{"undated.mbox", "mboxo, From_ lines without dates", 0, []string{
			`one |  | 2025-01-04T11:00:00+01:00 | "From here on text\r\n\r\nFrom there too\r\n"`,
			`two |  | 2025-01-03T10:00:00+02:00 | "bye\r\n"`,
			`three |  | - | "bye\r\n"`,
		}},
		{"unspaced.mbox", "mboxo, no empty lines between messages", 0, []string{
			`one |  | 2025-01-02T15:04:05Z | "text\r\n"`,
			`two |  | 2025-01-02T15:04:05Z | "From bob, with love\r\n"`,
			`three |  | 2025-01-02T15:04:05Z | "bye\r\n"`,
		}},
	} {
		t.Run(c.file, func(t *testing.T) {
			kind, lines, r := read(t, settledFile(t, sample(t, c.file)), foreign.Options{Spool: t.TempDir()})
			if kind != c.kind || r.Pseudo != c.pseudo || r.Torn != 0 || len(r.Damaged) != 0 {
				t.Errorf("%s, %+v; want %s, %d pseudo messages", kind, r, c.kind, c.pseudo)
			}
			if !slices.Equal(lines, c.want) {
				t.Errorf("read\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func TestEverySampleIsInTheTable(t *testing.T) {
	entries, err := os.ReadDir(filepath.Join("..", "testdata"))
	if err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile("kinds_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !e.IsDir() && !bytes.Contains(table, []byte("{\""+e.Name()+"\"")) {
			t.Errorf("%s is read by no test", e.Name())
		}
	}
}
