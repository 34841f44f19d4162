package archive_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mailferry/archive"
	"mailferry/transfer/mail"
)

// forOthers is an archive as other programs shall read it.
func forOthers(t *testing.T) (dir string) {
	dir = filepath.Join(t.TempDir(), "a")
	a := create(t, dir, archive.Options{})
	run(t, a, true, func() {
		for n := 1; n <= 30; n++ {
			put(t, a, inbox, message(n, letter(n), fmt.Sprintf("Key%02d", n)))
		}
		put(t, a, inbox, message(31, letter(31), mail.Seen, mail.Answered), message(32, letter(32), mail.Flagged, mail.Draft, mail.Deleted))
		put(t, a, mail.ParsePath("Archive/Grüße & mehr"), message(33, []byte("Subject: letter 33\r\n\r\nbare\nlf, letter 33")))
	})
	closed(t, a)
	return dir
}

// TestPythonReadsTheArchive compares messages and flags as Python's mailbox sees them. The archive's own
// directory looks like a folder to programs that read Maildir++, so it is an empty one.
func TestPythonReadsTheArchive(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	dir := forOthers(t)
	const program = `
import json, mailbox, sys
def folder(m):
    return sorted([m.get_message(k)["Subject"], m.get_message(k).get_flags(), int(m.get_message(k).get_date())] for k in m.keys())
box = mailbox.Maildir(sys.argv[1], factory=None, create=False)
print(json.dumps({"": folder(box), **{n: folder(box.get_folder(n)) for n in box.list_folders()}}))
`
	cmd := exec.Command(python, "-c", program, dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	ok(t, err)
	var got map[string][][]any
	ok(t, json.Unmarshal(out, &got))
	if len(got) != 3 || len(got["mailferry"]) != 0 || len(got[""]) != 32 || len(got["Archive.Gr&APwA3w-e &- mehr"]) != 1 {
		t.Fatalf("Python sees %v", got)
	}
	for _, m := range got[""] {
		var n int
		fmt.Sscanf(m[0].(string), "letter %d", &n)
		want := map[int]string{31: "RS", 32: "DFT"}[n]
		if n >= 1 && n <= 26 {
			want = string(rune('a' + n - 1))
		}
		if m[1] != want || int64(m[2].(float64)) != letterDate(n).Unix() {
			t.Errorf("Python sees letter %d with %q of %v, want %q of %d", n, m[1], m[2], want, letterDate(n).Unix())
		}
	}
}

// TestDovecotServesTheArchive reads a copy of the archive through doveadm: folders, order, flags, dates and octets.
func TestDovecotServesTheArchive(t *testing.T) {
	doveadm, err := exec.LookPath("doveadm")
	if err != nil {
		t.Skip("no doveadm")
	}
	dir := forOthers(t)
	d := startDoveadm(t, doveadm, dir)
	boxes := strings.Fields(strings.ReplaceAll(d.run(t, "mailbox", "list"), " ", "_"))
	slices.Sort(boxes)
	if want := []string{"Archive", "Archive.Grüße_&_mehr", "INBOX", "mailferry"}; !slices.Equal(boxes, want) {
		t.Errorf("Dovecot lists %q, want %q", boxes, want)
	}
	got := strings.Split(strings.TrimSpace(d.run(t, "-f", "tab", "fetch", "uid flags hdr.subject date.received.unixtime size.virtual", "mailbox", "INBOX", "all")), "\n")[1:]
	if len(got) != 32 {
		t.Fatalf("Dovecot sees %d messages", len(got))
	}
	for i, line := range got {
		n := i + 1
		flags := map[int]string{31: `\Answered \Seen`, 32: `\Flagged \Deleted \Draft`}[n]
		if n <= 26 {
			flags = fmt.Sprintf("Key%02d", n)
		}
		want := fmt.Sprintf("%d\t%s\tletter %d\t%d\t%d", n, flags, n, letterDate(n).Unix(), len(letter(n)))
		if line = strings.NewReplacer(` \Recent`, "", `\Recent `, "", `\Recent`, "").Replace(line); line != want {
			t.Errorf("Dovecot sees %q, want %q", line, want)
		}
	}
	if text := d.run(t, "fetch", "text", "mailbox", "Archive.Grüße & mehr", "all"); !strings.Contains(text, "letter 33") {
		t.Errorf("Dovecot reads %q", text)
	}
	// What Dovecot has left in the directory does not disturb the archive.
	expectSound(t, open(t, dir, archive.Options{}))
}

type dovecot struct{ doveadm, config string }

// startDoveadm prepares Dovecot's own reader of mailboxes. It refuses to work as
// root, so root gives the archive to another user.
func startDoveadm(t *testing.T, doveadm, dir string) *dovecot {
	t.Helper()
	home := t.TempDir()
	config := filepath.Join(home, "dovecot.conf")
	self, err := user.Current()
	ok(t, err)
	owner := self
	if self.Uid == "0" {
		if owner, err = user.Lookup("mail"); err != nil {
			t.Skip("no user to read mail as")
		}
		output(t, "chown", "-R", owner.Uid+":"+owner.Gid, dir, home)
		for up := dir; len(up) > len(os.TempDir()); up = filepath.Dir(up) {
			output(t, "chown", owner.Uid, up)
		}
	}
	ok(t, os.WriteFile(config, []byte(fmt.Sprintf(`base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = %[1]s/log
mail_home = %[1]s/home
mail_location = maildir:%[2]s
default_internal_user = %[3]s
default_login_user = %[3]s
first_valid_uid = 1
first_valid_gid = 1
mail_uid = %[4]s
mail_gid = %[5]s
ssl = no
namespace inbox {
  inbox = yes
}
`, home, dir, self.Username, owner.Uid, owner.Gid)), 0o644))
	return &dovecot{doveadm, config}
}

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).Output()
	ok(t, err)
	return string(out)
}

func (d *dovecot) run(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command(d.doveadm, append([]string{"-c", d.config}, args...)...)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "USER=reader", "HOME=/")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("doveadm %q: %v\n%s", args, err, out)
	}
	return string(out)
}
