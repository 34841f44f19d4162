package main

import (
	"net"
	"os/exec"
	"path/filepath"
)

func doveadmMigrate(l *lab, j job) (*exec.Cmd, error) { return doveadm(l, j), nil }

// doveadmBackup writes a Maildir and syncs, as doveadm does by default, what must last.
func doveadmBackup(l *lab, j job) (*exec.Cmd, error) {
	if err := l.makeOwned(j.archive); err != nil {
		return nil, err
	}
	return doveadm(l, j, "-o", "mail_location=maildir:"+j.archive, "-o", "mail_fsync=optimized"), nil
}

// doveadm reads by IMAP and writes the destination's storage directly, with the
// settings that its documentation advises for speed.
func doveadm(l *lab, j job, more ...string) *exec.Cmd {
	host, port, _ := net.SplitHostPort(j.from)
	args := []string{"-c", filepath.Join(l.b.Dir, "dovecot.conf"),
		"-o", "imapc_host=" + host, "-o", "imapc_port=" + port,
		"-o", "imapc_user=" + j.user, "-o", "imapc_password=" + l.a.Password,
		"-o", "imapc_features=rfc822.size fetch-headers", "-o", "mail_prefetch_count=20"}
	args = append(args, more...)
	return exec.Command("doveadm", append(args, "backup", "-R", "-u", j.account, "imapc:")...)
}
