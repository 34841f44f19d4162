package commands

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"mailferry/archive"
	"mailferry/transfer"
	"mailferry/transfer/imapstore/wire"
	"mailferry/transfer/mail"
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
	cfg, ts, err := w.named(c, ends...)
	if err != nil {
		return nil, err
	}
	return ts, w.unlock(ctx, c, cfg, ts, len(ends))
}

// named resolves the arguments of a command and checks them.
func (w *world) named(c *cli.Context, ends ...transfer.End) (cfg *config, out []*target, err error) {
	if cfg, err = w.loadConfig(c.String("config")); err != nil {
		return nil, nil, err
	}
	for i, arg := range c.Args().Slice() {
		t := &target{end: ends[min(i, len(ends)-1)]}
		if t.address, t.account, err = cfg.resolve(arg); err != nil {
			return nil, nil, err
		}
		if t.address.security == wire.Plain && !t.address.loopback() && !c.Bool("allow-cleartext") {
			return nil, nil, usage(fmt.Sprintf("%s: tls=none would send the password and all mail unprotected", t.address),
				"leave out tls=none, or allow it with --allow-cleartext")
		}
		out = append(out, t)
	}
	return cfg, out, nil
}

// unlock finds the passwords of the targets, those of the first ends by the flags and
// variables meant for them.
func (w *world) unlock(ctx context.Context, c *cli.Context, cfg *config, ts []*target, ends int) (err error) {
	for i, t := range ts {
		if t.address.isArchive() {
			continue
		}
		if t.password, err = w.passwordOf(ctx, c, cfg, t, i < ends); err != nil {
			return err
		}
	}
	return nil
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

// reach waits for ends that are being connected to.
type reach struct{ sync.WaitGroup }

// connect reaches a store while other things are done.
func (r *reach) connect(ctx context.Context, store mail.Source) {
	if far, ok := store.(mail.Connector); ok {
		r.Go(func() { far.Connect(ctx) })
	}
}

// openBoth opens the two ends of a job and begins to connect to them: the job may start when they have been
// reached. done closes both, the ledger that the job has got since, and the trace.
func (w *world) openBoth(c *cli.Context, ts []*target, job *transfer.Job, opts archive.Options, reached *reach) (done func(), err error) {
	trace, err := openTrace(c.String("trace"))
	if err != nil {
		return nil, err
	}
	if job.Source, err = w.openSource(c.Context, ts[0], opts, job.Connections, trace); err != nil {
		trace.close()
		return nil, err
	}
	ctx, cancel := context.WithCancel(c.Context) // nobody waits for ends that are not needed after all
	reached.connect(ctx, job.Source)
	if job.Dest, err = w.openDest(c.Context, ts[1], opts, job, trace); err != nil {
		cancel()
		reached.Wait()
		_ = job.Source.Close()
		trace.close()
		return nil, err
	}
	reached.connect(ctx, job.Dest)
	return func() {
		cancel()
		reached.Wait()
		var servers sync.WaitGroup
		servers.Go(func() { _ = job.Source.Close() }) // each takes its time to say goodbye
		if !ts[1].address.isArchive() {
			servers.Go(func() { _ = job.Dest.Close() })
		}
		if job.Ledger != nil { // it may lie in the archive, whose lock is its own
			_ = job.Ledger.Close()
		}
		if ts[1].address.isArchive() {
			if err := job.Dest.Close(); err != nil {
				w.warn("%v", err)
			}
		}
		servers.Wait()
		trace.close()
	}, nil
}

// openSource opens a target for reading only.
func (w *world) openSource(ctx context.Context, t *target, opts archive.Options, connections int, trace trace) (mail.Source, error) {
	if t.address.isArchive() {
		return w.storedToRead(ctx, t, opts)
	}
	return w.engine.source(t.options(connections, trace.of(string(t.end)))), nil
}

// openDest opens the second end of a job, an archive for reading only unless opts says Write.
func (w *world) openDest(ctx context.Context, t *target, opts archive.Options, job *transfer.Job, trace trace) (mail.Store, error) {
	switch {
	case !t.address.isArchive():
		return w.engine.store(t.options(job.Connections, trace.of(string(t.end)))), nil
	case !opts.Write:
		return w.storedToCompare(ctx, t)
	case job.DryRun:
		return w.archiveToPlan(ctx, t)
	}
	return w.archiveToWrite(ctx, t, opts)
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
	_ = f.Chmod(0o600) // a file that was there keeps its mode, and a device has none to change
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
