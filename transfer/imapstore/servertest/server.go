package servertest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ErrNotInstalled is in the chain of the error of a Run function when the
// server's programs are not there or cannot run with this user's rights.
var ErrNotInstalled = errors.New("not available")

// Server is a running server. Every user name exists on it and has the same
// password; an account is made when it is first used.
type Server struct {
	Name     string // "dovecot", "cyrus" or "courier"
	Addr     string // host:port without TLS
	TLSAddr  string // host:port with TLS from the first byte; empty: none
	CAFile   string // PEM certificate of the authority that signed the server's
	Password string
	Dir      string // configuration and logs

	proc    *process
	logs    []string // files that a failure quotes
	cleanup []func() error
}

const password = "correct-horse"

// Pid is the process id of the server's master, or 0 when this process itself
// listens (Courier).
func (s *Server) Pid() int {
	if s.proc == nil {
		return 0
	}
	return s.proc.cmd.Process.Pid
}

// Kill ends the server's processes at once, as a power cut would end them, and
// waits until they are gone. Its files stay until Stop.
func (s *Server) Kill() error {
	if s.proc == nil {
		return errors.New("kill " + s.Name + ": no process of its own")
	}
	return s.proc.kill()
}

// Stop ends the server, waits for it and removes its files. It may be called
// after Kill and twice.
func (s *Server) Stop() error {
	var errs []error
	if s.proc != nil {
		errs = append(errs, s.proc.kill())
	}
	for i := len(s.cleanup) - 1; i >= 0; i-- {
		errs = append(errs, s.cleanup[i]())
	}
	s.cleanup = nil
	return errors.Join(errs...)
}

// Logs returns the end of what the server wrote, for messages about failures.
func (s *Server) Logs() string {
	var b strings.Builder
	for _, name := range s.logs {
		if text, err := os.ReadFile(name); err == nil {
			if len(text) > 4000 {
				text = text[len(text)-4000:]
			}
			fmt.Fprintf(&b, "%s:\n%s\n", filepath.Base(name), text)
		}
	}
	return b.String()
}

func (s *Server) onStop(f func() error) { s.cleanup = append(s.cleanup, f) }

// waitReady returns when the server greets on Addr.
func (s *Server) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		err := greets(ctx, s.Addr)
		if err == nil {
			return nil
		}
		select {
		case <-s.proc.done:
			return fmt.Errorf("start %s: it ended: %w\n%s", s.Name, s.proc.err, s.Logs())
		case <-ctx.Done():
			return fmt.Errorf("start %s: no greeting: %w\n%s", s.Name, err, s.Logs())
		case <-poll.C:
		}
	}
}

func greets(ctx context.Context, addr string) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && !strings.HasPrefix(line, "* OK") {
		err = fmt.Errorf("greeting %q", line)
	}
	return err
}

// freePorts returns ports of 127.0.0.1 on which nobody listened a moment ago.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // after the loop, so that no port comes twice
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
