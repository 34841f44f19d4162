package main

import (
	"os"
	"os/exec"
	"path/filepath"
)

func (l *lab) mailferry(j job, args ...string) *exec.Cmd {
	cmd := exec.Command(l.binary, args...)
	cmd.Env = append(os.Environ(), "HOME="+j.home, "XDG_STATE_HOME="+filepath.Join(j.home, "state"),
		"XDG_CONFIG_HOME="+filepath.Join(j.home, "config"),
		"MAILFERRY_SOURCE_PASSWORD="+l.a.Password, "MAILFERRY_DEST_PASSWORD="+l.b.Password)
	return cmd
}

func address(user, addr string) string { return "imap://" + user + "@" + addr + "?tls=none" }

func (j job) source() string      { return address(j.user, j.from) }
func (j job) destination() string { return address(j.account, j.to) }
func (j job) place() string       { return j.format + ":" + j.archive }

func mailferryMigrate(l *lab, j job) (*exec.Cmd, error) {
	return l.mailferry(j, "migrate", "--quiet", j.source(), j.destination()), nil
}

func mailferryBackup(l *lab, j job) (*exec.Cmd, error) {
	return l.mailferry(j, "backup", "--quiet", j.source(), j.place()), nil
}

func mailferryRestore(l *lab, j job) (*exec.Cmd, error) {
	return l.mailferry(j, "restore", "--quiet", j.place(), j.destination()), nil
}
