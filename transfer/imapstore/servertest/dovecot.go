package servertest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
)

// DovecotOptions chooses how Dovecot keeps mail and what it shows of itself.
// The zero value is sdbox with "/" as the hierarchy delimiter.
type DovecotOptions struct {
	Separator    string            // hierarchy delimiter; empty: "/"
	Prefix       string            // of the personal namespace, such as "INBOX."
	MailLocation string            // "sdbox" (or empty), "maildir", "mdbox", or a value of Dovecot's mail_location
	SpecialUse   map[string]string // folder name without prefix to role; nil: the usual five
	Hide         []string          // capabilities that are not offered
	Fsync        string            // mail_fsync; empty: "never"
	Memory       bool              // keep the mail on /dev/shm where there is one
	Extra        string            // further lines of configuration
}

// RunDovecot starts Dovecot and returns when it answers. The caller stops it.
func RunDovecot(ctx context.Context, o DovecotOptions) (*Server, error) {
	program, err := findProgram("dovecot")
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		s, err := runDovecot(ctx, program, o)
		if err == nil || attempt == 3 || ctx.Err() != nil {
			return s, err // a free port may be taken before Dovecot binds it
		}
	}
}

func runDovecot(ctx context.Context, program string, o DovecotOptions) (_ *Server, err error) {
	s := &Server{Name: "dovecot", Password: password}
	defer func() {
		if err != nil {
			_ = s.Stop() // err says more
		}
	}()
	if s.Dir, err = newDir(s); err != nil {
		return nil, err
	}
	c, err := newDovecotConfig(s, o)
	if err != nil {
		return nil, err
	}
	name := filepath.Join(s.Dir, "dovecot.conf")
	if err := os.WriteFile(name, []byte(c.text()), 0o644); err != nil {
		return nil, err
	}
	output := filepath.Join(s.Dir, "output.log")
	s.logs = []string{output, filepath.Join(s.Dir, "dovecot.log")}
	if s.proc, err = startProcess(exec.Command(program, "-F", "-c", name), output); err != nil {
		return nil, fmt.Errorf("start dovecot: %w", err)
	}
	return s, s.waitReady(ctx)
}

func newDovecotConfig(s *Server, o DovecotOptions) (*dovecotConfig, error) {
	c := &dovecotConfig{DovecotOptions: o, dir: s.Dir}
	mail, err := mailDir(s, o.Memory)
	if err != nil {
		return nil, err
	}
	c.mail = mail
	if err := c.chooseUser(); err != nil {
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

// chooseUser decides who owns the mail: this user, or "mail" in place of root,
// as whom Dovecot refuses to open mailboxes.
func (c *dovecotConfig) chooseUser() error {
	u, err := user.Current()
	if err != nil {
		return err
	}
	g, err := user.LookupGroupId(u.Gid)
	if err != nil {
		return err
	}
	c.self, c.selfGroup, c.uid, c.gid = u.Username, g.Name, u.Uid, u.Gid
	c.root = os.Geteuid() == 0
	if !c.root {
		return nil
	}
	owner, err := user.Lookup("mail")
	if err != nil {
		return fmt.Errorf("no user to keep mail as (%w): %w", err, ErrNotInstalled)
	}
	c.uid, c.gid = owner.Uid, owner.Gid
	return chownTo(c.mail, owner)
}

func chownTo(path string, u *user.User) error {
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return err
	}
	return os.Chown(path, uid, gid)
}
