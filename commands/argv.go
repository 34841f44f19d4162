package commands

import (
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
)

// arrange rewrites a command line so that the flag parser sees every flag,
// wherever it stands: the parser ends at the first argument and would take a later
// "--dry-run" for an address without a word. Flags that are set in the
// environment and not on the command line come first. "--" ends the flags.
func arrange(app *cli.App, args []string, getenv func(string) (string, bool)) ([]string, error) {
	flags, operands, err := split(args[1:], flagArities(app))
	if err != nil {
		return nil, err
	}
	out := args[:1:1]
	var command *cli.Command
	if len(operands) > 0 && (len(args) < 2 || args[1] != "--") {
		command = app.Command(operands[0])
	}
	if command == nil && len(operands) > 0 && slices.ContainsFunc(flags, func(arg string) bool { return !isFlagOf(app, arg) }) {
		return nil, unknownCommand(app, operands[0]) // the flags are of the command that was meant
	}
	if command == nil {
		return append(append(append(out, flags...), "--"), operands...), nil
	}
	if isGiven(cli.HelpFlag, flags) {
		return append(out, operands[0], "--help"), nil
	}
	set, err := fromEnvironment(command, flags, getenv)
	if err != nil {
		return nil, err
	}
	out = append(append(append(out, operands[0]), set...), flags...)
	return append(append(out, "--"), operands[1:]...), nil
}

// split separates flags, each with its value, from the other arguments. A value that
// looks like a flag is refused: in "--report --dry-run" the value was forgotten.
func split(args []string, takesValue map[string]bool) (flags, operands []string, err error) {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			return flags, append(operands, args[i+1:]...), nil
		case len(arg) < 2 || arg[0] != '-':
			operands = append(operands, arg)
		default:
			flags = append(flags, arg)
			name, _, joined := strings.Cut(strings.TrimLeft(arg, "-"), "=")
			if joined || !takesValue[name] {
				continue
			}
			if i++; i == len(args) || strings.HasPrefix(args[i], "-") && args[i] != "-" {
				return nil, nil, usage("flag --"+name+" has no value", "a value that begins with - is written --"+name+"=VALUE")
			}
			flags = append(flags, args[i])
		}
	}
	return flags, operands, nil
}

// flagArities tells of every flag of every command whether a value follows it.
func flagArities(app *cli.App) map[string]bool {
	out := make(map[string]bool)
	for _, c := range app.Commands {
		for _, f := range c.Flags {
			_, isBool := f.(*cli.BoolFlag)
			for _, name := range f.Names() {
				out[name] = !isBool
			}
		}
	}
	return out
}

// envName is the variable that sets a flag; empty for the two that only a command
// line may set, because they delete.
func envName(flag string) string {
	if flag == "mirror" || flag == "max-delete" || flag == "help" {
		return ""
	}
	return "MAILFERRY_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// fromEnvironment returns the command's flags that the environment sets and the
// command line does not.
func fromEnvironment(command *cli.Command, given []string, getenv func(string) (string, bool)) ([]string, error) {
	var out []string
	for _, f := range command.Flags {
		variable := envName(f.Names()[0])
		value, _ := getenv(variable)
		if variable == "" || value == "" || isGiven(f, given) {
			continue
		}
		values := []string{value}
		switch f.(type) {
		case *cli.StringSliceFlag:
			values = strings.Split(strings.TrimSuffix(value, "\n"), "\n")
		case *cli.IntFlag:
			if _, err := strconv.Atoi(value); err != nil {
				return nil, usage(variable+": "+strconv.Quote(value)+" is no whole number", "")
			}
		case *cli.BoolFlag:
			if _, err := strconv.ParseBool(value); err != nil {
				return nil, usage(variable+": "+strconv.Quote(value)+" is neither true nor false", "write "+variable+"=1 or unset it")
			}
		}
		for _, v := range values {
			out = append(out, "--"+f.Names()[0]+"="+v)
		}
	}
	return out, nil
}

// isFlagOf reports whether arg is one of the flags that need no command.
func isFlagOf(app *cli.App, arg string) bool {
	return slices.ContainsFunc(app.Flags, func(f cli.Flag) bool { return isGiven(f, []string{arg}) })
}

func isGiven(f cli.Flag, given []string) bool {
	return slices.ContainsFunc(given, func(arg string) bool {
		name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		return strings.HasPrefix(arg, "-") && slices.Contains(f.Names(), name)
	})
}

// namingVariable says of a mistake in a flag that nobody typed which variable has set it.
func (w *world) namingVariable(err error, args []string) error {
	u, ok := err.(*usageError)
	if !ok || !strings.HasPrefix(u.msg, "--") {
		return err
	}
	flag := strings.TrimLeft(u.msg, "-")
	if end := strings.IndexAny(flag, ": "); end > 0 {
		flag = flag[:end]
	}
	variable := envName(flag)
	typed := slices.ContainsFunc(args, func(arg string) bool {
		name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		return strings.HasPrefix(arg, "-") && name == flag
	})
	if typed || variable == "" || w.env(variable) == "" {
		return err
	}
	return usage(variable+": "+u.msg, u.hint)
}

// wantsJSON is asked also when the command line could not be parsed.
func wantsJSON(args []string, getenv func(string) (string, bool)) bool {
	for _, a := range args {
		switch a {
		case "--json", "-json", "--json=true", "--json=1":
			return true
		case "--":
			return false
		}
	}
	v, _ := getenv("MAILFERRY_JSON")
	on, err := strconv.ParseBool(v)
	return err == nil && on
}
