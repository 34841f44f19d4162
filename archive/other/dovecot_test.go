package other_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mailferry/archive/other"
	"mailferry/transfer/mail"
)

// TestDovecotServesTheSame compares with what Dovecot makes of the same files: folders, order, flags,
// keywords, dates and sizes; first as they are, and then with the files that Dovecot has left.
func TestDovecotServesTheSame(t *testing.T) {
	doveadm, err := exec.LookPath("doveadm")
	if err != nil {
		t.Skip("doveadm is not installed")
	}
	for layout, files := range map[string]map[string]string{
		"Maildir++": {
			"cur/1500000002.M20P1.host,S=14,W=17:2,FS": "Subject: b\n\n2\n", "cur/1500000002.M3P1.host:2,Sab": "Subject: a\r\n\r\nmixed\n", "new/1500000009.M1P1.host": "Subject: c\n\nno end",
			"cur/1400000000.x.host:2,RT": "Subject: d\n\n", "cur/1500000003.M1Q2.host:2,D": "Subject: e\n\n\r\n\r\r\n", "tmp/": "", "dovecot-keywords": "0 work\n1 $Junk\n",
			".Archive.2024/cur/1.a:2,R": "Subject: f\n\n", ".Archive.2024/new/": "", ".Archive.2024/tmp/": "",
			".Entw&APw-rfe/cur/1.b:2,": "Subject: g\n\n", ".Entw&APw-rfe/new/": "", ".Entw&APw-rfe/tmp/": "",
		},
		"fs": {
			"cur/1.a:2,S": "Subject: a\n\n", "new/": "", "tmp/": "", "Work/cur/": "", "Work/new/1.b": "Subject: b\n\n", "Work/tmp/": "",
			"Work/Old.stuff/cur/2.c:2,F": "Subject: c\n\n", "Work/Old.stuff/new/": "", "Work/Old.stuff/tmp/": "",
		},
	} {
		t.Run(layout, func(t *testing.T) {
			root := tree(t, files)
			before := asDovecotSays(t, open(t, root, other.Maildir))
			theirs := dovecotSays(t, doveadm, root, layout)
			if !slices.Equal(before, theirs) {
				t.Errorf("here\n%s\nDovecot\n%s", strings.Join(before, "\n"), strings.Join(theirs, "\n"))
			}
			if _, err := os.Stat(filepath.Join(root, "dovecot-uidlist")); err != nil {
				t.Error("Dovecot left no list: ", err)
			}
			if after := asDovecotSays(t, open(t, root, other.Maildir)); !slices.Equal(after, theirs) {
				t.Errorf("with Dovecot's files\n%s\nDovecot\n%s", strings.Join(after, "\n"), strings.Join(theirs, "\n"))
			}
		})
	}
}

// line is a message in words of both.
func line(folder string, uid any, flags []string, date int64, size any, subject string) string {
	flags = slices.DeleteFunc(flags, func(f string) bool { return f == "" || f == `\Recent` })
	slices.Sort(flags)
	return fmt.Sprintf("%s %v (%s) %d %v %s", folder, uid, strings.Join(flags, " "), date, size, subject)
}

func asDovecotSays(t *testing.T, s mail.Source) (lines []string) {
	t.Helper()
	folders, err := s.Folders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range folders {
		r, err := s.OpenReader(t.Context(), f.Path)
		if err != nil {
			t.Fatal(err)
		}
		var all mail.UIDSet
		all.AddRange(1, 100)
		err = r.Fetch(t.Context(), all, func(i mail.Info, body io.Reader) error {
			octets, err := io.ReadAll(body)
			subject, _, _ := strings.Cut(strings.TrimPrefix(string(octets), "Subject: "), "\r\n")
			lines = append(lines, line(f.Path.String(), i.UID, slices.Clone(i.Flags), i.InternalDate.Unix(), len(octets), subject))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(lines)
	return lines
}

// dovecotSays asks Dovecot's own reader. It refuses to work as root, who gives the files to another.
func dovecotSays(t *testing.T, doveadm, root, layout string) (lines []string) {
	t.Helper()
	home := t.TempDir()
	owner, err := user.Current()
	must(t, err)
	self := owner.Username
	if owner.Uid == "0" {
		if owner, err = user.Lookup("mail"); err != nil {
			t.Skip("no user to read mail as")
		}
		must(t, exec.Command("chown", "-R", owner.Uid+":"+owner.Gid, root, home).Run())
		for _, dir := range []string{root, home} {
			for up := dir; len(up) > len(os.TempDir()); up = filepath.Dir(up) {
				must(t, exec.Command("chown", owner.Uid, up).Run())
			}
		}
	}
	at, separator := "maildir:"+root, "."
	if layout == "fs" {
		at, separator = at+":LAYOUT=fs", "/"
	}
	config := filepath.Join(home, "dovecot.conf")
	must(t, os.WriteFile(config, []byte(fmt.Sprintf(`base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = %[1]s/log
mail_home = %[1]s/home
mail_location = %[2]s
default_internal_user = %[3]s
default_login_user = %[3]s
first_valid_uid = 1
first_valid_gid = 1
mail_uid = %[4]s
mail_gid = %[5]s
ssl = no
namespace inbox {
  inbox = yes
  separator = %[6]s
}
`, home, at, self, owner.Uid, owner.Gid, separator)), 0o644))
	cmd := exec.Command(doveadm, "-c", config, "-f", "tab", "fetch", "mailbox uid flags date.received.unixtime size.virtual hdr.subject", "mailbox", "*", "all")
	cmd.Dir, cmd.Env = "/", append(os.Environ(), "USER=reader", "HOME=/")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("doveadm: %v\n%s", err, out)
	}
	for _, row := range strings.Split(strings.TrimSpace(string(out)), "\n")[1:] {
		part := strings.Split(row, "\t")
		if len(part) != 6 {
			t.Fatalf("doveadm says %q", row)
		}
		var date int64
		_, err := fmt.Sscan(part[3], &date)
		must(t, err)
		lines = append(lines, line(strings.ReplaceAll(part[0], separator, "/"), part[1], strings.Fields(part[2]), date, part[4], part[5]))
	}
	slices.Sort(lines)
	return lines
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
