package commands

import (
	"github.com/urfave/cli/v2"

	"mailferry/transfer"
)

func (w *world) restoreCommand(h *halt) *cli.Command {
	return command(cli.Command{
		Name:      "restore",
		Usage:     "put an archive back into an account",
		ArgsUsage: "ARCHIVE DESTINATION",
		Description: `Brings the account to the state of the archive's last run; mail that is there already is not
copied again. The archive is only read. mailferry list ARCHIVE shows its runs.

A message whose file is damaged is left out and named (exit code 3).`,
		Flags: join([]cli.Flag{
			&cli.StringFlag{Name: "as-of", Usage: "restore the state after `RUN|DATE`: the run of that number, or the last that began by that day"},
			&cli.BoolFlag{Name: "with-gone", Usage: "restore also what the source had lost"},
			&cli.BoolFlag{Name: "with-damaged", Usage: "restore damaged messages as they are"},
		}, folderFlags(), copyFlags(), outputFlags(), endFlags(transfer.EndDest), configFlag()),
		Action: func(c *cli.Context) error {
			m := &migration{w: w, command: "restore", takes: "an archive and a destination", fits: fitsRestore}
			if c.IsSet("as-of") && c.String("as-of") == "" {
				return usage("--as-of is empty", "")
			}
			m.archive.AsOf, m.archive.WithGone, m.archive.WithDamaged = c.String("as-of"), c.Bool("with-gone"), c.Bool("with-damaged")
			return m.start(c, h)
		},
	})
}

func fitsRestore(source, _ address) error {
	if source.isArchive() {
		return nil
	}
	return usage("restore reads an archive, and "+source.String()+" is an account", "the archive comes first: mailferry restore ARCHIVE DESTINATION")
}
