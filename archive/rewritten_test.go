package archive_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mailferry/archive"
	"mailferry/transfer/mail"
)

// oddLetter has in its own header what programs add to one.
const oddLetter = "From: a@example.org\r\nX-UID: 99\r\nSubject: odd\r\nX-Keywords: mine\r\n\r\nText\r\n\r\nFrom here on\r\n"

// asMuttSaves writes the header of a message again as mutt 2.2 does when its flags were changed.
func asMuttSaves(message string) string {
	head, body, _ := strings.Cut(message, "\n\n")
	var lines []string
	for _, line := range strings.Split(head, "\n") {
		switch name, _, _ := strings.Cut(line, ":"); name {
		case "Status", "X-Status", "Content-Length", "Lines":
		default:
			lines = append(lines, line)
		}
	}
	lines = append(lines, "Status: RO", "X-Status: F", "Content-Length: 9", "Lines: 2")
	return strings.Join(lines, "\n") + "\n\n" + body
}

// asDovecotSaves moves all that the block tells of flags to the end of the header.
func asDovecotSaves(message string) string {
	head, body, _ := strings.Cut(message, "\n\n")
	lines := strings.Split(head, "\n")
	kept := slices.Concat(lines[:1], lines[5:])
	return strings.Join(append(kept, "X-UID: 4711", "Status: RO", "X-Status: F", "X-Keywords: Work      "), "\n") + "\n\n" + body
}

// TestWhatOtherProgramsDoToAnMbox: flags are theirs to change; a message whose header they wrote again is still ours,
// what they deleted is missing, and what they changed is said to be theirs.
func TestWhatOtherProgramsDoToAnMbox(t *testing.T) {
	each := func(do func(string) string) func([]string) []string {
		return func(list []string) (out []string) {
			for _, m := range list {
				out = append(out, do(m))
			}
			return out
		}
	}
	for _, c := range []struct {
		name  string
		do    func(messages []string) []string
		kinds []string
	}{
		{"flags in place", each(func(m string) string { return strings.Replace(m, "Status: O ", "Status: RO", 1) }), nil},
		{"mutt saves", each(asMuttSaves), nil},
		{"Dovecot saves", each(asDovecotSaves), nil},
		{"mutt saves, twice", each(func(m string) string { return asMuttSaves(asMuttSaves(m)) }), nil},
		{"fields of Thunderbird", each(func(m string) string {
			return strings.Replace(m, "\nStatus:", "\nX-Mozilla-Status: 0001\nX-Mozilla-Status2: 00000000\nStatus:", 1)
		}), nil},
		{"X-IMAPbase in the first", func(m []string) []string {
			return append([]string{strings.Replace(asDovecotSaves(m[0]), "\nX-UID: 4711", "\nX-IMAPbase: 1 9\nX-UID: 4711", 1)}, m[1:]...)
		}, nil},
		{"mutt deletes", func(m []string) []string { return append(m[:1:1], m[2:]...) }, []string{"missing"}},
		{"mutt sorts", func(m []string) []string { return []string{m[2], m[0], m[1]} }, nil},
		{"mutt saves an edited one", func(m []string) []string {
			return []string{m[0], strings.Replace(asMuttSaves(m[1]), "This is", "This was", 1), m[2]}
		}, []string{"rewritten"}},
		{"mutt saves one that became longer", func(m []string) []string {
			return []string{m[0], strings.Replace(asMuttSaves(m[1]), "This is", "This really was and is", 1), m[2]}
		}, []string{"rewritten"}},
		{"an editor makes one longer", func(m []string) []string {
			return []string{m[0], strings.Replace(m[1], "This is", "This really was and is", 1), m[2]}
		}, []string{"changed"}},
		{"an editor makes one shorter", func(m []string) []string {
			return []string{m[0], strings.Replace(m[1], "This is", "This", 1), m[2]}
		}, []string{"cut"}},
		{"a flipped bit", func(m []string) []string {
			return []string{m[0], strings.Replace(m[1], "This is", "Thys is", 1), m[2]}
		}, []string{"changed"}},
		{"two messages swap what is behind their blocks", func(m []string) []string {
			const own = " crlf\n"
			first, mine, _ := strings.Cut(m[0], own)
			second, other, _ := strings.Cut(m[1], own)
			return []string{first + own + other, second + own + mine, m[2]}
		}, []string{"swapped", "swapped"}},
		{"mail is delivered to it", func(m []string) []string {
			return append(m, "From a@b Thu Jan  2 15:04:05 2025\nSubject: new\n\nnew\n\n")
		}, []string{"added"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, want := threeInMbox(t)
			changeMbox(t, dir, c.do)
			a := open(t, dir, archive.Options{})
			if got := damages(t, a); !slices.Equal(got, c.kinds) {
				t.Errorf("verify tells %q, want %q", got, c.kinds)
			}
			r, err := a.OpenReader(t.Context(), inbox)
			ok(t, err)
			defer closed(t, r)
			got := fetch(t, r)
			if lost := 3 - len(got); lost != 0 && (len(c.kinds) != lost || c.kinds[0] == "added") {
				t.Errorf("%d messages are not delivered", lost)
			}
			for uid, text := range got {
				if text != want[uid-1] {
					t.Errorf("UID %d comes as %q, want %q", uid, text, want[uid-1])
				}
			}
			closed(t, a)
			expectGoesOn(t, dir)
		})
	}
}

func threeInMbox(t *testing.T) (dir string, want []string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "a")
	a := create(t, dir, archive.Options{Format: archive.MBox})
	want = []string{string(letter(1)), string(letter(2)), oddLetter}
	run(t, a, true, func() {
		for i, raw := range want {
			put(t, a, inbox, message(i+1, []byte(raw), "Work"))
		}
	})
	closed(t, a)
	return dir, want
}

func changeMbox(t *testing.T, dir string, do func([]string) []string) {
	t.Helper()
	text, err := os.ReadFile(dir + "/INBOX.mbox")
	ok(t, err)
	var messages []string
	for i, part := range bytes.Split(text, []byte("\nFrom ")) {
		if i > 0 {
			part = append([]byte("From "), part...)
		}
		messages = append(messages, string(part)+"\n")
	}
	last := len(messages) - 1
	messages[last] = strings.TrimSuffix(messages[last], "\n")
	ok(t, os.WriteFile(dir+"/INBOX.mbox", []byte(strings.Join(do(messages), "")), 0o600))
}

// expectGoesOn: the next run sets flags and adds a message, as if nothing had been.
func expectGoesOn(t *testing.T, dir string) {
	t.Helper()
	a := open(t, dir, archive.Options{Write: true})
	run(t, a, true, func() {
		setFlags(t, a, inbox, mail.FlagChange{UID: 1, Add: mail.NewFlags(mail.Answered)})
		putLetters(t, a, inbox, 9, 9)
	})
	r, err := a.OpenReader(t.Context(), inbox)
	ok(t, err)
	defer closed(t, r)
	if got := fetch(t, r); got[1] != "" && got[1] != string(letter(1)) || got[4] != string(letter(9)) {
		t.Errorf("after the next run: %v", got)
	}
}

// TestMuttSavesTheArchive drives a real mutt: one message is flagged, another deleted.
func TestMuttSavesTheArchive(t *testing.T) {
	_, err := exec.LookPath("mutt")
	python, perr := exec.LookPath("python3")
	if err != nil || perr != nil {
		t.Skip("no mutt, or no python3 to press its keys")
	}
	dir, _ := threeInMbox(t)
	const keys = `
import fcntl, os, pty, select, struct, sys, termios, time
pid, fd = pty.fork()
if pid == 0:
    os.execvp("mutt", ["mutt", "-n", "-F", sys.argv[2], "-f", sys.argv[1]])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
def quiet():
    while select.select([fd], [], [], 0.5)[0]:
        if not os.read(fd, 65536): return
try:
    quiet()
    for key in "Fjd$q":
        os.write(fd, key.encode())
        quiet()
    os.kill(pid, 9)
except OSError:
    pass
os.waitpid(pid, 0)
`
	home := t.TempDir()
	ok(t, os.WriteFile(home+"/rc", []byte("set folder="+home+"\nset move=no delete=yes mark_old=no\n"), 0o600))
	cmd := exec.Command(python, "-c", keys, dir+"/INBOX.mbox", home+"/rc")
	cmd.Env = append(os.Environ(), "HOME="+home, "TERM=xterm")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(dir + "/INBOX.mbox")
	if ok(t, err); !bytes.Contains(text, []byte("\nX-Status: F\n")) {
		t.Fatalf("mutt has not saved:\n%s", text)
	}
	if got := damages(t, open(t, dir, archive.Options{})); !slices.Equal(got, []string{"missing"}) {
		t.Errorf("verify tells %q of what mutt did", got)
	}
	expectGoesOn(t, dir)
}
