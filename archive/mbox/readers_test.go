package mbox_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gombox "github.com/emersion/go-mbox"

	"mailferry/transfer/mail"
)

// shown is a message as a mail program shows it.
type shown struct {
	UID      int
	Flags    string // letters of R, A, F, D
	Keywords string
}

// difficult writes every difficult message, with all combinations of flags, and
// returns the file and what mail programs have to show.
func difficult(t *testing.T) (path string, want []shown) {
	path = filepath.Join(t.TempDir(), "Difficult.mbox")
	disk, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	f, _ := open(t, disk, 0)
	defer f.Close()
	letters := []struct{ letter, flag string }{{"R", mail.Seen}, {"A", mail.Answered}, {"F", mail.Flagged}, {"D", mail.Deleted}}
	for i, name := range slices.Sorted(maps.Keys(cases())) {
		w := shown{UID: i + 1}
		flags := []string{"Work", "$Forwarded"}[:i%3%2+i%2]
		w.Keywords = mail.NewFlags(flags...).String()
		for k, l := range letters {
			// mutt adds up all Status headers, also the message's own.
			if i>>k&1 == 1 || name == "own status" && k < 3 || name == "own block" && k == 0 {
				flags = append(flags, l.flag)
				w.Flags += l.letter
			}
		}
		want = append(want, w)
		appendAll(t, f, message(mail.UID(w.UID), cases()[name], flags...))
	}
	// A status that was overwritten is shown like one that was written.
	last := appendAll(t, f, message(mail.UID(len(want)+1), "Subject: last\r\n\r\nbody\r\n", mail.Answered))[0]
	if _, err := f.SetStatus(last.Place, mail.NewFlags(mail.Seen, mail.Flagged, "Later")); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	return path, append(want, shown{UID: len(want) + 1, Flags: "RF", Keywords: "Later"})
}

func TestPythonShowsTheSame(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	path, want := difficult(t)
	script := `
import json, mailbox, sys
out = []
for m in mailbox.mbox(sys.argv[1], create=False):
    flags = m.get_flags()
    out.append({"UID": int(m["X-UID"]), "Flags": "".join(c for c in "RAFD" if c in flags), "Keywords": m["X-Keywords"].strip()})
print(json.dumps(out))`
	text, err := exec.Command(python, "-c", script, path).Output()
	if err != nil {
		t.Fatal(err)
	}
	var got []shown
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("Python shows\n%v\nwant\n%v", got, want)
	}
}

// TestGoMboxReadsTheSame: its reader is not byte-exact, but finds the same messages.
func TestGoMboxReadsTheSame(t *testing.T) {
	t.Parallel()
	path, want := difficult(t)
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r := gombox.NewReader(file)
	var uids []int
	for {
		m, err := r.NextMessage()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(m)
		if err != nil {
			t.Fatal(err)
		}
		uids = append(uids, uidsIn(string(text))...)
	}
	if len(uids) != len(want) {
		t.Fatalf("%d messages, want %d: %v", len(uids), len(want), uids)
	}
	for i, w := range want {
		if uids[i] != w.UID {
			t.Errorf("message %d has UID %d, want %d", i, uids[i], w.UID)
		}
	}
}

// uidsIn finds our lines in the text of messages.
func uidsIn(text string) (uids []int) {
	for line := range strings.Lines(text) {
		var uid int
		if n, _ := fmt.Sscanf(line, "X-Mailferry: 77 %d ", &uid); n == 1 {
			uids = append(uids, uid)
		}
	}
	return uids
}

// TestMuttShowsTheSame lets mutt tag the messages of each status and pipe them into files.
func TestMuttShowsTheSame(t *testing.T) {
	t.Parallel()
	path, want := difficult(t)
	all := muttShows(t, path, "~A")
	if len(all) != len(want) {
		t.Fatalf("mutt shows %d messages, want %d: %v", len(all), len(want), all)
	}
	for letter, pattern := range map[string]string{"R": "~R", "A": "~Q", "F": "~F", "D": "~D"} {
		var uids []int
		for _, w := range want {
			if strings.Contains(w.Flags, letter) {
				uids = append(uids, w.UID)
			}
		}
		if got := muttShows(t, path, pattern); !slices.Equal(got, uids) {
			t.Errorf("%s: mutt shows %v, want %v", pattern, got, uids)
		}
	}
}

// muttShows returns the UIDs of the messages that match a pattern, in mutt's order.
func muttShows(t *testing.T, path, pattern string) []int {
	mutt, err := exec.LookPath("mutt")
	if err != nil {
		t.Skip("no mutt")
	}
	terminal, err := exec.LookPath("script")
	if err != nil {
		t.Skip("no script(1), which mutt needs for a terminal")
	}
	dir := t.TempDir()
	out, rc := filepath.Join(dir, "out"), filepath.Join(dir, "rc")
	config := fmt.Sprintf(`set wait_key=no pipe_decode=no pipe_split=no sort=mailbox-order quit=yes
set folder=%[1]q tmpdir=%[1]q read_inc=0 write_inc=0 move=no
push "<tag-pattern>%[2]s<enter><tag-prefix-cond><pipe-message>cat > %[3]s<enter><end-cond><exit>"
`, dir, pattern, out)
	if err := os.WriteFile(rc, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, terminal, "-qec", fmt.Sprintf("%s -n -R -F %s -f %s", mutt, rc, path), "/dev/null")
	cmd.Env = append(os.Environ(), "TERM=xterm", "HOME="+dir, "LC_ALL=C")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("mutt: %v\n%.2000q", err, text)
	}
	text, err := os.ReadFile(out)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return uidsIn(string(text))
}
