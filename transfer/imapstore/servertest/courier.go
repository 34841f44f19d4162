package servertest

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// CourierRoot is the environment variable that names the directory in which
// Debian's courier-imap, courier-base, courier-authlib and their libraries were
// unpacked.
const CourierRoot = "MAILFERRY_TEST_COURIER_ROOT"

// CourierOptions chooses what Courier shows of itself.
type CourierOptions struct {
	Capability string // IMAP_CAPABILITY; empty: Debian's
	Memory     bool   // keep the mail on /dev/shm where there is one
}

// courierSocket is compiled into Courier's programs. Only root can make it, and
// one server at a time; others wait for their turn.
const courierSocket = "/run/courier/authdaemon/socket"

// RunCourier starts a listener that runs Courier's programs for each connection.
// The caller stops it.
func RunCourier(ctx context.Context, o CourierOptions) (_ *Server, err error) {
	root, err := unpackedRoot(CourierRoot, "usr/lib/courier/courier/imaplogin")
	if err != nil {
		return nil, err
	}
	s := &Server{Name: "courier", Password: password}
	defer func() {
		if err != nil {
			_ = s.Stop() // err says more
		}
	}()
	if s.Dir, err = newDir(s); err != nil {
		return nil, err
	}
	c := &courier{CourierOptions: o, root: root, server: s}
	if c.mail, err = mailDir(s, o.Memory); err != nil {
		return nil, err
	}
	if c.log, err = os.Create(filepath.Join(s.Dir, "courier.log")); err != nil {
		return nil, err
	}
	s.logs = append(s.logs, c.log.Name())
	s.onStop(c.log.Close)
	if err := c.authDaemon(ctx); err != nil {
		return nil, err
	}
	if err := c.fileMonitor(); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.Addr = l.Addr().String()
	listener := &socketServer{open: map[net.Conn]bool{}}
	listener.serve(l, c.serve)
	s.onStop(listener.stop)
	return s, nil
}

type courier struct {
	CourierOptions
	root, mail string
	server     *Server
	uid, gid   string
	log        *os.File // what the programs write to stderr
	monitor    string   // name of the file monitor that locking needs; empty: none
}

// serve runs imaplogin, which turns into imapd after the login, with the
// connection as its standard input and output.
func (c *courier) serve(conn net.Conn) error {
	file, err := conn.(*net.TCPConn).File()
	if err != nil {
		return err
	}
	defer file.Close()
	// The program reads blocking; the descriptor shares that mode with ours,
	// which is only closed from here on.
	cmd := exec.Command(filepath.Join(c.root, "usr/lib/courier/courier/imaplogin"),
		filepath.Join(c.root, "usr/bin/imapd"), "Maildir")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = file, file, c.log
	cmd.Dir = c.server.Dir
	cmd.Env = c.environment(conn)
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() { _ = killGroup(cmd) }()
	return cmd.Wait()
}

func (c *courier) environment(conn net.Conn) []string {
	capability := or(c.Capability, "IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA IDLE")
	local, remote := conn.LocalAddr().(*net.TCPAddr), conn.RemoteAddr().(*net.TCPAddr)
	return []string{
		libraryPath(c.root),
		"PATH=/usr/bin:/bin",
		"IMAP_CAPABILITY=" + capability,
		"IMAP_CAPABILITY_TLS=" + capability,
		"IMAP_KEYWORDS=1",
		"IMAP_ACL=0",
		"IMAP_MAILBOX_SANITY_CHECK=0",
		"IMAP_OBSOLETE_CLIENT=0",
		"IMAP_IDLE_TIMEOUT=60",
		"IMAP_USELOCKS=" + c.locks(),
		"GAM_CLIENT_ID=" + c.monitor,
		"IMAP_UMASK=022",
		"IMAP_TLS_REQUIRED=0",
		"AUTHMODULES=authdaemon",
		"MAILDIRPATH=Maildir",
		"TCPLOCALHOST=localhost",
		"TCPLOCALIP=127.0.0.1",
		"TCPLOCALPORT=" + strconv.Itoa(local.Port),
		"TCPREMOTEHOST=localhost",
		"TCPREMOTEIP=127.0.0.1",
		"TCPREMOTEPORT=" + strconv.Itoa(remote.Port),
	}
}
