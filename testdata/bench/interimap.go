package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
)

// interimapMigrate synchronizes both ways; nothing changes at the destination, so
// it copies one way.
func interimapMigrate(l *lab, j job) (*exec.Cmd, error) {
	text := "database = sync.db\n" +
		interimapEnd("local", j.to, j.account, l.b.Password) + interimapEnd("remote", j.from, j.user, l.a.Password)
	name := filepath.Join(j.home, "interimap.conf")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.Command("interimap", "--quiet", "--config="+name)
	cmd.Env = append(os.Environ(), "HOME="+j.home, "XDG_DATA_HOME="+j.home, "XDG_CONFIG_HOME="+j.home)
	return cmd, nil
}

func interimapEnd(section, addr, user, password string) string {
	host, port, _ := net.SplitHostPort(addr)
	return fmt.Sprintf("\n[%s]\ntype = imap\nhost = %s\nport = %s\nusername = %s\npassword = %s\n"+
		"auth = login\nSTARTTLS = NO\ncompress = NO\n", section, host, port, user, password)
}
