package commands_test

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mailferry/transfer/imapstore/servertest"
	"mailferry/transfer/mail"
)

// TestArchivesAreReadByOthers backs a mailbox up and lets other programs read the archives.
func TestArchivesAreReadByOthers(t *testing.T) {
	src := servertest.StartDovecot(t, servertest.DovecotOptions{Memory: true, Separator: "."})
	fillCorpus(t, src, "anna", servertest.CorpusOptions{Small: true, Few: true, Extra: []servertest.Folder{hardFolder()}})
	before := snapshot(t, src, "anna")
	dirs := make(map[string]string)
	for _, format := range formats() {
		a := newArchiving(t, src, src, format)
		if code, s := a.backup(t); code != 0 {
			t.Fatalf("exit %d, %+v", code, s)
		}
		dirs[format] = a.dir()
	}
	t.Run("Dovecot, Maildir", func(t *testing.T) { dovecotServes(t, dirs["maildir"], before) })
	t.Run("Python, Maildir", func(t *testing.T) { pythonReads(t, pythonMaildir, dirs["maildir"], before) })
	t.Run("Python, mbox", func(t *testing.T) { pythonReads(t, pythonMbox, dirs["mbox"], before) })
}

// dovecotServes makes a copy of the archive the mail of a Dovecot. Keywords beyond the 26 of a
// folder are in the catalogue only.
func dovecotServes(t *testing.T, dir string, before *servertest.Mailbox) {
	served := filepath.Join(t.TempDir(), "archive")
	must(t, os.CopyFS(served, os.DirFS(dir)))
	copyTimes(t, dir, served)
	giveToMail(t, served)
	dst := servertest.StartDovecot(t, servertest.DovecotOptions{Separator: ".", MailLocation: "maildir:" + served})
	after := snapshot(t, dst, "anna")
	many := mail.NewPath("Flags and keywords")
	shown := first26(t, filepath.Join(served, ".Flags and keywords", "dovecot-keywords"))
	f := *before.Folders[many]
	f.Messages = slices.Clone(f.Messages)
	for i, r := range f.Messages {
		f.Messages[i].Flags = r.Flags.Filter(func(flag string) bool { return mail.IsSystem(flag) || shown[strings.ToLower(flag)] })
	}
	want := &servertest.Mailbox{Folders: maps.Clone(before.Folders), Subscribed: before.Subscribed}
	want.Folders[many] = &f
	own := servertest.Expect("the archive's own directory", servertest.ExtraFolder, 1, mail.NewPath("mailferry"))
	wantEqual(t, want, after, own)
	if folders := servertest.OutOfOrder(want, after); len(folders) > 0 {
		t.Errorf("in another order: %v", folders)
	}
}

// first26 are the keywords of a folder that other programs can see.
func first26(t *testing.T, name string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(name)
	must(t, err)
	shown := make(map[string]bool)
	for line := range strings.Lines(string(text)) {
		_, word, _ := strings.Cut(strings.TrimSpace(line), " ")
		shown[strings.ToLower(word)] = true
	}
	if len(shown) != 26 {
		t.Errorf("%s shows %d keywords", name, len(shown))
	}
	return shown
}

// copyTimes repeats the mtimes, which are the messages' dates.
func copyTimes(t *testing.T, from, to string) {
	t.Helper()
	must(t, filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rest, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		return os.Chtimes(filepath.Join(to, rest), info.ModTime(), info.ModTime())
	}))
}

// giveToMail lets Dovecot, which does not read mail as root, have the directory.
func giveToMail(t *testing.T, dir string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	u, err := user.Lookup("mail")
	if err != nil {
		t.Skip("no user to read mail as")
	}
	if out, err := exec.Command("chown", "-R", u.Uid+":"+u.Gid, dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for up := filepath.Dir(dir); len(up) > len(os.TempDir()); up = filepath.Dir(up) {
		must(t, os.Chmod(up, 0o755))
	}
}

// What Python's mailbox sees: for each folder, by its number of messages, flags and octets with LF and with CR LF.
const (
	pythonMaildir = `
import hashlib, json, mailbox, re, sys
def folder(m):
    out = []
    for key in sorted(m.keys(), key=lambda k: [int(n) for n in re.match(r"(\d+)\.M(\d+)", k).groups()]):
        raw = m.get_bytes(key)
        out.append([[hashlib.sha256(b).hexdigest() for b in (raw, raw.replace(b"\n", b"\r\n"))], m.get_message(key).get_flags()])
    return out
box = mailbox.Maildir(sys.argv[1], factory=None, create=False)
print(json.dumps([folder(box)] + [folder(box.get_folder(n)) for n in box.list_folders()]))`
	pythonMbox = `
import json, mailbox, os, sys
print(json.dumps([[[[], m.get_flags()] for m in mailbox.mbox(os.path.join(d, f), create=False)]
    for d, _, files in os.walk(sys.argv[1]) for f in files if f.endswith(".mbox")]))`
)

// pythonReads compares the number of messages of each folder, their order where octets are told,
// and how many have each flag.
func pythonReads(t *testing.T, program, dir string, before *servertest.Mailbox) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	cmd := exec.Command(python, "-c", program, dir)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, errs.String())
	}
	var folders [][]pythonMessage
	must(t, json.Unmarshal(out, &folders))
	slices.SortFunc(folders, func(a, b []pythonMessage) int { return cmp.Compare(len(a), len(b)) })
	folders = slices.DeleteFunc(folders, func(f []pythonMessage) bool { return len(f) == 0 })
	var want []*servertest.FolderContent
	for _, f := range before.Folders {
		if len(f.Messages) > 0 {
			want = append(want, f)
		}
	}
	if len(folders) != len(want) {
		t.Fatalf("Python sees %d folders with mail, want %d", len(folders), len(want))
	}
	for _, f := range want {
		if !slices.ContainsFunc(folders, func(got []pythonMessage) bool { return samePython(f, got) }) {
			t.Errorf("Python shows no folder like the one of %d messages with uidvalidity %d", len(f.Messages), f.UIDValidity)
		}
	}
}

// pythonMessage is [[hash with LF, hash with CR LF], flags].
type pythonMessage [2]json.RawMessage

func samePython(f *servertest.FolderContent, got []pythonMessage) bool {
	if len(f.Messages) != len(got) {
		return false
	}
	for i, r := range f.Messages {
		var sums []string
		var flags string
		if json.Unmarshal(got[i][0], &sums) != nil || json.Unmarshal(got[i][1], &flags) != nil {
			return false
		}
		if len(sums) > 0 && !slices.Contains(sums, hex.EncodeToString(r.Sum[:sha256.Size])) {
			return false
		}
		for letter, flag := range map[string]string{"F": mail.Flagged, "S": mail.Seen, "T": mail.Deleted} {
			if len(sums) > 0 && strings.Contains(flags, letter) != r.Flags.Has(flag) {
				return false
			}
		}
		if len(sums) == 0 && (!strings.Contains(flags, "R") && r.Flags.Has(mail.Seen) || !strings.Contains(flags, "F") && r.Flags.Has(mail.Flagged)) {
			return false
		}
	}
	return true
}
