//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package servertest

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}

// asUser makes a group leader that runs as another user.
func asUser(cmd *exec.Cmd, uid, gid string) error {
	u, err := strconv.ParseUint(uid, 10, 32)
	if err != nil {
		return err
	}
	g, err := strconv.ParseUint(gid, 10, 32)
	if err != nil {
		return err
	}
	ownGroup(cmd)
	cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(u), Gid: uint32(g)}
	return nil
}

func killGroup(cmd *exec.Cmd) error {
	err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	if errors.Is(err, syscall.ESRCH) {
		return nil // nobody is left
	}
	return err
}

func askToEnd(cmd *exec.Cmd) error { return cmd.Process.Signal(syscall.SIGTERM) }

// tryLock takes a lock that ends when f is closed.
func tryLock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }
