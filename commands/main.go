// Package commands is what the user types and sees: the commands, addresses and
// flags, the configuration file, passwords, progress, reports, exit codes and
// help.
//
// It moves no message itself and never tries anything again: that is the
// engine's work, see package transfer.
package commands

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"runtime/debug"
	"strings"

	"github.com/urfave/cli/v2"
)

// Main carries out one command line (args[0] is the program's name) and returns
// the exit code for the process. Results go to stdout, everything else to
// stderr. demoMail holds the mail of the demo.
func Main(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, demoMail fs.FS) int {
	return int(processWorld(stdin, stdout, stderr, demoMail).run(ctx, args))
}

func (w *world) run(ctx context.Context, args []string) exitCode {
	stdout := &sink{w: w.stdout}
	own := *w
	own.stdout = stdout
	w = &own
	halt, ctx, done := w.watchSignals(ctx)
	defer done()
	app := w.newApp(halt)
	w.warnOfVariables(app)
	argv, err := arrange(app, args, w.getenv)
	if err == nil {
		err = app.RunContext(ctx, argv)
	}
	if err == nil {
		err = stdout.failed()
	}
	if err == nil {
		return exitOK
	}
	f := explain(w.namingVariable(err, args), halt.signal())
	w.printFailure(f)
	if wantsJSON(args, w.getenv) {
		w.printFailureJSON(f)
	}
	return f.code
}

func (w *world) newApp(halt *halt) *cli.App {
	return &cli.App{
		Name:      "mailferry",
		Usage:     "move mailboxes, lose nothing, double nothing, prove it",
		UsageText: "mailferry COMMAND [flags] ADDRESS...",
		Version:   version(),
		Commands: []*cli.Command{
			w.migrateCommand(halt),
			w.backupCommand(halt),
			w.restoreCommand(halt),
			w.verifyCommand(),
			w.compareCommand(),
			w.listCommand(),
			w.checkCommand(),
			w.demoCommand(),
			w.helpCommand(),
		},
		Flags:                     []cli.Flag{cli.HelpFlag, &cli.BoolFlag{Name: "version", Usage: "print the version"}},
		HideHelpCommand:           true,
		HideVersion:               true,
		DisableSliceFlagSeparator: true,
		Reader:                    w.stdin,
		Writer:                    w.stdout,
		ErrWriter:                 w.stderr,
		ExitErrHandler:            func(*cli.Context, error) {}, // Main prints errors and picks the code
		OnUsageError:              flagError,
		Action:                    w.withoutCommand,
		CustomAppHelpTemplate:     appHelp,
	}
}

// withoutCommand is reached when the first argument names no command.
func (w *world) withoutCommand(c *cli.Context) error {
	if c.Bool("version") {
		fmt.Fprintln(w.stdout, "mailferry "+version())
		return nil
	}
	if !c.Args().Present() {
		c.App.Writer = w.stderr
		_ = cli.ShowAppHelp(c)
		return usage("no command given", "mailferry help lists the commands")
	}
	return unknownCommand(c.App, c.Args().First())
}

func unknownCommand(app *cli.App, name string) error {
	hint := "mailferry help lists the commands"
	if strings.Contains(name, "://") {
		hint = "a command comes before the addresses, as in mailferry list ADDRESS; " + hint
	} else if s := closest(name, commandNames(app)); s != "" {
		hint = fmt.Sprintf("did you mean %q? %s", s, hint)
	}
	return usage(fmt.Sprintf("unknown command %q", name), hint)
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(unknown version)"
	}
	return info.Main.Version
}
