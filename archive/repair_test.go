package archive_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"mailferry/archive"
	"mailferry/transfer/mail"
	"mailferry/transfer/mail/mailtest"
)

// backedUp is an account of five letters, with a large and an odd one among them, and its archive.
func backedUp(t *testing.T, format archive.Format) (account *mailtest.Memory, dir string) {
	t.Helper()
	return backedUpWith(t, format, 52_000)
}

// backedUpWith: the third letter has so many lines.
func backedUpWith(t *testing.T, format archive.Format, lines int) (account *mailtest.Memory, dir string) {
	t.Helper()
	account = mailtest.New(mailtest.Options{Reporter: t, Name: source})
	dir = filepath.Join(t.TempDir(), "a")
	a := create(t, dir, archive.Options{Format: format})
	var list []*mail.Message
	for n := 1; n <= 5; n++ {
		raw := letter(n)
		switch n {
		case 3:
			raw = append(raw, bytes.Repeat([]byte("From the 0123456789\r\n"), lines)...)
		case 4:
			raw = append(raw, "bare\nlf, no end"...)
		}
		list = append(list, message(int(account.Put(inbox, nil, letterDate(n), raw)), raw, mail.Seen, "Work"))
	}
	st, _ := account.FolderStatus(inbox)
	for _, m := range list {
		m.Origin.UIDValidity = st.UIDValidity
	}
	run(t, a, true, func() { put(t, a, inbox, list...) })
	closed(t, a)
	return account, dir
}

// repaired runs a repair and returns what it told: "UID damage" and "UID done" or its error.
func repaired(t *testing.T, dir string, account mail.Source) (archive.Repairs, string) {
	t.Helper()
	a := open(t, dir, archive.Options{Write: true})
	defer closed(t, a)
	var lines []string
	out, err := a.Repair(t.Context(), account, func(d archive.Damage) error {
		lines = append(lines, string(d.Kind))
		return nil
	}, func(r archive.Repaired) error {
		switch {
		case r.Err != nil:
			lines = append(lines, uidText(r.UID)+": "+r.Err.Error())
		case r.Replaced:
			lines = append(lines, uidText(r.UID)+" replaced")
		default:
			lines = append(lines, uidText(r.UID)+" repaired")
		}
		return nil
	})
	ok(t, err)
	return out, strings.Join(lines, ", ")
}

// harm is something that happens to the second letter, or to the whole folder.
type harm struct {
	name    string
	maildir func(t *testing.T, dir string, file string)
	mbox    func(text []byte) []byte
}

func harms() []harm {
	change := func(do func([]byte) []byte) func(*testing.T, string, string) {
		return func(t *testing.T, _, file string) {
			text, err := os.ReadFile(file)
			ok(t, err)
			ok(t, os.WriteFile(file, do(text), 0o600))
		}
	}
	second := func(do func(letter []byte) []byte) func([]byte) []byte {
		return func(text []byte) []byte {
			from := bytes.Index(text[10:], []byte("\nFrom MAILER")) + 11
			to := from + bytes.Index(text[from:], []byte("\nFrom MAILER")) + 1
			return bytes.Join([][]byte{text[:from], do(bytes.Clone(text[from:to])), text[to:]}, nil)
		}
	}
	flipAt := func(what string) func([]byte) []byte {
		return func(text []byte) []byte { text[bytes.Index(text, []byte(what))] ^= 1; return text }
	}
	insert := func(text []byte) []byte { return bytes.Replace(text, []byte("This is"), []byte("This really is"), 1) }
	shorten := func(text []byte) []byte { return bytes.Replace(text, []byte("This is"), []byte("This"), 1) }
	return []harm{
		{"a flipped bit", change(flipAt("letter 2")), second(flipAt("letter 2"))},
		{"a longer text", change(insert), second(insert)},
		{"a shorter text", change(shorten), second(shorten)},
		{"removed", func(t *testing.T, _, file string) { ok(t, os.Remove(file)) }, second(func([]byte) []byte { return nil })},
		{"empty", change(func([]byte) []byte { return nil }), second(func(text []byte) []byte { return []byte("\n") })},
		{"a bit of the status block", nil, second(flipAt("X-UID"))},
		{"a bit of the sum", nil, second(func(text []byte) []byte { text[bytes.Index(text, []byte("X-Mailferry"))+30] ^= 1; return text })},
		{"the beginning of the From_ line", nil, second(flipAt("From "))},
		{"the directory", func(t *testing.T, dir, _ string) { ok(t, os.RemoveAll(filepath.Join(dir, "cur"))) }, nil},
		{"a file cut in the middle", nil, func(text []byte) []byte { return text[:len(text)/2] }},
		{"an empty file", nil, func([]byte) []byte { return nil }},
	}
}

// TestRepairPutsBackWhatIsDamaged: afterwards the archive is as it was, to the UID, and sound; the account was only read.
func TestRepairPutsBackWhatIsDamaged(t *testing.T) {
	forBoth(t, func(t *testing.T, format archive.Format) {
		for _, h := range harms() {
			if format == archive.Maildir && h.maildir == nil || format == archive.MBox && h.mbox == nil {
				continue
			}
			t.Run(h.name, func(t *testing.T) {
				account, dir := backedUp(t, format)
				want := dump(t, open(t, dir, archive.Options{}))
				if format == archive.Maildir {
					h.maildir(t, dir, fileOf(t, dir, 2))
				} else {
					text, err := os.ReadFile(dir + "/INBOX.mbox")
					ok(t, err)
					ok(t, os.WriteFile(dir+"/INBOX.mbox", h.mbox(text), 0o600))
				}
				if found := damages(t, open(t, dir, archive.Options{})); len(found) == 0 {
					t.Fatal("nothing is damaged")
				}
				out, told := repaired(t, dir, account)
				if out.Repaired == 0 || out.Failed > 0 {
					t.Fatalf("it told %s: %+v", told, out)
				}
				r := open(t, dir, archive.Options{})
				expectSound(t, r)
				if got := dump(t, r); got != want {
					t.Errorf("%s\nwant\n%s", got, want)
				}
				a := open(t, dir, archive.Options{Write: true})
				putLetters(t, a, inbox, 10, 12)
				closed(t, a)
				expectSound(t, open(t, dir, archive.Options{}))
			})
		}
	})
}

// TestWhatTheSourceCannotGiveStaysDamaged and is named, and what is in the file is left as it is.
func TestWhatTheSourceCannotGiveStaysDamaged(t *testing.T) {
	forBoth(t, func(t *testing.T, format archive.Format) {
		for _, c := range []struct {
			name string
			do   func(account *mailtest.Memory)
			want string
		}{
			{"deleted", func(m *mailtest.Memory) { m.Remove(inbox, 2) }, "does not hold it any more"},
			{"numbered anew", func(m *mailtest.Memory) { m.SetUIDValidity(inbox, 4711, 1) }, "UIDVALIDITY 4711"},
			{"no folder", func(m *mailtest.Memory) { m.RemoveFolder(inbox) }, "no such folder"},
			{"other octets", func(m *mailtest.Memory) { m.Messages(inbox)[1].Raw[3] ^= 1 }, "other octets under its UID"},
		} {
			t.Run(c.name, func(t *testing.T) {
				account, dir := backedUp(t, format)
				name := dir + "/INBOX.mbox"
				if format == archive.Maildir {
					name = fileOf(t, dir, 2)
				}
				text, err := os.ReadFile(name)
				ok(t, err)
				text[bytes.Index(text, []byte("letter 2"))] ^= 1
				ok(t, os.WriteFile(name, text, 0o600))
				c.do(account)
				out, told := repaired(t, dir, account)
				if out.Left() != 1 || out.Failed != 1 || !strings.Contains(told, c.want) {
					t.Errorf("told %s: %+v", told, out)
				}
				if now, err := os.ReadFile(name); err != nil || !bytes.Equal(now, text) {
					t.Errorf("the file was changed, %v", err)
				}
			})
		}
	})
}

func TestRepairFromAnotherAccountIsRefused(t *testing.T) {
	_, dir := backedUp(t, archive.Maildir)
	ok(t, os.Remove(fileOf(t, dir, 2)))
	out, told := repaired(t, dir, mailtest.New(mailtest.Options{Name: "imaps://other@new.example"}))
	if out.Left() != 1 || !strings.Contains(told, "another account, "+source) {
		t.Errorf("told %s", told)
	}
}

// TestUnprovenHashesAreConfirmed: when the catalogue is lost, hashes are made from the files. A source proves them; where
// it differs, only a repair believes it.
func TestUnprovenHashesAreConfirmed(t *testing.T) {
	account, dir := backedUp(t, archive.Maildir)
	ok(t, os.RemoveAll(filepath.Join(dir, ".mailferry", "catalogue.copy")))
	ok(t, os.Remove(filepath.Join(dir, ".mailferry", "catalogue.db")))
	name := fileOf(t, dir, 2)
	text, err := os.ReadFile(name)
	ok(t, err)
	text[bytes.Index(text, []byte("letter 2"))] ^= 1
	ok(t, os.WriteFile(name, text, 0o600))

	a := open(t, dir, archive.Options{Write: true})
	var other []mail.UID
	out, err := a.Confirm(t.Context(), account, func(r archive.Repaired) error {
		other = append(other, r.UID)
		return nil
	})
	if ok(t, err); out.Confirmed != 4 || out.Failed != 1 || len(other) != 1 {
		t.Errorf("confirmed: %+v, others %v", out, other)
	}
	closed(t, a)
	if now, err := os.ReadFile(name); err != nil || !bytes.Equal(now, text) {
		t.Errorf("confirming changed the file, %v", err)
	}
	out, told := repaired(t, dir, account)
	if out.Unproven != 1 || out.Replaced != 1 || out.Failed != 0 || told != uidText(other[0])+" replaced" {
		t.Errorf("told %s: %+v", told, out)
	}
	r := open(t, dir, archive.Options{})
	checked, err := r.Verify(t.Context(), func(d archive.Damage) error { t.Error(d); return nil })
	if ok(t, err); checked.Unproven != 0 {
		t.Errorf("after the repair: %+v", checked)
	}
	in, err := r.OpenReader(t.Context(), inbox)
	ok(t, err)
	defer closed(t, in)
	if got := fetch(t, in); len(got) != 5 || got[other[0]] != string(letter(2)) {
		t.Errorf("the archive holds %d messages, one of them %q", len(got), got[other[0]])
	}
}

func TestRepairKeepsWhatItReplaces(t *testing.T) {
	account, dir := backedUp(t, archive.Maildir)
	name := fileOf(t, dir, 2)
	ok(t, os.WriteFile(name, []byte("a note of mine"), 0o600))
	repaired(t, dir, account)
	kept, err := filepath.Glob(dir + "/.mailferry/replaced/*")
	if ok(t, err); len(kept) != 1 {
		t.Fatalf("kept %q", kept)
	}
	if text, err := os.ReadFile(kept[0]); err != nil || string(text) != "a note of mine" {
		t.Errorf("kept %q, %v", text, err)
	}
}

func TestRepairEndsWhenItIsTold(t *testing.T) {
	account, dir := backedUp(t, archive.MBox)
	ok(t, os.Truncate(dir+"/INBOX.mbox", 0))
	a := open(t, dir, archive.Options{Write: true})
	enough := errors.New("enough")
	_, err := a.Repair(t.Context(), account, func(archive.Damage) error { return nil }, func(archive.Repaired) error { return enough })
	if err != enough {
		t.Errorf("told to end: %v", err)
	}
	closed(t, a)
	if out, told := repaired(t, dir, account); out.Left() != 0 {
		t.Errorf("the next repair told %s: %+v", told, out)
	}
	expectSound(t, open(t, dir, archive.Options{}))
	if _, err := open(t, dir, archive.Options{}).Repair(t.Context(), account, nil, nil); err == nil {
		t.Error("an archive that is open for reading was repaired")
	}
}

func uidText(uid mail.UID) string { return strconv.Itoa(int(uid)) }

// fileOf is the file of a letter in a Maildir.
func fileOf(t *testing.T, dir string, n int) string {
	t.Helper()
	for _, name := range files(t, dir) {
		text, err := os.ReadFile(name)
		if ok(t, err); bytes.Contains(text, []byte("Subject: letter "+strconv.Itoa(n))) {
			return name
		}
	}
	t.Fatalf("letter %d has no file", n)
	return ""
}
