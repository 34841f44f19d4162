package commands

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"
)

// world is what a command meets outside its arguments. Tests and the demo put
// their own in place of the process's.
type world struct {
	stdin    io.Reader
	stdout   io.Writer
	stderr   io.Writer
	getenv   func(string) (string, bool)
	environ  func() []string // NAME=VALUE of every variable
	now      func() time.Time
	every    func(time.Duration) (ticks <-chan time.Time, stop func())
	signals  func() (received <-chan os.Signal, stop func())
	prompt   func(ctx context.Context, question string) (string, error)
	keyring  func(ctx context.Context, user string) (string, error)
	engine   engine
	demoMail fs.FS
}

func processWorld(stdin io.Reader, stdout, stderr io.Writer, demoMail fs.FS) *world {
	w := &world{
		stdin: stdin, stdout: stdout, stderr: stderr,
		getenv:   os.LookupEnv,
		environ:  os.Environ,
		now:      time.Now,
		every:    every,
		signals:  processSignals,
		engine:   realEngine(),
		demoMail: demoMail,
	}
	w.prompt = w.askOnTerminal
	w.keyring = w.askKeyring
	return w
}

func every(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTicker(d)
	return t.C, t.Stop
}

func processSignals() (<-chan os.Signal, func()) {
	c := make(chan os.Signal, 2)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	return c, func() { signal.Stop(c) }
}

// env returns a variable's value; an empty variable counts as not set.
func (w *world) env(name string) string {
	v, _ := w.getenv(name)
	return v
}

// warn tells of something that does not stop the command.
func (w *world) warn(format string, args ...any) {
	fmt.Fprintln(w.stderr, "mailferry: warning: "+shown(fmt.Sprintf(format, args...)))
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// terminalWidth is the number of columns of the terminal that stream is; many where that is not known.
func terminalWidth(stream any) int {
	const many = 1000
	f, ok := stream.(*os.File)
	if !ok {
		return many
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		return many
	}
	return width
}

// colour reports whether text on stderr may be coloured (https://no-color.org).
func (w *world) colour() bool {
	return isTerminal(w.stderr) && w.env("NO_COLOR") == "" && w.env("TERM") != "dumb"
}
