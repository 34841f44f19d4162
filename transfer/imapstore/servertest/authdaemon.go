package servertest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
)

func (c *courier) chooseOwner() error {
	u, err := user.Lookup("mail")
	if err != nil {
		return fmt.Errorf("no user to keep mail as (%w): %w", err, ErrNotInstalled)
	}
	c.uid, c.gid = u.Uid, u.Gid
	return chownTo(c.mail, u)
}

// answerAuth speaks the protocol of authdaemond for one request: NAME=VALUE
// lines, "AUTH <octets>", then service, kind, user and password on a line each.
func (c *courier) answerAuth(conn net.Conn) error {
	request, err := readAuthRequest(bufio.NewReader(conn))
	if err != nil {
		return err
	}
	fields := strings.Split(request, "\n")
	if len(fields) < 4 || fields[1] != "login" || fields[3] != password || strings.ContainsAny(fields[2], "/.") {
		_, err := io.WriteString(conn, "FAIL\n")
		return err
	}
	home, err := c.home(fields[2])
	if err != nil {
		fmt.Fprintln(c.log, err)
		return err
	}
	_, err = fmt.Fprintf(conn, "UID=%s\nGID=%s\nHOME=%s\nADDRESS=%s\nMAILDIR=%s\n.\n",
		c.uid, c.gid, home, fields[2], filepath.Join(home, "Maildir"))
	return err
}

func readAuthRequest(r *bufio.Reader) (string, error) {
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return "", err
		}
		size, ok := strings.CutPrefix(strings.TrimSpace(line), "AUTH ")
		if !ok && strings.Contains(line, "=") {
			continue
		}
		n, err := strconv.Atoi(size)
		if err != nil || n < 0 || n > 64<<10 {
			return "", fmt.Errorf("request %q", line)
		}
		request := make([]byte, n)
		_, err = io.ReadFull(r, request)
		return string(request), err
	}
}

// home makes sure that the account has its Maildir.
func (c *courier) home(name string) (string, error) {
	home := filepath.Join(c.mail, name)
	owner := &user.User{Uid: c.uid, Gid: c.gid}
	for _, name := range []string{"", "Maildir", "Maildir/cur", "Maildir/new", "Maildir/tmp"} {
		dir := filepath.Join(home, name)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return "", err
		}
		if err := chownTo(dir, owner); err != nil {
			return "", err
		}
	}
	return home, nil
}
