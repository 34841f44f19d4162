package archive_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mailferry/archive"
	"mailferry/transfer/mail"
	"mailferry/transfer/mail/mailtest"
)

func nasty() map[string]string {
	head := "Subject: x\r\n"
	return map[string]string{
		"bare lf": head + "\r\na\nb\r\n", "bare cr": head + "\r\na\rb\r\n", "cr cr lf": head + "\r\na\r\r\nb\r\n",
		"no final newline": head + "\r\na", "several final newlines": head + "\r\na\r\n\r\n\r\n\r\n", "nul": head + "\r\na\x00b\r\n",
		"8-bit": head + "\r\n\xff\xfe\x80\r\n", "1 MB line": head + "\r\n" + strings.Repeat("x", 1<<20) + "\r\n",
		"no header": "\r\nbody\r\n", "no body": head, "nothing": "", "all lf": "Subject: x\n\nbody\n",
		"own Status":         "Status: RO\r\nX-UID: 3\r\nContent-Length: 9\r\n" + head + "\r\nx\r\n",
		"From lines":         head + "\r\nFrom a\r\n>From b\r\n>>From c\r\n",
		"starts with From":   "From me Mon Jan  1 00:00:00 2020\r\n" + head + "\r\nx\r\n",
		"large":              head + "\r\n" + strings.Repeat("0123456789\r\n", 200_000),
		"large and not text": head + "\r\n" + strings.Repeat("0123456789\n", 200_000) + "\r",
	}
}

// TestEveryOctetComesBackFromTheDisk stores, closes, opens again and compares.
func TestEveryOctetComesBackFromTheDisk(t *testing.T) {
	forBoth(t, func(t *testing.T, format archive.Format) {
		dir := filepath.Join(t.TempDir(), "a")
		a := create(t, dir, archive.Options{Format: format})
		want := make(map[mail.UID]string)
		var order []string
		for name, raw := range nasty() {
			want[put(t, a, inbox, message(len(want)+1, []byte(raw)))[0]] = raw
			order = append(order, name)
		}
		closed(t, a)
		a = open(t, dir, archive.Options{})
		r, err := a.OpenReader(t.Context(), inbox)
		ok(t, err)
		defer closed(t, r)
		var all mail.UIDSet
		all.AddRange(1, 1000)
		n := 0
		ok(t, r.Fetch(t.Context(), all, func(info mail.Info, body io.Reader) error {
			n++
			got, err := io.ReadAll(body)
			if string(got) != want[info.UID] {
				t.Errorf("%s: %d octets came back of %d", order[info.UID-1], len(got), len(want[info.UID]))
			}
			return err
		}))
		if n != len(want) {
			t.Errorf("%d messages came back of %d", n, len(want))
		}
		expectSound(t, a)
	})
}

func TestAnyOctetsComeBack(t *testing.T) {
	forBoth(t, func(t *testing.T, format archive.Format) {
		a := create(t, filepath.Join(t.TempDir(), "a"), archive.Options{Format: format})
		n := 0
		rapid.Check(t, func(rt *rapid.T) {
			parts := rapid.SliceOf(rapid.SampledFrom([]string{"\r\n", "\n", "\r", "From ", ">", "x", "\x00", "\xe9", "Status: R", ": "})).Draw(rt, "parts")
			raw := []byte(strings.Join(parts, ""))
			n++
			uid := put(t, a, inbox, message(n, raw))[0]
			r, err := a.OpenReader(t.Context(), inbox)
			ok(t, err)
			defer closed(t, r)
			came := false
			ok(t, r.Fetch(t.Context(), mail.NewUIDSet(uid), func(info mail.Info, body io.Reader) error {
				got, err := io.ReadAll(body)
				came = bytes.Equal(got, raw) && info.Size == int64(len(raw))
				return err
			}))
			if !came {
				rt.Fatalf("%q did not come back", raw)
			}
		})
		expectSound(t, a)
	})
}

// TestFilesAreWhatTheREADMESays: names, dates and permissions as other programs want them.
func TestFilesAreWhatTheREADMESays(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a")
	a := create(t, dir, archive.Options{})
	put(t, a, inbox, message(1, letter(1), mail.Seen, "Work"), message(2, []byte("exact\nly\r\n")))
	put(t, a, mail.ParsePath("Archive/Grüße"), message(3, letter(3)))
	ok(t, a.SetSubscribed(t.Context(), mail.ParsePath("Archive/Grüße"), true))
	ok(t, a.SetSubscribed(t.Context(), inbox, true))
	closed(t, a)
	list := files(t, dir)
	if len(list) != 2 {
		t.Fatalf("cur/ holds %q", list)
	}
	for i, want := range []struct{ part, suffix string }{{"V7U1F", ":2,Sa"}, {"V7U2F", ":2,"}} {
		if name := filepath.Base(list[i]); !strings.Contains(name, want.part) || !strings.HasSuffix(name, want.suffix) {
			t.Errorf("file %d is called %s", i+1, name)
		}
		if info, err := os.Stat(list[i]); err != nil || !info.ModTime().Equal(letterDate(i+1)) || info.Mode() != 0o600 {
			t.Errorf("file %d: %v %v", i+1, info.ModTime(), info.Mode())
		}
	}
	if !strings.Contains(list[1], "E.") || strings.Contains(list[0], "E.") {
		t.Errorf("an E belongs into the second name only: %q", list)
	}
	text, err := os.ReadFile(list[0])
	if ok(t, err); bytes.ContainsRune(text, '\r') || !bytes.Equal(mailtest.CRLF(string(text)), letter(1)) {
		t.Errorf("the first file holds %q", text)
	}
	for name, want := range map[string]string{
		"subscriptions": "Archive.Gr&APwA3w-e\nINBOX\n", "dovecot-keywords": "0 Work\n", ".Archive.Gr&APwA3w-e/maildirfolder": "",
	} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s holds %q, %v; want %q", name, got, err, want)
		}
	}
	for _, sub := range []string{"", ".mailferry", "cur", ".Archive.Gr&APwA3w-e/tmp"} {
		if info, err := os.Stat(filepath.Join(dir, sub)); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%q: %v", sub, err)
		}
	}
}
