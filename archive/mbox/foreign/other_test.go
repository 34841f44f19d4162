package foreign_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mailferry/archive/mbox"
	"mailferry/archive/mbox/foreign"
	"mailferry/transfer/mail"
)

const fromLine = "From ann@example.org Thu Jan  2 15:04:05 2025\n"

func TestOctetsOfForeignMessages(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"header only":         {fromLine + "a: b\n\n", []string{"a: b\r\n"}},
		"header, empty line":  {fromLine + "a: b\n\n\n", []string{"a: b\r\n\r\n"}},
		"no header":           {fromLine + "\nbody\n\n", []string{"\r\nbody\r\n"}},
		"nothing":             {fromLine + "\n" + fromLine + "\n", []string{"", ""}},
		"not even a line":     {fromLine, []string{""}},
		"no colon":            {fromLine + "text\nmore\n\n", []string{"text\r\nmore\r\n"}},
		"bare CR stays":       {fromLine + "a: b\n\nx\ry\r\r\nz\r\n\n", []string{"a: b\r\n\r\nx\ry\r\r\nz\r\n"}},
		"NUL and 8-bit":       {fromLine + "a: \xff\n\n\x00\n\n", []string{"a: \xff\r\n\r\n\x00\r\n"}},
		"folded status":       {fromLine + "a: b\nX-Keywords: one\n two\nStatus: R\nc: d\n e\n\n\n", []string{"a: b\r\nc: d\r\n e\r\n\r\n"}},
		"status in the body":  {fromLine + "a: b\n\nStatus: R\n\n", []string{"a: b\r\n\r\nStatus: R\r\n"}},
		"quoted in header":    {fromLine + ">From old@host Thu Jan  2 15:04:05 2025\na: b\n\n", []string{">From old@host Thu Jan  2 15:04:05 2025\r\na: b\r\n"}},
		"empty lines between": {"\n\n" + fromLine + "a: b\n\n\n\n\n" + fromLine + "c: d\n", []string{"a: b\r\n\r\n\r\n\r\n", "c: d\r\n"}},
		"long lines": {fromLine + "a: " + strings.Repeat("x", 1<<20) + "\n\n" + strings.Repeat(">", 1<<17) + "From \n\n",
			[]string{"a: " + strings.Repeat("x", 1<<20) + "\r\n\r\n" + strings.Repeat(">", 1<<17-1) + "From \r\n"}},
		"header of 5 MB": {fromLine + strings.Repeat("a: "+strings.Repeat("x", 1020)+"\n", 5<<10) + "\nb\n\n",
			[]string{strings.Repeat("a: "+strings.Repeat("x", 1020)+"\r\n", 5<<10) + "\r\nb\r\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := bodies(t, settledFile(t, []byte(c.text)), foreign.Options{})
			if len(got) != len(c.want) {
				t.Fatalf("%d messages, want %d: %.300q", len(got), len(c.want), got)
			}
			for i := range got {
				if got[i] != c.want[i] {
					t.Errorf("%.300q, want %.300q", got[i], c.want[i])
				}
			}
		})
	}
}

func bodies(t testing.TB, path string, opts foreign.Options) (out []string) {
	t.Helper()
	m, err := foreign.Open(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	_, err = m.Scan(context.Background(), func(msg *foreign.Message) error {
		out = append(out, string(octetsOf(t, m, msg)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestQuotingCanBeSaid(t *testing.T) {
	text := fromLine + "a: b\n\n>From x\n>>From y\n\n"
	for q, want := range map[foreign.Quoting]string{
		foreign.Auto:   "From x\r\n>From y\r\n",
		foreign.Quoted: "From x\r\n>From y\r\n",
		foreign.Simple: "From x\r\n>>From y\r\n",
		foreign.Never:  ">From x\r\n>>From y\r\n",
	} {
		got := bodies(t, settledFile(t, []byte(text)), foreign.Options{Quoting: q})
		if len(got) != 1 || got[0] != "a: b\r\n\r\n"+want {
			t.Errorf("%d: %q, want %q", q, got, want)
		}
	}
}

// TestAnArchiveOfOursIsAForeignFileToo, with a message that mutt has added.
func TestAnArchiveOfOursIsAForeignFileToo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "INBOX.mbox")
	disk, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	f, _, err := mbox.Open(disk, 0)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"Status: O\r\n\r\nFrom a\r\n>From b\r\n", "bare\nLF", "last\r\n"}
	for i, octets := range want {
		m := &mail.Message{Origin: mail.Origin{UIDValidity: 1, UID: mail.UID(i + 1)}, Flags: mail.NewFlags(mail.Seen, "Work"), Body: mail.BytesBody(octets)}
		if _, err := f.Append(m); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data = append(data, fromLine+"Subject: theirs\nStatus: R\n\ntext\n\n"...)
	path = settledFile(t, data)
	kind, lines, r := read(t, path, foreign.Options{})
	if kind != "mailferry" || len(lines) != 4 || !strings.Contains(lines[0], `\Seen Work`) || !strings.HasPrefix(lines[3], `theirs | \Seen | `) {
		t.Errorf("%s %q %+v", kind, lines, r)
	}
	for i, octets := range bodies(t, path, foreign.Options{})[:3] {
		if octets != want[i] {
			t.Errorf("%q, want %q", octets, want[i])
		}
	}
	flipped := bytes.Replace(data, []byte("bare"), []byte("bore"), 1)
	if _, lines, r := read(t, settledFile(t, flipped), foreign.Options{}); len(lines) != 3 || len(r.Damaged) != 1 {
		t.Errorf("a damaged message: %q %+v", lines, r)
	}
}

// TestAMessageOfOursThatMuttHasEdited is mutt's message, and not a damaged one of ours.
func TestAMessageOfOursThatMuttHasEdited(t *testing.T) {
	path := filepath.Join(t.TempDir(), "INBOX.mbox")
	disk, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	f, _, err := mbox.Open(disk, 0)
	if err != nil {
		t.Fatal(err)
	}
	m := &mail.Message{Origin: mail.Origin{UIDValidity: 1, UID: 1}, Body: mail.BytesBody("Subject: ours\r\n\r\nas it was\r\n")}
	if _, err := f.Append(m); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var kept []string // mutt takes the status out of the front and puts its own behind the header
	for line := range strings.Lines(string(data)) {
		if !strings.HasPrefix(line, "Status:") && !strings.HasPrefix(line, "X-Status:") {
			kept = append(kept, line)
		}
	}
	edited := strings.Replace(strings.Join(kept, ""), "Subject: ours\n\nas it was\n", "Subject: ours\nStatus: RO\nContent-Length: 9\nLines: 1\n\nas it is\n", 1)
	got := bodies(t, settledFile(t, []byte(edited)), foreign.Options{})
	if len(got) != 1 || !strings.HasSuffix(got[0], "\r\n\r\nas it is\r\n") || !strings.Contains(got[0], "Subject: ours\r\n") {
		t.Errorf("%q is read as %q", edited, got)
	}
	_, lines, r := read(t, settledFile(t, []byte(edited)), foreign.Options{})
	if len(lines) != 1 || len(r.Damaged) != 0 || !strings.Contains(lines[0], `\Seen`) {
		t.Errorf("%q %+v", lines, r)
	}
}

func TestWhatIsNoMboxIsRefusedWithWhatWasFound(t *testing.T) {
	for name, c := range map[string]struct{ data, want string }{
		"message":  {"Received: from a\nSubject: b\n\ntext\n", `a single message: its first line is "Received: from a"`},
		"eml":      {"From: ann@example.org\r\n\r\n", `a single message: its first line is "From: ann@example.org"`},
		"text":     {"Dear Sir or Madam,\n", `text whose first line is no From_ line: "Dear Sir or Madam,"`},
		"letter":   {"From here on\nit is text\n", `text whose first line only begins like a From_ line: "From here on"`},
		"sqlite":   {"SQLite format 3\x00", "an SQLite database"},
		"zip":      {"PK\x03\x04takeout", "a zip archive"},
		"outlook":  {"!BDN\x00\x00", "an Outlook data file"},
		"msf":      {"// <!-- <mdb:mork:z v=\"1.4\"/> -->\n", "an index of Thunderbird"},
		"binary":   {"\x00\x01\x02\x03", "a file of type application/octet-stream"},
		"html":     {"<html><body>", "a file of type text/html"},
		"escape":   {"\x1b[31mred\n", `\x1b`},
		"gzip":     {packed("Dear Sir,\n"), "compressed by gzip"},
		"gzip cut": {packed(string(sample(t, "mboxrd.mbox")))[:100], "gzip data is damaged or cut off"},
		"gzip bit": {strings.Replace(packed(fromLine), "\x1f\x8b\x08\x00", "\x1f\x8b\x08\xff", 1), "gzip data is damaged or cut off"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := foreign.Open(settledFile(t, []byte(c.data)), foreign.Options{Spool: t.TempDir()})
			if err == nil {
				m.Close()
				t.Fatal("it was taken")
			}
			e := new(mail.Error)
			if !errors.As(err, &e) || e.Kind != mail.KindRefused && e.Kind != mail.KindDamaged || e.Scope != mail.ScopeFolder || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q; %+v", err, c.want, e)
			}
			if strings.ContainsAny(err.Error(), "\x1b\x00\n") {
				t.Errorf("%q can steer a terminal", err)
			}
		})
	}
	for path, want := range map[string]mail.Kind{t.TempDir(): mail.KindRefused, filepath.Join(t.TempDir(), "none"): mail.KindNotFound} {
		if _, err := foreign.Open(path, foreign.Options{}); mail.ErrorOf(err).Kind != want {
			t.Errorf("%v", err)
		}
	}
}

func packed(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, text); err != nil {
		panic(err)
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.String()
}

// TestAFileToWhichMailIsDelivered: what is not known to be complete is left for the next time.
func TestAFileToWhichMailIsDelivered(t *testing.T) {
	whole := fromLine + "Subject: one\n\ntext\n\n" + fromLine + "Subject: two\n\ntext\n\n"
	for name, c := range map[string]struct {
		text, more string // there at first, and delivered while we read
		old, lock  bool
		messages   int
	}{
		"complete, at rest":            {text: whole, old: true, messages: 2},
		"complete, just now":           {text: whole, messages: 2},
		"no final line end, at rest":   {text: whole[:len(whole)-3], old: true, messages: 2},
		"no final line end, just now":  {text: whole[:len(whole)-3], messages: 1},
		"no final line end, locked":    {text: whole[:len(whole)-3], old: true, lock: true, messages: 1},
		"complete, locked":             {text: whole, old: true, lock: true, messages: 2},
		"another message comes":        {text: whole, more: fromLine + "Subject: three\n", old: true, messages: 2},
		"the rest of the last one":     {text: whole[:len(whole)-4], more: whole[len(whole)-4:], old: true, messages: 1},
		"an empty line in the last":    {text: whole, more: "more text\n\n", old: true, messages: 1},
		"its empty line and one more":  {text: whole[:len(whole)-1], more: "\n" + fromLine, old: true, messages: 2},
		"a length that is not reached": {text: fromLine + "a: b\n\n" + fromLine + "Content-Length: 100\n\ntext\n\n", messages: 1},
	} {
		t.Run(name, func(t *testing.T) {
			path := settledFile(t, []byte(c.text))
			if !c.old {
				now := time.Now()
				if err := os.Chtimes(path, now, now); err != nil {
					t.Fatal(err)
				}
			}
			if c.lock {
				if err := os.WriteFile(path+".lock", nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			m, err := foreign.Open(path, foreign.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			deliver(t, path, c.more)
			n := 0
			r, err := m.Scan(context.Background(), func(msg *foreign.Message) error {
				octetsOf(t, m, msg)
				n++
				return nil
			})
			if err != nil || n != c.messages || r.Messages != n || r.Messages+r.Torn != 2 {
				t.Errorf("%d messages, %+v, %v", n, r, err)
			}
		})
	}
}

func deliver(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestAFileThatBecomesShorter(t *testing.T) {
	path := settledFile(t, []byte(strings.Repeat(fromLine+"Subject: one\n\ntext\n\n", 10000)))
	m, err := foreign.Open(path, foreign.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := os.Truncate(path, 1000); err != nil {
		t.Fatal(err)
	}
	if r, err := m.Scan(context.Background(), func(*foreign.Message) error { return nil }); err == nil {
		t.Errorf("taken for the whole file: %+v", r)
	}
}

func TestScanStops(t *testing.T) {
	m, err := foreign.Open(settledFile(t, sample(t, "mboxo.mbox")), foreign.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	mine := errors.New("enough")
	if _, err := m.Scan(context.Background(), func(*foreign.Message) error { return mine }); err != mine {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := m.Scan(ctx, func(*foreign.Message) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// TestPythonReadsTheSame where Python's simpler rule for From_ lines finds the same messages.
func TestPythonReadsTheSame(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	script := `
import mailbox, sys
for m in mailbox.mbox(sys.argv[1], create=False):
    flags = m.get_flags()
    names = [n for c, n in (("A", "\\Answered"), ("D", "\\Deleted"), ("T", "\\Draft"), ("F", "\\Flagged"), ("R", "\\Seen")) if c in flags]
    print(m["Subject"], "|", " ".join(sorted(names)))`
	for _, name := range []string{"badlength.mbox", "crlf.mbox", "dovecot.mbox", "mboxcl.mbox", "mboxrd.mbox", "mutt.mbox", "nofinal.mbox", "oddfrom.mbox", "pine.mbox"} {
		path := settledFile(t, sample(t, name))
		text, err := exec.Command(python, "-c", script, path).Output()
		if err != nil {
			t.Fatal(err)
		}
		var theirs, ours []string
		for line := range strings.Lines(string(text)) {
			if !strings.Contains(line, "FOLDER INTERNAL DATA") {
				theirs = append(theirs, strings.TrimSpace(line))
			}
		}
		m, err := foreign.Open(path, foreign.Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = m.Scan(context.Background(), func(msg *foreign.Message) error {
			subject, _, _ := strings.Cut(shown(t, m, msg), " | ")
			ours = append(ours, strings.TrimSpace(fmt.Sprintf("%s | %s", subject, msg.Flags.Filter(mail.IsSystem))))
			return nil
		})
		if err := errors.Join(err, m.Close()); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(theirs) != fmt.Sprint(ours) {
			t.Errorf("%s: Python reads\n%q\nwe read\n%q", name, theirs, ours)
		}
	}
}

func FuzzForeign(f *testing.F) {
	entries, err := os.ReadDir(filepath.Join("..", "testdata"))
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range entries {
		if !e.IsDir() {
			f.Add(sample(f, e.Name()))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := foreign.Open(settledFile(t, data), foreign.Options{Spool: t.TempDir()})
		if err != nil {
			return
		}
		defer m.Close()
		at := int64(-1)
		_, err = m.Scan(context.Background(), func(msg *foreign.Message) error {
			if msg.At <= at {
				t.Fatalf("a message at %d behind one at %d", msg.At, at)
			}
			at = msg.At
			octets := octetsOf(t, m, msg)
			again, err := m.At(context.Background(), at)
			if err != nil || again.Sum != msg.Sum || !bytes.Equal(octets, octetsOf(t, m, again)) {
				t.Fatalf("at %d is another message: %v", at, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
