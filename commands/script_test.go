package commands_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"mailferry/archive"
	"mailferry/commands"
	"mailferry/transfer/imapstore/imaptest"
	"mailferry/transfer/ledger"
	"mailferry/transfer/mail"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"mailferry": func() {
		var demoMail fs.FS
		if dir := os.Getenv("DEMO_MAIL"); dir != "" {
			demoMail = os.DirFS(dir)
		}
		os.Exit(commands.Main(context.Background(), os.Args, os.Stdin, os.Stdout, os.Stderr, demoMail))
	}})
}

// TestScripts runs testdata/script: mailferry as a process of its own against two
// servers, old and new, that each script gets for itself.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   filepath.Join("..", "testdata", "script"),
		Setup: setUp,
		Condition: func(cond string) (bool, error) {
			if cond == "root" {
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":  exits,
			"fill":   withServer(fill),
			"remove": withServer(remove),
			"drop":   withServer(drop),
			"refuse": withServer(refuse),
			"holds":  withServer(holds),
			"saw":    withServer(saw),
			"lock":   lock,
			"write":  write,
			"env-of": envOf,
			"hold":   hold,
			"flip":   flip,
		},
	})
}

type server struct {
	imap    *imaptest.Server
	account *imaptest.Account
}

type serversKey struct{}

// setUp starts the servers and tells the script their addresses: $OLD and $NEW
// without TLS, $TLSOLD with TLS and the authority in ca.pem, $STARTTLS.
func setUp(env *testscript.Env) error {
	servers := make(map[string]server)
	start := func(name string, security imaptest.Security) (addr string, err error) {
		s := imaptest.New(imaptest.Options{Security: security})
		env.Defer(func() { _ = s.Close() })
		servers[name] = server{s, s.AddUser("anna", name+"-secret")}
		return s.Start()
	}
	for _, s := range []struct {
		name, variable, address string
		security                imaptest.Security
	}{
		{"old", "OLD", "imap://anna@%s?tls=none", imaptest.Plain},
		{"new", "NEW", "imap://anna@%s?tls=none", imaptest.Plain},
		{"tls", "TLSOLD", "imaps://anna@%s", imaptest.ImplicitTLS},
		{"starttls", "STARTTLS", "imap://anna@%s", imaptest.RequireStartTLS},
	} {
		addr, err := start(s.name, s.security)
		if err != nil {
			return err
		}
		env.Setenv(s.variable, fmt.Sprintf(s.address, addr))
		env.Setenv(s.variable+"PORT", addr[strings.LastIndexByte(addr, ':')+1:])
		if s.security == imaptest.Plain {
			continue
		}
		ca, err := servers[s.name].imap.CA()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(env.WorkDir, s.name+".pem"), ca, 0o600); err != nil {
			return err
		}
	}
	demoMail, err := filepath.Abs(filepath.Join("..", "testdata", "mail"))
	if err != nil {
		return err
	}
	for name, value := range map[string]string{
		"MAILFERRY_SOURCE_PASSWORD": "old-secret", "MAILFERRY_DEST_PASSWORD": "new-secret",
		"HOME": env.WorkDir, "XDG_STATE_HOME": filepath.Join(env.WorkDir, "state"), "XDG_CONFIG_HOME": filepath.Join(env.WorkDir, "config"),
		"DEMO_MAIL": demoMail,
	} {
		env.Setenv(name, value)
	}
	env.Values[serversKey{}] = servers
	return nil
}

// exits CODE COMMAND...: the command ends with exactly this exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if want := args[0]; strconv.Itoa(code) != want {
		ts.Fatalf("exit code %d, want %s", code, want)
	}
}

func withServer(f func(*testscript.TestScript, server, []string)) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		servers := ts.Value(serversKey{}).(map[string]server)
		if neg || len(args) < 2 {
			ts.Fatalf("usage: COMMAND SERVER ARGUMENTS...")
		}
		s, ok := servers[args[0]]
		if !ok {
			ts.Fatalf("no server %q", args[0])
		}
		f(ts, s, args[1:])
	}
}

// fill SERVER FOLDER N: N different messages come into the folder.
func fill(ts *testscript.TestScript, s server, args []string) {
	path := mail.ParsePath(args[0])
	if s.account.Messages(path) == nil {
		ts.Check(s.account.Create(path, "", true))
	}
	have := len(s.account.Messages(path))
	for i := range number(ts, args[1]) {
		raw := fmt.Sprintf("Date: Mon, 3 Mar 2025 08:00:00 +0100\r\nFrom: a@x\r\nSubject: %s %d\r\nMessage-ID: <%d.%s@x>\r\n\r\nText %d\r\n",
			path, have+i, have+i, path, have+i)
		_, err := s.account.Append(path, mail.NewFlags(mail.Seen), time.Unix(1_700_000_000, 0), []byte(raw))
		ts.Check(err)
	}
}

// remove SERVER FOLDER N: the first N messages vanish from the folder.
func remove(ts *testscript.TestScript, s server, args []string) {
	path := mail.ParsePath(args[0])
	for _, m := range s.account.Messages(path)[:number(ts, args[1])] {
		ts.Check(s.account.Expunge(path, m.UID))
	}
}

// drop SERVER FOLDER...: the folders vanish.
func drop(ts *testscript.TestScript, s server, args []string) {
	for _, name := range args {
		ts.Check(s.account.Delete(mail.ParsePath(name)))
	}
}

// refuse SERVER TEXT WORDS: the server does not take messages that contain TEXT.
func refuse(_ *testscript.TestScript, s server, args []string) {
	s.account.OnAppend(imaptest.Refuse(args[0], "", args[1]))
}

// holds SERVER FOLDER N: so many messages are in the folder (- if there is none),
// and no two are the same.
func holds(ts *testscript.TestScript, s server, args []string) {
	messages := s.account.Messages(mail.ParsePath(args[0]))
	if args[1] == "-" {
		if messages != nil {
			ts.Fatalf("folder %s exists", args[0])
		}
		return
	}
	if len(messages) != number(ts, args[1]) {
		ts.Fatalf("folder %s holds %d messages, want %s", args[0], len(messages), args[1])
	}
	seen := make(map[string]bool)
	for _, m := range messages {
		if seen[string(m.Raw)] {
			ts.Fatalf("folder %s holds a message twice:\n%s", args[0], m.Raw)
		}
		seen[string(m.Raw)] = true
	}
}

// saw SERVER COMMAND N: the command reached the server so many times.
func saw(ts *testscript.TestScript, s server, args []string) {
	if got := s.imap.Count(strings.Fields(args[0])...); got != number(ts, args[1]) {
		ts.Fatalf("%s came %d times, want %s: %v", args[0], got, args[1], s.imap.Commands())
	}
}

// lock FILE: another run holds the record in FILE.
func lock(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: lock FILE")
	}
	l, err := ledger.Open(ts.MkAbs(args[0]), ledger.Identity{Source: "a", Dest: "b"})
	ts.Check(err)
	ts.Defer(func() { _ = l.Close() })
}

// hold ARCHIVE: another run writes the archive.
func hold(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hold ARCHIVE")
	}
	a, err := archive.Open(context.Background(), ts.MkAbs(args[0]), archive.Options{Write: true})
	ts.Check(err)
	ts.Defer(func() { _ = a.Close() })
}

// flip GLOB: the last octet but two changes in the first file of that name.
func flip(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: flip GLOB")
	}
	names, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(names) == 0 {
		ts.Fatalf("no file %s", args[0])
	}
	octets, err := os.ReadFile(names[0])
	ts.Check(err)
	octets[len(octets)-3] ^= 1
	ts.Check(os.WriteFile(names[0], octets, 0o600))
}

// write FILE TEXT: like a file of the script, with $VARIABLES; \n ends a line.
func write(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: write FILE TEXT")
	}
	text := strings.ReplaceAll(os.Expand(args[1], ts.Getenv), `\n`, "\n")
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// env-of VARIABLE FILE: the variable gets the file's content.
func envOf(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: env-of VARIABLE FILE")
	}
	ts.Setenv(args[0], ts.ReadFile(args[1]))
}

func number(ts *testscript.TestScript, text string) int {
	n, err := strconv.Atoi(text)
	ts.Check(err)
	return n
}
