package commands

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/zalando/go-keyring"
	"golang.org/x/term"
)

// askOnTerminal asks on the controlling terminal, without echo. When both stdin
// and stderr lead elsewhere nobody is looking, and it does not ask.
func (w *world) askOnTerminal(ctx context.Context, question string) (string, error) {
	if !isTerminal(w.stdin) && !isTerminal(w.stderr) {
		return "", errNoTerminal
	}
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return "", errNoTerminal
	}
	before, err := term.MakeRaw(int(tty.Fd()))
	if err != nil {
		_ = tty.Close()
		return "", errNoTerminal
	}
	fmt.Fprint(tty, shown(question))
	type answer struct {
		password string
		err      error
	}
	answered := make(chan answer, 1)
	// Nothing can wake a read of a terminal, so after Ctrl-C it is left to the end
	// of the process, which is near; the echo must be back by then.
	go func() {
		p, err := readHidden(tty, interruptSelf)
		answered <- answer{p, err}
	}()
	back := func() {
		_ = term.Restore(int(tty.Fd()), before)
		fmt.Fprintln(tty)
	}
	select {
	case a := <-answered:
		back()
		_ = tty.Close()
		return a.password, a.err
	case <-ctx.Done():
		back()
		return "", ctx.Err()
	}
}

// interruptSelf is what a terminal does at Ctrl-C unless it is in raw mode.
func interruptSelf() {
	if own, err := os.FindProcess(os.Getpid()); err == nil {
		_ = own.Signal(os.Interrupt)
	}
}

var errNoKeyring = errors.New("no keyring")

// askKeyring looks up service "mailferry" in the keyring of the system. Where there is no
// session bus it does not try: the library would start one.
func (w *world) askKeyring(ctx context.Context, user string) (string, error) {
	if !w.hasKeyring() {
		return "", errNoKeyring
	}
	type answer struct {
		password string
		err      error
	}
	answered := make(chan answer, 1)
	// The library cannot be interrupted, and a keyring that waits for its owner to
	// unlock it may never answer.
	go func() {
		p, err := keyring.Get("mailferry", user)
		answered <- answer{p, err}
	}()
	wait := 5 * time.Second
	if isTerminal(w.stderr) {
		wait = time.Minute
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	select {
	case a := <-answered:
		return a.password, a.err
	case <-ctx.Done():
		return "", errNoKeyring
	}
}

func (w *world) hasKeyring() bool {
	switch runtime.GOOS {
	case "darwin", "windows":
		return true
	}
	return w.env("DBUS_SESSION_BUS_ADDRESS") != ""
}
