package commands

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"mailferry/transfer/imapstore/imaptest"
)

func (w *world) demoCommand() *cli.Command {
	return command(cli.Command{
		Name:  "demo",
		Usage: "show it all on servers inside this program",
		Description: `Starts IMAP servers on loopback, fills one with sample mail, and runs the commands that move
it to the other; then backs it up, loses the server, and restores it to a third. Takes seconds, touches
no account of yours, and leaves nothing behind.`,
		Action: func(c *cli.Context) error {
			if err := arguments(c, 0, 0, "no arguments"); err != nil {
				return err
			}
			return w.demo(c.Context)
		},
	})
}

// demo is three servers and a world in which their passwords are known.
type demo struct {
	out             io.Writer
	inner           *world
	old, new, fresh *demoServer
	archive         string
}

type demoServer struct {
	server  *imaptest.Server
	account *imaptest.Account
	address string
}

func (w *world) demo(ctx context.Context) error {
	started := w.now()
	dir, err := os.MkdirTemp("", "mailferry-demo-")
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer os.RemoveAll(dir)
	d := &demo{out: w.stdout, inner: w.demoWorld(dir), archive: "maildir:" + filepath.Join(dir, "archive")}
	for _, s := range []**demoServer{&d.old, &d.new, &d.fresh} {
		if *s, err = startDemoServer(); err != nil {
			return fmt.Errorf("demo: %w", err)
		}
		defer (*s).server.Close()
	}
	if err := fillDemo(d.old.account, w.demoMail); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	messages, err := d.play(ctx)
	if err != nil {
		return err
	}
	if err := d.playOutage(ctx); err != nil {
		return err
	}
	fmt.Fprintf(w.stdout, "The demo went well: %s arrived twice, by migration and by backup and restore, byte for byte, with flags and dates, and once each (%.1f s).\n",
		count(messages, "message"), w.now().Sub(started).Seconds())
	return nil
}

// demoWorld is this world without the user's environment and with a directory
// that goes away.
func (w *world) demoWorld(dir string) *world {
	inner := *w
	env := map[string]string{
		"HOME":                      dir,
		"XDG_CONFIG_HOME":           filepath.Join(dir, "config"),
		"XDG_STATE_HOME":            filepath.Join(dir, "state"),
		"MAILFERRY_SOURCE_PASSWORD": demoPassword,
		"MAILFERRY_DEST_PASSWORD":   demoPassword,
		"NO_COLOR":                  "1",
	}
	inner.getenv = func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	inner.environ = func() []string { return nil }
	inner.signals = func() (<-chan os.Signal, func()) { return nil, func() {} }
	inner.stdout, inner.stderr = &indented{w: w.stdout}, &indented{w: w.stderr}
	return &inner
}

const demoPassword = "demo"

func startDemoServer() (*demoServer, error) {
	server := imaptest.New(imaptest.Options{})
	addr, err := server.Start()
	if err != nil {
		return nil, err
	}
	return &demoServer{server, server.AddUser("anna", demoPassword), "imap://anna@" + addr + "?tls=none"}, nil
}

// play runs the steps and returns how many messages were moved.
func (d *demo) play(ctx context.Context) (messages int, err error) {
	fmt.Fprint(d.out, `Two IMAP servers run inside this program: an old one with mail, a new one without. Their passwords
are in MAILFERRY_SOURCE_PASSWORD and MAILFERRY_DEST_PASSWORD.

What is there:

`)
	if err := d.step(ctx, "list", d.old.address); err != nil {
		return 0, err
	}
	fmt.Fprint(d.out, "Copy it. The old server is only read:\n\n")
	if err := d.step(ctx, "migrate", d.old.address, d.new.address); err != nil {
		return 0, err
	}
	fmt.Fprint(d.out, "Once more, as after a crash, or every night until the day of the move. Nothing is left to do:\n\n")
	before := d.new.server.Count("APPEND")
	if err := d.step(ctx, "migrate", d.old.address, d.new.address); err != nil {
		return 0, err
	}
	if n := d.new.server.Count("APPEND") - before; n != 0 {
		return 0, fmt.Errorf("demo: the second run sent %s again", count(n, "message"))
	}
	fmt.Fprint(d.out, "Trust is good, reading every byte at both ends is better:\n\n")
	if err := d.step(ctx, "compare", "--bodies", d.old.address, d.new.address); err != nil {
		return 0, err
	}
	return sameMail(d.old.account, d.new.account)
}

// step shows a command as it would be typed, and carries it out.
func (d *demo) step(ctx context.Context, args ...string) error {
	line := "mailferry"
	for _, a := range args {
		if strings.Contains(a, "?") {
			a = "'" + a + "'"
		}
		line += " " + a
	}
	fmt.Fprintf(d.out, "$ %s\n\n", line)
	code := d.inner.run(ctx, append([]string{"mailferry"}, args...))
	fmt.Fprintln(d.out)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if code != exitOK {
		return fmt.Errorf("demo: mailferry %s ended with exit code %d", args[0], code)
	}
	return nil
}

// indented sets output apart from the text around it.
type indented struct {
	w    io.Writer
	open bool // the last line has no end yet
}

func (i *indented) Write(p []byte) (int, error) {
	var b bytes.Buffer
	for line := range bytes.Lines(p) {
		if !i.open && len(line) > 1 {
			b.WriteString("    ")
		}
		b.Write(line)
		i.open = line[len(line)-1] != '\n'
	}
	if _, err := i.w.Write(b.Bytes()); err != nil {
		return 0, err
	}
	return len(p), nil
}
