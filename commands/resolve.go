package commands

import (
	"fmt"
	"os"
	"strings"
)

// resolve finds out what an argument names: an address, an account of the
// configuration file, or an archive that is there.
func (c *config) resolve(arg string) (address, account, error) {
	if isIMAP(arg) {
		a, err := parseAddress(arg)
		return a, account{}, err
	}
	if hasArchiveScheme(arg) {
		a, err := parseArchive(arg)
		return a, account{}, err
	}
	if err := otherForm(arg); err != nil {
		return address{}, account{}, err
	}
	acc, known := c.Accounts[arg]
	_, err := os.Lstat(arg)
	switch {
	case known && err == nil:
		return address{}, acc, usage(fmt.Sprintf("%q is an account of %s and also a file or directory here", arg, c.path),
			fmt.Sprintf("write ./%s for the one here, or rename the account", arg))
	case known:
		a, err := parseAddress(acc.Address)
		if err != nil {
			return a, acc, fmt.Errorf("configuration %s: account %q: %w", c.path, arg, err)
		}
		return a, acc, nil
	case err == nil:
		a, err := archiveAt(arg, "")
		return a, account{}, err
	}
	return address{}, acc, c.unknown(arg)
}

// otherForm refuses what has a scheme, but not one of IMAP's.
func otherForm(arg string) error {
	scheme, _, isURL := strings.Cut(arg, "://")
	lower := strings.ToLower(arg)
	switch {
	case arg == "":
		return usage("an address is empty", "is a shell variable not set?")
	case isURL:
		return usage(fmt.Sprintf("unknown kind of address %s://", scheme), "write imaps://USER@HOST; mailferry help addresses lists the forms")
	case strings.HasPrefix(lower, "imap:"), strings.HasPrefix(lower, "imaps:"):
		return usage("the address has no // after its scheme", "write imaps://USER@HOST")
	}
	return nil
}

func (c *config) unknown(arg string) error {
	hint := "mailferry help addresses lists the forms of an address"
	switch {
	case strings.Contains(arg, "/"):
		return usage(fmt.Sprintf("there is nothing at %q", arg), "check the path; a new archive is written maildir:PATH or mbox:PATH; "+hint)
	case strings.Contains(arg, "@"):
		host := arg[strings.LastIndexByte(arg, '@')+1:]
		hint = fmt.Sprintf("is it imaps://USER@%s? %s", host, hint)
		return usage("an argument is neither an address nor an account of "+c.path, hint)
	case len(c.Accounts) > 0:
		hint = fmt.Sprintf("accounts are %s; %s", strings.Join(c.names(), ", "), hint)
	}
	return usage(fmt.Sprintf("%q is neither an address nor an account of %s", arg, c.path), hint)
}
