package commands

import (
	"github.com/urfave/cli/v2"

	"mailferry/transfer"
)

func (w *world) backupCommand(h *halt) *cli.Command {
	return command(cli.Command{
		Name:      "backup",
		Usage:     "bring an archive of an account up to date",
		ArgsUsage: "SOURCE ARCHIVE",
		Description: `ARCHIVE is maildir:PATH or mbox:PATH, which is made if it is not there, or the path of an archive.
Other mail programs can read it. The archive keeps its own record of what was done: run the
same command every night, and it fetches what is new.

What vanishes from the source stays in the archive, marked as gone. If very much of a folder
vanishes at once it stays current, until a run with --accept-loss.`,
		Flags: join(folderFlags(), without(copyFlags(), "mirror", "max-delete", "state"), []cli.Flag{
			&cli.BoolFlag{Name: "accept-loss", Usage: "mark as gone also what vanished from the source in great number"},
			&cli.BoolFlag{Name: "new-source", Usage: "the account has moved: fill the archive from another address than before"},
		}, outputFlags(), endFlags(transfer.EndSource), configFlag()),
		Action: func(c *cli.Context) error {
			m := &migration{w: w, command: "backup", takes: "a source and an archive", fits: fitsBackup}
			m.archive.AcceptLoss, m.archive.NewSource = c.Bool("accept-loss"), c.Bool("new-source")
			return m.start(c, h)
		},
	})
}

func fitsBackup(source, dest address) error {
	switch {
	case dest.isArchive():
		return nil
	case source.isArchive():
		return usage("backup writes into an archive, and "+dest.String()+" is an account",
			"the archive comes last: mailferry backup SOURCE ARCHIVE; mailferry restore ARCHIVE DESTINATION puts it back")
	}
	return usage("backup writes into an archive, and "+dest.String()+" is an account",
		"write maildir:PATH or mbox:PATH as the second; mailferry migrate copies into an account")
}

// without leaves out flags by their names.
func without(flags []cli.Flag, names ...string) []cli.Flag {
	var out []cli.Flag
next:
	for _, f := range flags {
		for _, name := range names {
			if f.Names()[0] == name {
				continue next
			}
		}
		out = append(out, f)
	}
	return out
}
