// Mailferry moves mailboxes between IMAP servers. See package commands for what the
// user sees and package transfer for how the work is done.
package main

import (
	"context"
	"embed"
	"io/fs"
	"os"

	"mailferry/commands"
)

//go:embed testdata/mail
var testdata embed.FS

func main() {
	mail, err := fs.Sub(testdata, "testdata/mail")
	if err != nil {
		panic(err) // the name above is no valid path
	}
	os.Exit(commands.Main(context.Background(), os.Args, os.Stdin, os.Stdout, os.Stderr, mail))
}
