//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package servertest

import (
	"os"
	"os/exec"
)

func ownGroup(*exec.Cmd) {}

func asUser(*exec.Cmd, string, string) error { return ErrNotInstalled }

func killGroup(cmd *exec.Cmd) error { return cmd.Process.Kill() }

func tryLock(*os.File) error { return ErrNotInstalled }

func groupRuns(*exec.Cmd) bool { return false }
