package archive_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mailferry/archive"
	"mailferry/transfer/mail"
	"mailferry/transfer/mail/mailtest"
)

const source = "imaps://me@old.example"

var inbox = mail.NewPath("INBOX")

func create(t *testing.T, dir string, opts archive.Options) *archive.Archive {
	t.Helper()
	a, err := archive.Create(t.Context(), dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

func open(t *testing.T, dir string, opts archive.Options) *archive.Archive {
	t.Helper()
	a, err := archive.Open(t.Context(), dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

func closed(t *testing.T, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func letter(n int) []byte {
	return mailtest.CRLF(fmt.Sprintf("From: a@example.org\nMessage-ID: <%d@example.org>\nSubject: letter %d\n\nThis is letter %d.\n", n, n, n))
}

func letterDate(n int) time.Time {
	return time.Date(2021, 3, 4, 5, n/60%60, n%60, 0, time.FixedZone("", 2*3600))
}

func message(n int, raw []byte, flags ...string) *mail.Message {
	return &mail.Message{Origin: mail.Origin{Source: source, Folder: inbox, UIDValidity: 7, UID: mail.UID(n)},
		Flags: mail.NewFlags(flags...), InternalDate: letterDate(n), Body: mail.BytesBody(raw)}
}

// put appends messages and returns their UIDs.
func put(t *testing.T, a *archive.Archive, path mail.Path, messages ...*mail.Message) (uids []mail.UID) {
	t.Helper()
	ok(t, a.Create(t.Context(), mail.Folder{Path: path}))
	w, err := a.OpenWriter(t.Context(), path)
	ok(t, err)
	defer closed(t, w)
	for _, m := range messages {
		ok(t, w.Append(t.Context(), m, func(uid mail.UID, err error) {
			ok(t, err)
			uids = append(uids, uid)
		}))
	}
	ok(t, w.Flush(t.Context()))
	return uids
}

func putLetters(t *testing.T, a *archive.Archive, path mail.Path, first, last int, flags ...string) {
	t.Helper()
	var list []*mail.Message
	for n := first; n <= last; n++ {
		list = append(list, message(n, letter(n), flags...))
	}
	put(t, a, path, list...)
}

func writer(t *testing.T, a *archive.Archive, path mail.Path, do func(w mail.Writer)) {
	t.Helper()
	w, err := a.OpenWriter(t.Context(), path)
	ok(t, err)
	defer closed(t, w)
	do(w)
}

// dump is what a store holds, without UIDs.
func dump(t *testing.T, s mail.Source) string {
	t.Helper()
	text, err := mailtest.DumpSource(context.Background(), s)
	ok(t, err)
	return text
}

// tree is every file below a directory with its content, mode and date.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var lines []string
	ok(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		line := fmt.Sprintf("%s %s %s", strings.TrimPrefix(path, dir), info.Mode(), info.ModTime())
		if info.Mode().IsRegular() {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			line += fmt.Sprintf(" %d %x", len(text), text)
		}
		lines = append(lines, line)
		return nil
	}))
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// files are the message files of a folder's directory, in the order of their UIDs.
func files(t *testing.T, dir string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, "cur", "*"))
	ok(t, err)
	slices.SortFunc(list, func(a, b string) int { return cmp.Or(cmp.Compare(uidIn(a), uidIn(b)), cmp.Compare(a, b)) })
	return list
}

// uidIn returns the UID in a file's name: the time before it may have one digit more than that of a message before.
func uidIn(name string) (uid int) {
	if _, after, found := strings.Cut(filepath.Base(name), "U"); found {
		for _, digit := range after {
			if digit < '0' || digit > '9' {
				break
			}
			uid = 10*uid + int(digit-'0')
		}
	}
	return uid
}

// damages are the lines that a Verify tells, sorted.
func damages(t *testing.T, a *archive.Archive) []string {
	t.Helper()
	var list []string
	_, err := a.Verify(context.Background(), func(d archive.Damage) error {
		list = append(list, string(d.Kind))
		return nil
	})
	ok(t, err)
	slices.Sort(list)
	return list
}

func expectSound(t *testing.T, a *archive.Archive) {
	t.Helper()
	checked, err := a.Verify(context.Background(), func(d archive.Damage) error {
		t.Errorf("verify: %s", d)
		return nil
	})
	if ok(t, err); checked.Damaged > 0 {
		t.Fatalf("verify found %d", checked.Damaged)
	}
}

// fetch returns everything that a reader delivers.
func fetch(t *testing.T, r mail.Reader) map[mail.UID]string {
	t.Helper()
	got := make(map[mail.UID]string)
	var all mail.UIDSet
	all.AddRange(1, 1<<32-1)
	ok(t, r.Fetch(t.Context(), all, func(info mail.Info, body io.Reader) error {
		text, err := io.ReadAll(body)
		if int64(len(text)) != info.Size {
			t.Errorf("UID %d: %d octets, stated %d", info.UID, len(text), info.Size)
		}
		got[info.UID] = string(text)
		return err
	}))
	return got
}

// forBoth runs a test for each format.
func forBoth(t *testing.T, do func(t *testing.T, format archive.Format)) {
	t.Helper()
	for _, format := range []archive.Format{archive.Maildir, archive.MBox} {
		t.Run(string(format), func(t *testing.T) { do(t, format) })
	}
}
