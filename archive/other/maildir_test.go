package other_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mailferry/archive/other"
	"mailferry/transfer/mail"
)

// tree writes files below a new directory; a name that ends in "/" is a directory, a
// text that begins with "-> " makes a link.
func tree(t testing.TB, files map[string]string) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "mail")
	for name, text := range files {
		at := filepath.Join(root, name)
		dir := filepath.Dir(at)
		if strings.HasSuffix(name, "/") {
			dir = at
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "/") {
			continue
		}
		if to, link := strings.CutPrefix(text, "-> "); link {
			if err := os.Symlink(to, at); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		old := time.Date(2023, 4, 5, 6, 7, 8, 0, time.UTC)
		if err := os.Chtimes(at, old, old); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func open(t testing.TB, path string, kind other.Kind) *other.Source {
	t.Helper()
	s, err := other.Open(t.Context(), path, other.Options{Kind: kind, Spool: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// contents shows every message of every folder in a line: folder, UID, flags and octets.
func contents(t testing.TB, s mail.Source) string {
	t.Helper()
	folders, err := s.Folders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range folders {
		r, err := s.OpenReader(t.Context(), f.Path)
		if err != nil {
			t.Fatal(err)
		}
		if f.Status == nil || f.Status.Messages != r.Status().Messages || f.Status.UIDValidity != 0 {
			t.Errorf("%q: listed with %+v, opened with %+v", f.Path, f.Status, r.Status())
		}
		for _, line := range messages(t, r) {
			fmt.Fprintf(&b, "%s %s\n", f.Path, line)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	return b.String()
}

// messages lists and fetches, and checks that both agree.
func messages(t testing.TB, r mail.Reader) (lines []string) {
	t.Helper()
	listed := make(map[mail.UID]mail.Info)
	var all mail.UIDSet
	err := r.List(t.Context(), mail.ListOptions{Flags: true, Size: true, Date: true, Key: true}, func(i mail.Info) error {
		listed[i.UID] = i
		all.Add(i.UID)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	err = r.Fetch(t.Context(), all, func(i mail.Info, body io.Reader) error {
		octets, err := io.ReadAll(body)
		if err != nil {
			return err
		}
		l := listed[i.UID]
		if int64(len(octets)) != i.Size || l.Size != i.Size || !l.Flags.Equal(i.Flags) || !l.InternalDate.Equal(i.InternalDate) {
			t.Errorf("uid %d: %d octets, listed %+v, fetched %+v", i.UID, len(octets), l, i)
		}
		if l.Key != mail.KeyOf(octets) {
			t.Errorf("uid %d: listed with another key than its header has", i.UID)
		}
		lines = append(lines, fmt.Sprintf("%d (%s) %q", i.UID, i.Flags, octets))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func expect(t *testing.T, got, want string) {
	t.Helper()
	if want = strings.TrimLeft(want, "\n"); got != want {
		t.Errorf("read\n%swant\n%s", got, want)
	}
}

func TestMaildirs(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"Maildir++ with Dovecot's files": {map[string]string{
			"cur/1500000002.M20P1.host,S=3,W=4:2,FS": "b: 2\n",
			"cur/1500000002.M3P1.host,S=3,W=4:2,Sab": "a: 1\n\ntext\n",
			"new/1500000009.M1P1.host":               "c: 3\n",
			"tmp/1500000009.M1P1.host":               "not delivered yet",
			"dovecot-keywords":                       "0 work\n1 $Junk\n",
			"dovecot.index.log":                      "x", "dovecot-uidvalidity": "x", "maildirsize": "x", "cur/.hidden": "x", "cur/sub/": "",
			".Archive.2024/cur/1400000000.x.host:2,R": "d: 4\r\n\r\nmixed\n", ".Archive.2024/new/": "", ".Archive.2024/maildirfolder": "",
			".Entw&APw-rfe/cur/": "", ".Entw&APw-rfe/new/": "",
			".noise/": "",
		}, `
Archive/2024 1 (\Answered) "d: 4\r\n\r\nmixed\r\n"
INBOX 1 ($Junk \Seen work) "a: 1\r\n\r\ntext\r\n"
INBOX 2 (\Flagged \Seen) "b: 2\r\n"
INBOX 3 () "c: 3\r\n"
`},
		"odd parts for flags": {map[string]string{
			"new/": "", "cur/1.a;2,S": "1\n", "cur/2.b!2,F": "2\n", "cur/3.c": "3\n", "cur/4.d:2,PSXq": "4\n", "cur/5.e:1,S": "5\n", "cur/6.f:2,S,more": "6\n",
		}, `
INBOX 1 (\Seen) "1\r\n"
INBOX 2 (\Flagged) "2\r\n"
INBOX 3 () "3\r\n"
INBOX 4 ($Forwarded \Seen) "4\r\n"
INBOX 5 () "5\r\n"
INBOX 6 (\Seen) "6\r\n"
`},
		"a tree of directories": {map[string]string{
			"Inbox/cur/1.a:2,S": "1\n", "Inbox/new/": "", "Work/cur/": "", "Work/new/": "", "Work/Old.stuff/cur/2.b:2,": "2\n", "Work/Old.stuff/tmp/": "",
			"Only/Below/cur/3.c:2,": "3\n", "Only/Below/new/": "", "Ärger/cur/4.d:2,": "4\n", "Ärger/new/": "", ".mbsyncstate": "x", ".git/cur/": "", ".git/new/": "",
		}, `
INBOX 1 (\Seen) "1\r\n"
Only/Below 1 () "3\r\n"
Work/Old.stuff 1 () "2\r\n"
Ärger 1 () "4\r\n"
`},
		"Maildirs below Maildirs (mbsync: Legacy), and links": {map[string]string{
			"INBOX/cur/1.a:2,S": "1\n", "INBOX/new/": "", "INBOX/.Sub/cur/2.b:2,": "2\n", "INBOX/.Sub/new/": "",
			"INBOX/.Sub/.More/cur/3.c:2,": "3\n", "INBOX/.Sub/.More/new/": "", ".Drafts/cur/4.d:2,D": "4\n", ".Drafts/new/": "", ".git/objects/": "",
			"INBOX/.Sub/up": "-> ..", "INBOX/cur/5.e:2,F": "-> ../../kept", "kept": "5\n", "INBOX/cur/6.f:2,": "-> nowhere",
		}, `
Drafts 1 (\Draft) "4\r\n"
INBOX 1 (\Seen) "1\r\n"
INBOX 2 (\Flagged) "5\r\n"
INBOX/Sub 1 () "2\r\n"
INBOX/Sub/More 1 () "3\r\n"
`},
		"one base name twice": {map[string]string{"cur/1.a:2,S": "1\n", "cur/1.a:2,F": "another\n", "new/": ""}, `
INBOX 1 (\Flagged) "another\r\n"
INBOX 2 (\Seen) "1\r\n"
`},
		"Courier's keywords": {map[string]string{
			"cur/1.a:2,S": "1\n", "cur/2.b:2,": "2\n", "new/3.c": "3\n", "tmp/": "",
			"courierimapkeywords/:list": "work\nhome\n\n1.a:0 1\n2.b:1\n3.c:7\n", "courierimapkeywords/.1700000000.2.b": "changed\n",
			"courierimapsubscribed": "INBOX.Sent\n",
		}, `
INBOX 1 (\Seen home work) "1\r\n"
INBOX 2 (changed) "2\r\n"
INBOX 3 () "3\r\n"
`},
		"the order of dovecot-uidlist": {map[string]string{
			"cur/9.a:2,": "9\n", "cur/1.b:2,": "1\n", "cur/5.c:2,": "5\n", "new/2.d": "2\n",
			"dovecot-uidlist": "3 V1700000000 N12 G0123\n7 W5 :9.a\n11 :1.b:2,S\n",
		}, `
INBOX 1 () "9\r\n"
INBOX 2 () "1\r\n"
INBOX 3 () "2\r\n"
INBOX 4 () "5\r\n"
`},
	} {
		t.Run(name, func(t *testing.T) {
			root := tree(t, c.files)
			expect(t, contents(t, open(t, root, other.Maildir)), c.want)
			expect(t, contents(t, open(t, root, other.Any)), c.want)
		})
	}
}

// TestPythonSeesTheSameMaildir compares with another program's view of the same files.
func TestPythonSeesTheSameMaildir(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	root := tree(t, map[string]string{
		"cur/1.a:2,S": "Subject: one\n\n1\n", "cur/2.b:2,FR": "Subject: two\n\n2\n", "new/3.c": "Subject: three\n\n3\n", "tmp/": "",
		".Sub/cur/4.d:2,DT": "Subject: four\n\n4\n", ".Sub/new/": "", ".Sub/tmp/": "",
	})
	script := `
import mailbox, sys
box = mailbox.Maildir(sys.argv[1], factory=None, create=False)
for name, folder in [("INBOX", box)] + [(n, box.get_folder(n)) for n in box.list_folders()]:
    for m in folder:
        print(name, m["Subject"], m.get_flags())
`
	out, err := exec.Command(python, "-c", script, root).Output()
	if err != nil {
		t.Fatal(err)
	}
	letters := map[string]string{mail.Seen: "S", mail.Flagged: "F", mail.Answered: "R", mail.Draft: "D", mail.Deleted: "T"}
	var lines []string
	s := open(t, root, other.Maildir)
	folders, _ := s.Folders(t.Context())
	for _, f := range folders {
		r, err := s.OpenReader(t.Context(), f.Path)
		if err != nil {
			t.Fatal(err)
		}
		var all mail.UIDSet
		all.AddRange(1, 10)
		err = r.Fetch(t.Context(), all, func(i mail.Info, body io.Reader) error {
			octets, err := io.ReadAll(body)
			subject, _, _ := strings.Cut(strings.TrimPrefix(string(octets), "Subject: "), "\r\n")
			flags := ""
			for _, l := range []string{mail.Draft, mail.Flagged, mail.Answered, mail.Seen, mail.Deleted} {
				if i.Flags.Has(l) {
					flags += letters[l]
				}
			}
			lines = append(lines, strings.TrimRight(fmt.Sprintf("%s %s %s", f.Path, subject, flags), " "))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	want := make(map[string]bool)
	for line := range strings.Lines(string(out)) {
		want[strings.TrimSpace(line)] = true
	}
	if len(want) != 4 || len(lines) != 4 {
		t.Fatalf("Python: %s\nhere: %q", out, lines)
	}
	for _, line := range lines {
		if !want[line] {
			t.Errorf("%q is not what Python sees:\n%s", line, out)
		}
	}
}

func fetchAll(t testing.TB, r mail.Reader) (lines []string) {
	t.Helper()
	var all mail.UIDSet
	all.AddRange(1, 100)
	err := r.Fetch(t.Context(), all, func(i mail.Info, body io.Reader) error {
		octets, err := io.ReadAll(body)
		lines = append(lines, fmt.Sprintf("%d (%s) %q", i.UID, i.Flags, octets))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func TestWhatIsNoMailIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		at    string
		kind  other.Kind
		says  string
	}{
		"nothing":                {nil, "", other.Any, "no such file"},
		"an empty directory":     {map[string]string{"a/": ""}, "a", other.Any, "there is no mail in this directory"},
		"a directory of photos":  {map[string]string{"a.jpg": "\xff\xd8\xff\xe0 JFIF"}, "", other.Any, "there is no mail"},
		"no Maildir":             {map[string]string{"a.mbox": "From x@y Thu Jan  2 15:04:05 2025\na: b\n\nc\n"}, "", other.Maildir, "there is no Maildir"},
		"a file as a Maildir":    {map[string]string{"a.mbox": "From x@y Thu Jan  2 15:04:05 2025\na: b\n\nc\n"}, "a.mbox", other.Maildir, "a file"},
		"a file of another kind": {map[string]string{"a.pdf": "%PDF-1.4\n"}, "a.pdf", other.MBox, "pdf"},
		"one name twice":         {map[string]string{".A.B/cur/": "", ".A.B/new/": "", "A/B/cur/": "", "A/B/new/": "", "cur/": "", "new/": ""}, "", other.Any, "are both folder"},
	} {
		t.Run(name, func(t *testing.T) {
			at := filepath.Join(tree(t, c.files), c.at)
			s, err := other.Open(t.Context(), at, other.Options{Kind: c.kind})
			if err == nil {
				t.Fatalf("opened as %v", s)
			}
			var known *mail.Error
			if !errors.As(err, &known) || known.Kind != mail.KindRefused && known.Kind != mail.KindNotFound || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v (%+v), want %q", err, known, c.says)
			}
		})
	}
}
