package commands

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

const appHelp = `{{.Name}} - {{.Usage}}

USAGE:
   {{.UsageText}}

COMMANDS:
{{range .VisibleCommands}}   {{printf "%-10s" .Name}}{{.Usage}}
{{end}}
   mailferry COMMAND --help      explains a command
   mailferry help TOPIC          explains addresses, environment, exit-codes, json
`

const commandHelp = `mailferry {{.Name}} - {{.Usage}}

USAGE:
   {{.HelpName}}{{if .VisibleFlags}} [flags]{{end}}{{if .ArgsUsage}} {{.ArgsUsage}}{{end}}

   {{nindent 3 .Description | trim}}
{{if .VisibleFlags}}
FLAGS (before, between or after the addresses):
{{range .VisibleFlags}}   {{.}}
{{end}}{{end}}`

func (w *world) helpCommand() *cli.Command {
	return command(cli.Command{
		Name:        "help",
		Usage:       "explain a command or a topic",
		ArgsUsage:   "[COMMAND|TOPIC]",
		Description: "Topics: addresses, environment, exit-codes, json.",
		Action:      w.help,
	})
}

func (w *world) help(c *cli.Context) error {
	if err := arguments(c, 0, 1, "one command or topic"); err != nil {
		return err
	}
	name := c.Args().First()
	if name == "" {
		return cli.ShowAppHelp(c)
	}
	if topic, ok := w.topic(c.App, name); ok {
		_, err := fmt.Fprint(w.stdout, topic)
		return err
	}
	for _, known := range c.App.Commands {
		if known.Name == name {
			cli.HelpPrinter(w.stdout, known.CustomHelpTemplate, known)
			return nil
		}
	}
	return usage(fmt.Sprintf("no help on %q", name), "there is help on addresses, environment, exit-codes and json, and on each command")
}

func (w *world) topic(app *cli.App, name string) (string, bool) {
	switch name {
	case "exit-codes":
		return exitCodesTopic(), true
	case "environment":
		return environmentTopic(app), true
	case "addresses":
		return addressesTopic(), true
	case "json":
		return jsonTopic, true
	}
	return "", false
}

func exitCodesTopic() string {
	var b strings.Builder
	b.WriteString("EXIT CODES\n\n")
	for _, m := range exitMeanings() {
		fmt.Fprintf(&b, "   %3d  %-26s %s\n", m.code, m.name, m.means)
	}
	b.WriteString(`
When several apply: a signal before 4, 5, 6, 11, 12, 10, 7, 8, 3, 9 and 1.
Flags and keywords that the destination cannot store are counted and leave the code at 0.
Take any other number for a failure: codes may be added.
`)
	return b.String()
}

func environmentTopic(app *cli.App) string {
	var b strings.Builder
	b.WriteString("ENVIRONMENT\n\nA flag on the command line counts before its variable.\nA list holds one value to a line. --mirror and --max-delete have no variable.\n\n")
	var names []string
	for name := range flagArities(app) {
		if len(name) > 1 && envName(name) != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "   %-36s --%s\n", envName(name), name)
	}
	b.WriteString(`
   MAILFERRY_SOURCE_PASSWORD            password of the source
   MAILFERRY_DEST_PASSWORD              password of the destination
   CREDENTIALS_DIRECTORY                directory (set by systemd) with source-password and dest-password
   XDG_CONFIG_HOME                      its mailferry/config.toml names accounts (default ~/.config)
   XDG_STATE_HOME                       its mailferry/ records what was done (default ~/.local/state)
   DBUS_SESSION_BUS_ADDRESS             where the system's keyring is asked (Linux, BSD)
   NO_COLOR                             no colours
`)
	return b.String()
}

func addressesTopic() string {
	var b strings.Builder
	b.WriteString(`ADDRESSES

   imaps://USER@HOST[:PORT]   TLS from the start; port 993
   imap://USER@HOST[:PORT]    STARTTLS, never without it; port 143
   NAME                       an account of the configuration file
   maildir:PATH, mbox:PATH    an archive; backup and migrate make it if PATH is not there or empty.
                              As a source also a Maildir, an mbox or a tree of them of any program
   PATH                       an archive that is there

The last @ before the first ? ends USER, so that imaps://anna@example.org@imap.example.org
is the user anna@example.org. A ? or : in USER is written %3F or %3A, a % is written %25. An IPv6 address
stands in brackets. Nothing may follow the host but options: imaps://USER@HOST?option=value&option=value

`)
	for _, o := range addressOptions() {
		fmt.Fprintf(&b, "   %-12s %s\n", o[0], o[1])
	}
	b.WriteString(`
In a shell, put an address with options in quotes.

PASSWORDS come from the first of these that is there:

   --source-password-file, --source-password-command (for the destination --dest-...)
   MAILFERRY_SOURCE_PASSWORD, MAILFERRY_DEST_PASSWORD
   password_file or password_command of the account in the configuration file
   $CREDENTIALS_DIRECTORY/source-password, $CREDENTIALS_DIRECTORY/dest-password
   the system's keyring: service mailferry, user name USER@HOST, for example by
       secret-tool store --label=mail service mailferry username anna@imap.example.org
   the terminal

In list, backup and verify the account is the source, in restore the destination; in check the first is
the source and the second the destination; in compare A is the source and B the destination.

CONFIGURATION FILE: $XDG_CONFIG_HOME/mailferry/config.toml, or --config FILE

   [accounts.old]
   address = "imaps://anna@imap.example.org"
   password_command = ["pass", "show", "mail/anna"]

   [accounts.new]
   address = "imaps://anna@example.com@imap.example.com?connections=2"
   password_file = "anna.password"     # beside the configuration file
`)
	return b.String()
}
