package commands

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"mailferry/transfer"
)

// passwordWays is the hint that lists where an end's password may come from.
func passwordWays(end transfer.End) string {
	name := side(end)
	return fmt.Sprintf("give it by --%s-password-file FILE, --%s-password-command COMMAND, MAILFERRY_%s_PASSWORD, "+
		"password_file or password_command of an account in the configuration file, $CREDENTIALS_DIRECTORY/%s-password, "+
		"the system's keyring, or on a terminal (mailferry help addresses)", name, name, strings.ToUpper(name), name)
}

// errNoTerminal: there is nobody to ask.
var errNoTerminal = errors.New("no terminal to ask for the password")

// secret gives the password of an account.
type secret func(ctx context.Context) (string, error)

// side is the prefix of an end's flags and variables.
func side(end transfer.End) string {
	if end == transfer.EndDest {
		return "dest"
	}
	return "source"
}

// secretWays is where an end's password may come from, as the user said it.
type secretWays struct {
	end     transfer.End
	file    string   // --source-password-file
	command []string // --source-password-command, split
	account account
	config  *config
	address address
	flags   bool // the end's variables are meant for this account
}

// findSecret looks for the password in every place, what was said most
// explicitly first. It is found before anything is contacted, so that nobody is asked amid a run.
func (w *world) findSecret(ctx context.Context, ways secretWays) (secret, error) {
	file, command := ways.file, ways.command
	direct := ""
	if ways.flags {
		direct = w.env("MAILFERRY_" + strings.ToUpper(side(ways.end)) + "_PASSWORD")
	}
	switch {
	case file != "" && len(command) > 0:
		return nil, usage(fmt.Sprintf("--%[1]s-password-file and --%[1]s-password-command are both given", side(ways.end)), "leave one of them out")
	case file == "" && len(command) == 0 && direct != "":
		return fixed(direct), nil
	case file == "" && len(command) == 0:
		file, command = ways.config.passwordFile(ways.account), ways.account.PasswordCommand
	}
	switch {
	case file != "":
		return w.fromFile(file)
	case len(command) > 0:
		return w.fromCommand(ctx, command, ways.address.usesToken())
	}
	return w.unasked(ctx, ways)
}

// unasked looks where passwords lie without the user having said so, and asks at last.
func (w *world) unasked(ctx context.Context, ways secretWays) (secret, error) {
	if dir := w.env("CREDENTIALS_DIRECTORY"); dir != "" && ways.flags {
		path := filepath.Join(dir, side(ways.end)+"-password")
		if _, err := os.Stat(path); err == nil {
			return w.fromFile(path)
		}
	}
	name := ways.address.user + "@" + ways.address.host
	if password, err := w.keyring(ctx, name); err == nil && password != "" {
		return fixed(password), nil
	}
	password, err := w.prompt(ctx, fmt.Sprintf("Password of the %s %s: ", ways.end, ways.address))
	if errors.Is(err, errNoTerminal) {
		return nil, usage(fmt.Sprintf("no password for the %s %s, and no terminal to ask for it", ways.end, ways.address), passwordWays(ways.end))
	}
	if errors.Is(err, errNothingTyped) {
		return nil, usage(fmt.Sprintf("no password was typed for the %s %s", ways.end, ways.address), passwordWays(ways.end))
	}
	if err != nil {
		return nil, err
	}
	return fixed(password), checkPassword(password, "the password typed")
}

func fixed(password string) secret {
	return func(context.Context) (string, error) { return password, nil }
}

func (w *world) fromFile(path string) (secret, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, usage("password file: "+err.Error(), "the file holds the password on one line; mailferry help addresses has the other ways")
	}
	if info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		w.warn("password file %s can be read by others (mode %04o); chmod 600 mends that", path, info.Mode().Perm())
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, usage("password file: "+err.Error(), "")
	}
	password := withoutNewline(string(b))
	return fixed(password), checkPassword(password, "password file "+path)
}

// fromCommand runs a command, without a shell. An access token expires amid a long
// run, so its command is run for each login; any other only once.
func (w *world) fromCommand(ctx context.Context, argv []string, again bool) (secret, error) {
	run := func(ctx context.Context) (string, error) {
		cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
		cmd.Stderr = w.stderr
		out, err := cmd.Output()
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		if err != nil {
			return "", usage(fmt.Sprintf("password command %s: %v", argv[0], err), "it is run without a shell; for pipes and variables write sh -c '...'")
		}
		password := withoutNewline(string(out))
		return password, checkPassword(password, "password command "+argv[0])
	}
	password, err := run(ctx)
	if err != nil || again {
		return run, err
	}
	return fixed(password), nil
}

func withoutNewline(text string) string {
	return strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
}

func checkPassword(password, from string) error {
	switch {
	case password == "":
		return usage(from+" is empty", "")
	case strings.ContainsAny(password, "\r\n"):
		return usage(from+" has more than one line", "only the password itself may be in it")
	case strings.Contains(password, "\x00"):
		return usage(from+" holds a NUL", "")
	}
	return nil
}
