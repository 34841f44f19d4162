package servertest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// fileMonitor runs gamin, which tells a Courier that waits for a folder's lock
// when it is free. Without gamin Courier would spend seconds on each attempt to
// start it, so then it works without locks.
func (c *courier) fileMonitor() error {
	program := filepath.Join(c.root, "usr/libexec/gam_server")
	if _, err := os.Stat(program); err != nil {
		return nil
	}
	c.monitor = filepath.Base(c.server.Dir)
	cmd := exec.Command(program, "--notimeout", c.monitor)
	cmd.Env = []string{libraryPath(c.root), "GAM_CLIENT_ID=" + c.monitor}
	if err := asUser(cmd, c.uid, c.gid); err != nil {
		return err
	}
	output := filepath.Join(c.server.Dir, "gamin.log")
	c.server.logs = append(c.server.logs, output)
	p, err := startProcess(cmd, output)
	if err != nil {
		return fmt.Errorf("start gamin: %w", err)
	}
	c.server.onStop(p.kill)
	if !listens(p, "@/tmp/fam-mail-"+c.monitor) {
		c.monitor = "" // it cannot run here
	}
	return nil
}

// listens waits until something accepts connections on gamin's socket, whose
// name is padded with NULs, or until the process has ended.
func listens(p *process, name string) bool {
	const longest = 108 // sun_path
	name += strings.Repeat("\x00", longest-len(name))
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for {
		if conn, err := net.Dial("unix", name); err == nil {
			conn.Close()
			return true
		}
		select {
		case <-p.done:
			return false
		case <-poll.C:
		}
	}
}

func (c *courier) locks() string {
	if c.monitor == "" {
		return "0"
	}
	return "1"
}

// authDaemon takes the place of Courier's authentication daemon, unless one runs.
func (c *courier) authDaemon(ctx context.Context) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("courier: %s can be made by root only: %w", courierSocket, ErrNotInstalled)
	}
	if err := c.waitTurn(ctx); err != nil {
		return err
	}
	if conn, err := net.Dial("unix", courierSocket); err == nil {
		conn.Close()
		return fmt.Errorf("courier: another authentication daemon listens on %s: %w", courierSocket, ErrNotInstalled)
	}
	if err := c.chooseOwner(); err != nil {
		return err
	}
	dir := filepath.Dir(courierSocket)
	made := firstMissing(dir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("courier: %w: %w", err, ErrNotInstalled)
	}
	if made != "" {
		c.server.onStop(func() error { return os.RemoveAll(made) })
	}
	if err := os.Remove(courierSocket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	daemon, err := serveSocket(courierSocket, c.answerAuth)
	if err != nil {
		return fmt.Errorf("courier: %w: %w", err, ErrNotInstalled)
	}
	c.server.onStop(daemon.stop)
	return nil
}

// waitTurn takes the lock that keeps apart the tests of several packages, which
// run at the same time.
func (c *courier) waitTurn(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	name := filepath.Join(os.TempDir(), "mailferry-courier.lock")
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	poll := time.NewTicker(50 * time.Millisecond)
	defer poll.Stop()
	for {
		if err = tryLock(f); err == nil {
			c.server.onStop(f.Close)
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("courier: another one is running: %w: %w", err, ErrNotInstalled), f.Close())
		case <-poll.C:
		}
	}
}

// firstMissing is the outermost directory of path that does not exist.
func firstMissing(path string) string {
	missing := ""
	for dir := path; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); err == nil {
			return missing
		}
		missing = dir
	}
}
