package servertest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// process is a server's master process, the leader of a process group of its own.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the master has ended
	err  error         // its exit status, once done is closed
	gone bool          // nobody of the group runs any more, and its number may be another's
}

// startProcess runs cmd with stdout and stderr going to the file output.
func startProcess(cmd *exec.Cmd, output string) (*process, error) {
	f, err := os.Create(output)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	cmd.Stdout, cmd.Stderr = f, f
	if cmd.SysProcAttr == nil {
		ownGroup(cmd)
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// kill ends the whole group and returns when nobody of it runs any more. What a
// server would still write at a regular end is lost.
func (p *process) kill() error {
	if p.gone {
		return nil
	}
	if err := killGroup(p.cmd); err != nil {
		return err
	}
	<-p.done
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	timeout := time.NewTimer(10 * time.Second)
	defer timeout.Stop()
	for groupRuns(p.cmd) {
		select {
		case <-poll.C:
		case <-timeout.C:
			return fmt.Errorf("kill process group %d: it still runs", p.cmd.Process.Pid)
		}
	}
	p.gone = true
	return nil
}

// newDir makes a directory that other users may pass through: servers give up
// root and must still reach their files.
func newDir(s *Server) (string, error) {
	dir, err := os.MkdirTemp("", "mfsrv")
	if err != nil {
		return "", err
	}
	s.onStop(func() error { return os.RemoveAll(dir) })
	return dir, os.Chmod(dir, 0o755)
}

// mailDir makes the directory for the mail itself: in memory when that is asked
// for and the machine has /dev/shm, otherwise below the server's directory.
func mailDir(s *Server, inMemory bool) (string, error) {
	const shm = "/dev/shm"
	if info, err := os.Stat(shm); !inMemory || err != nil || !info.IsDir() {
		dir := filepath.Join(s.Dir, "mail")
		return dir, os.Mkdir(dir, 0o755)
	}
	dir, err := os.MkdirTemp(shm, "mfsrv")
	if err != nil {
		return "", err
	}
	s.onStop(func() error { return os.RemoveAll(dir) })
	return dir, os.Chmod(dir, 0o755)
}

// findProgram looks below the usual places for daemons, which the PATH of an
// ordinary user does not hold.
func findProgram(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not installed: %w", name, ErrNotInstalled)
}
