package servertest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
)

// CyrusRoot is the environment variable that names the directory in which
// Debian's cyrus-common, cyrus-imapd and their libraries were unpacked.
const CyrusRoot = "MAILFERRY_TEST_CYRUS_ROOT"

// CyrusOptions are settings of imapd.conf.
type CyrusOptions struct {
	Munge8bit        bool // raw 8-bit header octets become X; otherwise they are kept
	UnixHierarchySep bool // delimiter "/" instead of "."
	AltNamespace     bool // folders stand beside INBOX instead of below it
	Memory           bool // keep the mail on /dev/shm where there is one
	Extra            string
}

// RunCyrus starts Cyrus and returns when it answers. The caller stops it.
func RunCyrus(ctx context.Context, o CyrusOptions) (*Server, error) {
	root, err := unpackedRoot(CyrusRoot, "usr/lib/cyrus/bin/master")
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		s, err := runCyrus(ctx, root, o)
		if err == nil || attempt == 3 || ctx.Err() != nil || errors.Is(err, ErrNotInstalled) {
			return s, err // a free port may be taken before Cyrus binds it
		}
	}
}

// unpackedRoot is the value of an environment variable if program is below it.
func unpackedRoot(variable, program string) (string, error) {
	root := os.Getenv(variable)
	if root == "" {
		return "", fmt.Errorf("%s is not set: %w", variable, ErrNotInstalled)
	}
	root, err := filepath.Abs(root)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(root, program)); err != nil {
		return "", fmt.Errorf("%s: %w: %w", variable, err, ErrNotInstalled)
	}
	return root, nil
}

// libraryPath is the LD_LIBRARY_PATH for programs unpacked below root.
func libraryPath(root string) string {
	var dirs []string
	for _, base := range []string{"usr/lib", "lib"} {
		triplets, _ := filepath.Glob(filepath.Join(root, base, "*-linux-gnu*")) // the pattern is good
		dirs = append(dirs, triplets...)
		dirs = append(dirs, filepath.Join(root, base))
	}
	return "LD_LIBRARY_PATH=" + strings.Join(dirs, ":")
}

func runCyrus(ctx context.Context, root string, o CyrusOptions) (_ *Server, err error) {
	s := &Server{Name: "cyrus", Password: password}
	defer func() {
		if err != nil {
			_ = s.Stop() // err says more
		}
	}()
	if s.Dir, err = newDir(s); err != nil {
		return nil, err
	}
	c, err := newCyrusConfig(s, root, o)
	if err != nil {
		return nil, err
	}
	if err := c.write(); err != nil {
		return nil, err
	}
	auth, err := serveSASL(c.authSocket())
	if err != nil {
		return nil, err
	}
	s.onStop(auth.stop)
	output := filepath.Join(s.Dir, "output.log")
	s.logs = []string{output}
	cmd := exec.Command(c.program("master"), "-C", c.imapdConf(), "-M", c.cyrusConf(),
		"-p", filepath.Join(s.Dir, "master.pid"), "-D")
	cmd.Env = append(os.Environ(), libraryPath(root), "CYRUS_VERBOSE=1")
	if s.proc, err = startProcess(cmd, output); err != nil {
		return nil, fmt.Errorf("start cyrus: %w", err)
	}
	return s, s.waitReady(ctx)
}

type cyrusConfig struct {
	CyrusOptions
	root, dir, spool string
	user             *user.User
	files            certificateFiles
	port, tlsPort    int
}

func newCyrusConfig(s *Server, root string, o CyrusOptions) (*cyrusConfig, error) {
	c := &cyrusConfig{CyrusOptions: o, root: root, dir: s.Dir}
	var err error
	if c.user, err = cyrusUser(); err != nil {
		return nil, err
	}
	if c.spool, err = mailDir(s, o.Memory); err != nil {
		return nil, err
	}
	if c.files, err = writeCertificates(s.Dir); err != nil {
		return nil, err
	}
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	c.port, c.tlsPort = ports[0], ports[1]
	s.Addr, s.TLSAddr, s.CAFile = loopback(c.port), loopback(c.tlsPort), c.files.ca
	return c, nil
}

// cyrusUser is as whom Cyrus runs: this user, or "mail" in place of root.
func cyrusUser() (*user.User, error) {
	if os.Geteuid() != 0 {
		return user.Current()
	}
	u, err := user.Lookup("mail")
	if err != nil {
		return nil, fmt.Errorf("no user for Cyrus (%w): %w", err, ErrNotInstalled)
	}
	return u, nil
}

func (c *cyrusConfig) program(name string) string {
	return filepath.Join(c.root, "usr/lib/cyrus/bin", name)
}
func (c *cyrusConfig) config() string     { return filepath.Join(c.spool, "config") }
func (c *cyrusConfig) imapdConf() string  { return filepath.Join(c.dir, "imapd.conf") }
func (c *cyrusConfig) cyrusConf() string  { return filepath.Join(c.dir, "cyrus.conf") }
func (c *cyrusConfig) authSocket() string { return filepath.Join(c.dir, "auth") }
