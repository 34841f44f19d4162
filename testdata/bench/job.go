package main

import (
	"os"
	"os/exec"
	"path/filepath"
)

// job is one copy of an account that a tool makes and keeps up to date.
type job struct {
	user    string // account at the source
	from    string // host:port of the source
	to      string // host:port of the destination; empty: an archive
	account string // at the destination
	home    string // the tool's configuration and state, on the disk
	archive string // directory
	format  string // of the archive: "maildir" or "mbox"
}

// tool is a program that can do such jobs.
type tool struct {
	name    string
	program string // must be installed
	migrate func(*lab, job) (*exec.Cmd, error)
	backup  func(*lab, job) (*exec.Cmd, error) // to a Maildir
}

// unsafePeer is mbsync as it is faster than its default and loses mail in a power cut.
const unsafePeer = "mbsync, no fsync"

func tools() []tool {
	return []tool{
		{"mailferry", "", mailferryMigrate, mailferryBackup},
		{"mbsync", "mbsync", mbsyncMigrate, mbsyncBackup},
		{unsafePeer, "mbsync", nil, mbsyncBackupUnsafe},
		{"doveadm", "doveadm", doveadmMigrate, doveadmBackup},
		{"interimap", "interimap", interimapMigrate, nil},
	}
}

func (t tool) installed() bool {
	if t.program == "" {
		return true
	}
	_, err := exec.LookPath(t.program)
	return err == nil
}

// newJob gives a tool a home, and an account or a directory that nobody used before.
func (l *lab) newJob(t tool, user string) (job, error) {
	j := job{user: user, from: l.a.Addr, to: l.b.Addr, account: l.fresh("copy"), format: "maildir"}
	j.home = filepath.Join(l.disk, j.account)
	j.archive = filepath.Join(j.home, "mail")
	return j, os.Mkdir(j.home, 0o755)
}

// throughLines makes the job go over the lines that can be slow and that count.
func (l *lab) throughLines(j job) job {
	j.from, j.to = l.aLine.Addr(), l.bLine.Addr()
	return j
}

// drop removes what a job left behind.
func (l *lab) drop(j job) error {
	if l.keep {
		return nil
	}
	if err := os.RemoveAll(l.mailAtB(j.account)); err != nil {
		return err
	}
	return os.RemoveAll(j.home)
}
