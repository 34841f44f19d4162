//go:build !unix

package servertest

import "os/exec"

func ownGroup(*exec.Cmd) {}

func killGroup(cmd *exec.Cmd) error { return cmd.Process.Kill() }

func askToEnd(cmd *exec.Cmd) error { return cmd.Process.Kill() }
