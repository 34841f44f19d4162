package imapstore_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"mailferry/transfer/imapstore"
)

// dovecot is a real server on loopback with a configuration of its own.
type dovecot struct {
	port int
	dir  string
}

// startDovecot starts a server whose users all have the password "pass". lines
// are added to its configuration. The test is skipped where there is no Dovecot.
func startDovecot(t *testing.T, lines ...string) *dovecot {
	t.Helper()
	binary, err := exec.LookPath("dovecot")
	if err != nil {
		t.Skip("dovecot is not installed")
	}
	if os.Getuid() != 0 {
		t.Skip("these tests start dovecot as root")
	}
	d := &dovecot{port: freePort(t), dir: t.TempDir()}
	d.openPath(t)
	conf := filepath.Join(d.dir, "dovecot.conf")
	if err := os.WriteFile(conf, []byte(d.config(t, lines)), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "-F", "-c", conf)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	d.await(t)
	return d
}

// openPath lets the server's unprivileged processes into the test's directory.
func (d *dovecot) openPath(t *testing.T) {
	for dir := d.dir; strings.HasPrefix(dir, os.TempDir()) && dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func (d *dovecot) config(t *testing.T, lines []string) string {
	who, err := user.Lookup("mail")
	if err != nil {
		t.Skip("there is no user mail")
	}
	var uid, gid int
	fmt.Sscan(who.Uid, &uid)
	fmt.Sscan(who.Gid, &gid)
	home := filepath.Join(d.dir, "home")
	if err := os.Mkdir(home, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(home, uid, gid); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`
base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = %[1]s/log
instance_name = %[2]s
listen = 127.0.0.1
protocols = imap
ssl = no
disable_plaintext_auth = no
auth_failure_delay = 0
first_valid_uid = 1
first_valid_gid = 1
default_vsz_limit = 0
mail_max_userip_connections = 10000
mail_fsync = never
passdb {
  driver = static
  args = password=pass
}
userdb {
  driver = static
  args = uid=%[3]d gid=%[4]d home=%[1]s/home/%%u
}
mail_location = sdbox:~/sdbox
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
  chroot =
}
service imap-login {
  inet_listener imap {
    port = %[5]d
  }
  inet_listener imaps {
    port = 0
  }
}
`, d.dir, filepath.Base(d.dir), uid, gid, d.port) + strings.Join(lines, "\n") + "\n"
}

func freePort(t *testing.T) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// await returns when the server greets.
func (d *dovecot) await(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", d.port))
		if err == nil {
			_ = conn.SetDeadline(deadline)
			line, _ := bufio.NewReader(conn).ReadString('\n')
			conn.Close()
			if strings.HasPrefix(line, "* OK") {
				return
			}
		}
		select {
		case <-t.Context().Done():
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
	log, _ := os.ReadFile(filepath.Join(d.dir, "log"))
	t.Fatalf("dovecot does not answer:\n%s", log)
}

func (d *dovecot) options(user string) imapstore.Options {
	return imapstore.Options{
		Host: "127.0.0.1", Port: d.port, Security: imapstore.Plain,
		User:     user,
		Password: func(context.Context) (string, error) { return "pass", nil },
	}
}
