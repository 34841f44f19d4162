package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func mbsyncMigrate(l *lab, j job) (*exec.Cmd, error) {
	near := imapStore("near", j.to, j.account, l.b.Password)
	return mbsync(l, j, near, "yes")
}

func mbsyncBackup(l *lab, j job) (*exec.Cmd, error)       { return mbsync(l, j, maildirStore(j), "yes") }
func mbsyncBackupUnsafe(l *lab, j job) (*exec.Cmd, error) { return mbsync(l, j, maildirStore(j), "no") }

func maildirStore(j job) string {
	return fmt.Sprintf("MaildirStore near\nInbox %s\nSubFolders Maildir++\n", j.archive)
}

func imapStore(name, addr, user, password string) string {
	host, port, _ := net.SplitHostPort(addr)
	return strings.Join([]string{
		"IMAPAccount " + name, "Host " + host, "Port " + port, "User " + user, "Pass " + password,
		"SSLType None", "AuthMechs LOGIN", "", "IMAPStore " + name, "Account " + name, "",
	}, "\n")
}

// mbsync is set up to copy and never to delete, with received dates as the others keep them.
func mbsync(l *lab, j job, near, fsync string) (*exec.Cmd, error) {
	state := filepath.Join(j.home, "state") + "/"
	if err := os.MkdirAll(state, 0o700); err != nil {
		return nil, err
	}
	text := "FSync " + fsync + "\n\n" + imapStore("far", j.from, j.user, l.a.Password) + "\n" + near + "\n" +
		"Channel c\nFar :far:\nNear :near:\nPatterns *\nSync Pull\nCreate Near\nCopyArrivalDate yes\nSyncState " + state + "\n"
	name := filepath.Join(j.home, "mbsyncrc")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return exec.Command("mbsync", "-q", "-c", name, "c"), nil
}
