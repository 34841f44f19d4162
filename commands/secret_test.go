package commands

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"mailferry/transfer/mail/mailtest"
)

// password carries out "list" and returns the password it was going to use.
func (b *bench) password(args ...string) string {
	b.t.Helper()
	b.account("old", mailtest.Options{})
	b.must(append([]string{"list", oldAccount}, args...)...)
	got, err := b.opened[len(b.opened)-1].password(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return got
}

func TestPasswordsComeFromTheMostExplicitPlace(t *testing.T) {
	b := newBench(t)
	delete(b.env, "MAILFERRY_SOURCE_PASSWORD")
	b.world.prompt = func(_ context.Context, question string) (string, error) {
		b.asked = append(b.asked, question)
		return "typed", nil
	}
	expect := func(want string, args ...string) {
		t.Helper()
		if got := b.password(args...); got != want {
			t.Errorf("password %q, want %q", got, want)
		}
	}
	expect("typed")
	if len(b.asked) != 1 || b.asked[0] != "Password of the source imaps://u@old: " {
		t.Errorf("asked %q", b.asked)
	}
	b.world.keyring = func(_ context.Context, user string) (string, error) { return "keyring of " + user, nil }
	expect("keyring of u@old")
	b.env["CREDENTIALS_DIRECTORY"] = filepath.Dir(b.write("cred/source-password", "credential", 0o600))
	expect("credential")
	b.env["MAILFERRY_SOURCE_PASSWORD"] = "variable"
	expect("variable")
	file := b.write("pw", " pass word \r\n", 0o600)
	expect(" pass word ", "--source-password-file", file)
	expect("it's me", "--source-password-command", `printf '%s\n' "it's me"`)
	b.env["MAILFERRY_SOURCE_PASSWORD_FILE"] = file
	expect(" pass word ")
	if len(b.asked) != 1 {
		t.Errorf("asked %q in vain", b.asked[1:])
	}
}

func TestNobodyToAsk(t *testing.T) {
	b := newBench(t)
	delete(b.env, "MAILFERRY_SOURCE_PASSWORD")
	b.fails(exitUsage, []string{"list", oldAccount}, "no password for the source imaps://u@old", "--source-password-file", "--source-password-command",
		"MAILFERRY_SOURCE_PASSWORD", "configuration file", "CREDENTIALS_DIRECTORY", "keyring", "terminal")
	if len(b.opened) != 0 {
		t.Error("something was opened")
	}
}

func TestPasswordsThatCannotBeUsed(t *testing.T) {
	b := newBench(t)
	b.account("old", mailtest.Options{})
	two := b.write("two", "one\ntwo\n", 0o600)
	empty := b.write("empty", "\n", 0o600)
	cases := []struct {
		args  []string
		words string
	}{
		{[]string{"--source-password-file", "/no/such"}, "no such file"},
		{[]string{"--source-password-file", two}, "more than one line"},
		{[]string{"--source-password-file", empty}, "is empty"},
		{[]string{"--source-password-command", "false"}, "password command false: exit status 1"},
		{[]string{"--source-password-command", "no-such-command"}, "no-such-command"},
		{[]string{"--source-password-command", "'open"}, "a quote is not closed"},
		{[]string{"--source-password-command", "true"}, "is empty"},
		{[]string{"--source-password-file", two, "--source-password-command", "true"}, "both given"},
	}
	for _, c := range cases {
		b.fails(exitUsage, append([]string{"list", oldAccount}, c.args...), c.words)
	}
	if len(b.opened) != 0 {
		t.Error("something was opened")
	}
}

func TestAPasswordFileThatOthersCanReadIsWarnedOf(t *testing.T) {
	b := newBench(t)
	open := b.write("open", "x", 0o644)
	b.password("--source-password-file", open)
	if !strings.Contains(b.err.String(), "warning: password file "+open+" can be read by others (mode 0644)") {
		t.Errorf("stderr: %s", &b.err)
	}
	b.password("--source-password-file", b.write("closed", "x", 0o600))
	if b.err.String() != "" {
		t.Errorf("stderr: %s", &b.err)
	}
}

func TestAnAccessTokenIsFetchedForEachLogin(t *testing.T) {
	b := newBench(t)
	b.account("old", mailtest.Options{})
	log := filepath.Join(t.TempDir(), "log")
	for auth, want := range map[string]int{"": 1, "?auth=xoauth2": 3} {
		_ = b.write(log, "", 0o600)
		b.must("list", oldAccount+auth, "--source-password-command", `sh -c 'echo ran >>"`+log+`"; echo token'`)
		for range 2 {
			if got, err := b.opened[len(b.opened)-1].password(t.Context()); got != "token" || err != nil {
				t.Fatalf("%q, %v", got, err)
			}
		}
		if got := strings.Count(read(t, log), "ran"); got != want {
			t.Errorf("auth %q: the command ran %d times, want %d", auth, got, want)
		}
	}
}
