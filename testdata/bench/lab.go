package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"mailferry/testdata/bench/corpus"
	"mailferry/testdata/bench/proxy"
	"mailferry/transfer/imapstore/servertest"
)

// lab is what all measurements share: a server to read from and one to write to,
// each with a line in front of it, and places for files.
type lab struct {
	a, b         *servertest.Server
	aLine, bLine *proxy.Proxy
	meter        *proxy.Meter
	memory       string // directory on tmpfs; the servers' mail is there
	disk         string // directory on a disk
	owner        corpus.Owner
	binary       string // mailferry
	self         string // this program
	keep         bool
	log          io.Writer
	serial       int
	copies       map[string][]kept // by work and account
}

func openLab(ctx context.Context, o options) (_ *lab, err error) {
	l := &lab{meter: &proxy.Meter{}, copies: map[string][]kept{}, keep: o.keep, log: os.Stderr, binary: o.mailferry}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.close())
		}
	}()
	if l.self, err = os.Executable(); err != nil {
		return nil, err
	}
	if l.memory, err = os.MkdirTemp(o.memoryDir, "mailferry-bench"); err != nil {
		return nil, err
	}
	if l.disk, err = os.MkdirTemp(o.diskDir, "mailferry-bench"); err != nil {
		return nil, err
	}
	if err := l.build(ctx); err != nil {
		return nil, err
	}
	if err := l.openStorage(); err != nil {
		return nil, err
	}
	return l, l.startServers(ctx)
}

// build makes the mailferry to be measured, unless one was named.
func (l *lab) build(ctx context.Context) error {
	if l.binary != "" {
		return nil
	}
	l.binary = filepath.Join(l.disk, "mailferry")
	build := exec.CommandContext(ctx, "go", "build", "-o", l.binary, "mailferry")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	if err != nil {
		return fmt.Errorf("build mailferry: %w\n%s", err, out)
	}
	return nil
}

// openStorage makes the servers' mail directories. Dovecot opens no mailbox as
// root, so they belong to the user mail if this is root.
func (l *lab) openStorage() error {
	if os.Geteuid() == 0 {
		u, err := user.Lookup("mail")
		if err != nil {
			return err
		}
		uid, uidErr := strconv.Atoi(u.Uid)
		gid, gidErr := strconv.Atoi(u.Gid)
		if err := errors.Join(uidErr, gidErr); err != nil {
			return err
		}
		l.owner = corpus.Owner{UID: uid, GID: gid}
	}
	for _, dir := range []string{l.memory, l.disk} {
		if err := os.Chmod(dir, 0o755); err != nil {
			return err
		}
	}
	return errors.Join(l.makeOwned(l.mailAtA("")), l.makeOwned(l.mailAtB("")))
}

func (l *lab) makeOwned(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if l.owner == (corpus.Owner{}) {
		return nil
	}
	return os.Chown(dir, l.owner.UID, l.owner.GID)
}

func (l *lab) mailAtA(account string) string { return filepath.Join(l.memory, "a", account) }
func (l *lab) mailAtB(account string) string { return filepath.Join(l.memory, "b", account) }

func (l *lab) startServers(ctx context.Context) (err error) {
	l.a, err = servertest.RunDovecot(ctx, servertest.DovecotOptions{
		MailLocation: "maildir:" + l.mailAtA("%u"), Memory: true})
	if err != nil {
		return err
	}
	l.b, err = servertest.RunDovecot(ctx, servertest.DovecotOptions{
		MailLocation: "sdbox:" + l.mailAtB("%u"), Memory: true})
	if err != nil {
		return err
	}
	if l.aLine, err = proxy.Listen(l.a.Addr, l.meter); err != nil {
		return err
	}
	l.bLine, err = proxy.Listen(l.b.Addr, l.meter)
	return err
}

// close ends the servers and removes all files, unless they are to be kept.
func (l *lab) close() error {
	var errs []error
	for _, p := range []*proxy.Proxy{l.aLine, l.bLine} {
		if p != nil {
			errs = append(errs, p.Close())
		}
	}
	for _, s := range []*servertest.Server{l.a, l.b} {
		if s != nil {
			errs = append(errs, s.Stop())
		}
	}
	for _, dir := range []string{l.memory, l.disk} {
		if l.keep {
			fmt.Fprintln(l.log, "kept:", dir)
		} else if dir != "" {
			errs = append(errs, os.RemoveAll(dir))
		}
	}
	return errors.Join(errs...)
}

// fresh gives a name that was not given before.
func (l *lab) fresh(parts ...string) string {
	l.serial++
	return fmt.Sprintf("%s-%d", strings.Join(parts, "-"), l.serial)
}
