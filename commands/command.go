package commands

import (
	"slices"

	"github.com/urfave/cli/v2"
)

// command completes a command with what all have in common.
func command(c cli.Command) *cli.Command {
	c.HideHelpCommand = true // an account may be called "help"
	c.OnUsageError = flagError
	c.CustomHelpTemplate = commandHelp
	for _, f := range c.Flags {
		if b, ok := f.(*cli.BoolFlag); ok {
			b.DisableDefaultText = true
		}
	}
	return &c
}

func join(groups ...[]cli.Flag) []cli.Flag { return slices.Concat(groups...) }
