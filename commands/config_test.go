package commands

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailferry/transfer/mail"
	"mailferry/transfer/mail/mailtest"
)

// configure writes the usual configuration file.
func (b *bench) configure(text string) string {
	b.t.Helper()
	path := filepath.Join(b.env["HOME"], ".config", "mailferry", "config.toml")
	b.write(path, text, 0o600)
	return path
}

func (b *bench) write(path, text string, mode os.FileMode) string {
	b.t.Helper()
	if !filepath.IsAbs(path) {
		path = filepath.Join(b.env["HOME"], path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		b.t.Fatal(err)
	}
	return path
}

func TestAccountsByName(t *testing.T) {
	b := newBench(t)
	delete(b.env, "MAILFERRY_SOURCE_PASSWORD")
	delete(b.env, "MAILFERRY_DEST_PASSWORD")
	b.configure(`
[accounts.old]
address = "imaps://u@old"
password_command = ["printf", "%s\n", "from a command"]

[accounts.new]
address = "imaps://u@new?connections=2"
password_file = "new.password"
`)
	b.write(".config/mailferry/new.password", "from a file\n", 0o600)
	fill(b.account("old", mailtest.Options{}), "INBOX", 2)
	dst := b.account("new", mailtest.Options{})
	b.must("migrate", "old", "new")
	if n := len(dst.Messages(mail.NewPath("INBOX"))); n != 2 {
		t.Errorf("%d messages arrived", n)
	}
	for i, want := range []string{"from a command", "from a file"} {
		if got, err := b.opened[i].password(t.Context()); err != nil || got != want {
			t.Errorf("password %q, %v, want %q", got, err, want)
		}
	}
	if b.opened[0].connections != 4 || b.opened[1].connections != 2 {
		t.Errorf("connections %d and %d", b.opened[0].connections, b.opened[1].connections)
	}
}

func TestConfigurationMistakes(t *testing.T) {
	cases := []struct{ text, words string }{
		{"[accounts.old]\naddress = \"imaps://u@old\"\npasword_file = \"x\"", `unknown key "accounts.old.pasword_file"`},
		{"acounts = 1", `unknown key "acounts"`},
		{"[accounts.old]", "has no address"},
		{"[accounts.old]\naddress = \"maildir:/x\"", "is no IMAP address"},
		{"[accounts.old]\naddress = \"imaps://u@old\"\npassword_file = \"x\"\npassword_command = [\"y\"]", "both password_file and password_command"},
		{"[accounts.old]\naddress = \"imaps://u:hunter2@old\"", "a password in an address is refused"},
		{"[accounts.\"a/b\"]\naddress = \"imaps://u@old\"", "neither / nor :"},
		{"[accounts.old\n", "configuration "},
		{"[accounts.old]\naddress = \"imaps://u@old\"\npassword_command = \"pass show\"", "configuration "},
	}
	for _, c := range cases {
		b := newBench(t)
		b.configure(c.text)
		b.fails(exitUsage, []string{"list", "old"}, c.words)
		if strings.Contains(b.err.String(), "hunter2") || strings.Count(b.err.String(), "\n") > 2 {
			t.Errorf("error:\n%s", &b.err)
		}
	}
}

func TestArgumentsThatNameNothing(t *testing.T) {
	b := newBench(t)
	b.configure("[accounts.old]\naddress = \"imaps://u@old\"")
	t.Chdir(t.TempDir())
	if err := os.WriteFile("archive", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cases := []struct{ arg, words string }{
		{"odl", "accounts are old"},
		{"anna@mail.example", "is it imaps://USER@mail.example?"},
		{"pop3://anna@mail.example", "unknown kind of address pop3://"},
		{"imaps:anna@mail.example", "no // after its scheme"},
		{"maildir:/nowhere/backup", "there is nothing of that name"},
		{"mbox:/nowhere/backup", "there is nothing of that name"},
		{"./nowhere", "a new archive is written maildir:PATH"},
		{"maildir:", "names no directory"},
		{"maildir:~/backup", "not expanded by shells"},
		{"archive", "it is no archive of mailferry, and it is an empty file"},
		{"", "an address is empty"},
	}
	for _, c := range cases {
		b.fails(exitUsage, []string{"list", c.arg}, c.words, "hint: ")
	}
	if err := os.Mkdir("old", 0o700); err != nil {
		t.Fatal(err)
	}
	b.fails(exitUsage, []string{"list", "old"}, "is an account of", "write ./old")
	if len(b.opened) != 0 {
		t.Error("something was opened")
	}
}

func TestPlainTextIsForThisMachineOnly(t *testing.T) {
	b := newBench(t)
	b.account("mail.example", mailtest.Options{})
	b.account("127.0.0.1", mailtest.Options{})
	b.fails(exitUsage, []string{"list", "imap://u@mail.example?tls=none"}, "unprotected", "--allow-cleartext")
	if len(b.opened) != 0 {
		t.Error("something was opened")
	}
	b.must("list", "imap://u@mail.example?tls=none", "--allow-cleartext")
	b.must("list", "imap://u@127.0.0.1?tls=none")
}
