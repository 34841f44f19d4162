package commands

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"mailferry/transfer"
	"mailferry/transfer/imapstore/wire"
)

// target is an argument that names a store, with all it takes to open it.
type target struct {
	end      transfer.End
	address  address
	account  account
	password secret
}

// targets resolves the arguments of a command, checks them, and finds their
// passwords, in this order: nobody is asked for a password in vain.
func (w *world) targets(ctx context.Context, c *cli.Context, ends ...transfer.End) ([]*target, error) {
	cfg, err := w.loadConfig(c.String("config"))
	if err != nil {
		return nil, err
	}
	var out []*target
	for i, arg := range c.Args().Slice() {
		t := &target{end: ends[min(i, len(ends)-1)]}
		if t.address, t.account, err = cfg.resolve(arg); err != nil {
			return nil, err
		}
		if t.address.security == wire.Plain && !t.address.loopback() && !c.Bool("allow-cleartext") {
			return nil, usage(fmt.Sprintf("%s: tls=none would send the password and all mail unprotected", t.address),
				"leave out tls=none, or allow it with --allow-cleartext")
		}
		out = append(out, t)
	}
	for i, t := range out {
		if t.password, err = w.passwordOf(ctx, c, cfg, t, i < len(ends)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// passwordOf finds a target's password; the flags and variables are for the first of
// each end only.
func (w *world) passwordOf(ctx context.Context, c *cli.Context, cfg *config, t *target, first bool) (secret, error) {
	ways := secretWays{end: t.end, account: t.account, config: cfg, address: t.address, flags: first}
	if first {
		command := side(t.end) + "-password-command"
		ways.file = c.String(side(t.end) + "-password-file")
		words, err := splitCommand(c.String(command))
		if err != nil || len(words) == 0 && strings.TrimSpace(c.String(command)) != "" {
			return nil, usage(fmt.Sprintf("--%s: %v", command, err), "")
		}
		ways.command = words
	}
	return w.findSecret(ctx, ways)
}

// options are what opening a target takes; opening connects nothing yet.
func (t *target) options(connections int, trace io.Writer) storeOptions {
	if t.address.connections > 0 {
		connections = t.address.connections
	}
	return storeOptions{address: t.address, password: t.password, connections: connections, trace: trace}
}

// openBoth opens the two ends of a job. done closes both, and the trace.
func (w *world) openBoth(c *cli.Context, ts []*target, job *transfer.Job) (done func(), err error) {
	trace, err := openTrace(c.String("trace"))
	if err != nil {
		return nil, err
	}
	job.Source = w.engine.source(ts[0].options(job.Connections, trace.of("source")))
	job.Dest = w.engine.store(ts[1].options(job.Connections, trace.of("destination")))
	return func() {
		_ = job.Source.Close()
		_ = job.Dest.Close()
		trace.close()
	}, nil
}

// trace is the file of --trace, shared by the ends of a run.
type trace struct{ file *os.File }

func openTrace(path string) (trace, error) {
	if path == "" {
		return trace{}, nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return trace{}, usage("--trace: "+err.Error(), "")
	}
	return trace{f}, nil
}

// of returns a writer that marks each line with its end; nil without --trace.
func (t trace) of(end string) io.Writer {
	if t.file == nil {
		return nil
	}
	return marked{t.file, end}
}

func (t trace) close() {
	if t.file != nil {
		_ = t.file.Close()
	}
}

// marked prefixes whole lines, each of which comes in one Write.
type marked struct {
	w    io.Writer
	mark string
}

func (m marked) Write(p []byte) (int, error) {
	if _, err := m.w.Write(append([]byte(m.mark+" "), p...)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// arguments checks how many addresses were given.
func arguments(c *cli.Context, least, most int, form string) error {
	n := c.Args().Len()
	if n >= least && (n <= most || most == 0) {
		return nil
	}
	msg := fmt.Sprintf("%s takes %s, not %d", c.Command.Name, form, n)
	if n > most && most > 0 {
		msg += fmt.Sprintf(" (from %q on they are too many)", c.Args().Get(most))
	}
	return usage(msg, fmt.Sprintf("mailferry %s %s", c.Command.Name, c.Command.ArgsUsage))
}
