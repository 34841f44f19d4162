package commands

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// config is the configuration file: names for accounts.
type config struct {
	Accounts map[string]account `toml:"accounts"`

	path string
}

// account is one [accounts.NAME] of the configuration file.
type account struct {
	Address         string   `toml:"address"`
	PasswordFile    string   `toml:"password_file"`
	PasswordCommand []string `toml:"password_command"`
}

// loadConfig reads the file that --config names, or the usual one. Only the usual one may
// be absent. A key that is not known is an error: it is a mistyped one.
func (w *world) loadConfig(path string) (*config, error) {
	named := path != ""
	if !named {
		path = w.usualConfig()
	}
	cfg := &config{path: path}
	meta, err := toml.DecodeFile(path, cfg)
	if errors.Is(err, fs.ErrNotExist) && !named {
		return cfg, nil
	}
	if err != nil {
		return nil, usage(fmt.Sprintf("configuration %s: %v", path, strings.TrimPrefix(err.Error(), "toml: ")), "mailferry help addresses shows an example")
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return nil, usage(fmt.Sprintf("configuration %s: unknown key %q", path, unknown[0].String()),
			"an account has address, password_file and password_command")
	}
	return cfg, cfg.check()
}

func (w *world) usualConfig() string {
	return filepath.Join(w.xdg("XDG_CONFIG_HOME", ".config"), "mailferry", "config.toml")
}

// xdg returns a base directory of the XDG specification, which ignores relative ones.
func (w *world) xdg(variable, fallback string) string {
	if dir := w.env(variable); filepath.IsAbs(dir) {
		return dir
	}
	home := w.env("HOME")
	if home == "" {
		home, _ = os.UserHomeDir()
	}
	return filepath.Join(home, fallback)
}

func (c *config) check() error {
	for _, name := range c.names() {
		a := c.Accounts[name]
		where := fmt.Sprintf("configuration %s: account %q", c.path, name)
		switch {
		case name == "" || strings.ContainsAny(name, "/:"):
			return usage(where+": a name holds neither / nor :", "")
		case a.Address == "":
			return usage(where+" has no address", `address = "imaps://USER@HOST"`)
		case !isIMAP(a.Address):
			return usage(where+": the address is no IMAP address", `address = "imaps://USER@HOST"`)
		case a.PasswordFile != "" && len(a.PasswordCommand) > 0:
			return usage(where+" has both password_file and password_command", "leave one of them out")
		}
	}
	return nil
}

func (c *config) names() []string {
	var names []string
	for name := range c.Accounts {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// passwordFile returns the account's password file; a relative path is meant from the
// directory of the configuration file.
func (c *config) passwordFile(a account) string {
	if a.PasswordFile == "" || filepath.IsAbs(a.PasswordFile) {
		return a.PasswordFile
	}
	return filepath.Join(filepath.Dir(c.path), a.PasswordFile)
}

func isIMAP(text string) bool {
	scheme, _, ok := strings.Cut(text, "://")
	return ok && (strings.EqualFold(scheme, "imap") || strings.EqualFold(scheme, "imaps"))
}
