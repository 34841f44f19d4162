package servertest

import (
	"fmt"
	"os"
	"path/filepath"
)

// write makes the two configuration files and the directories Cyrus expects.
func (c *cyrusConfig) write() error {
	if err := os.WriteFile(c.imapdConf(), []byte(c.imapd()), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(c.cyrusConf(), []byte(c.services()), 0o644); err != nil {
		return err
	}
	dirs := []string{c.spool, filepath.Join(c.spool, "mail"), c.config()}
	for _, name := range []string{"db", "db.backup1", "db.backup2", "lock", "log", "msg", "proc", "ptclient", "quota", "rpm", "socket", "user"} {
		dirs = append(dirs, filepath.Join(c.config(), name))
	}
	for _, dir := range dirs {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if os.Geteuid() != 0 {
		return nil
	}
	for _, path := range append(dirs, c.files.key) {
		if err := chownTo(path, c.user); err != nil {
			return err
		}
	}
	return nil
}

func (c *cyrusConfig) imapd() string {
	return fmt.Sprintf(`configdirectory: %s
defaultpartition: default
partition-default: %s/mail
cyrus_user: %s
admins: cyrus
allowplaintext: yes
sasl_mech_list: PLAIN LOGIN
sasl_pwcheck_method: saslauthd
sasl_saslauthd_path: %s
unixhierarchysep: %s
altnamespace: %s
munge8bit: %s
reject8bit: no
autocreate_post: yes
autocreate_quota: 0
failedloginpause: 0
maxlogins_per_host: 0
maxlogins_per_user: 0
skiplist_unsafe: yes
duplicatesuppression: no
tls_server_cert: %s
tls_server_key: %s
tls_client_ca_file: %s
servername: localhost
%s
`, c.config(), c.spool, c.user.Username, c.authSocket(), yes(c.UnixHierarchySep), yes(c.AltNamespace),
		yes(c.Munge8bit), c.files.cert, c.files.key, c.files.ca, c.Extra)
}

func (c *cyrusConfig) services() string {
	return fmt.Sprintf(`START {
  recover cmd="%[1]s -C %[2]s -r"
}
SERVICES {
  imap cmd="%[3]s -C %[2]s" listen="127.0.0.1:%[4]d" proto="tcp4" prefork=1
  imaps cmd="%[3]s -C %[2]s -s" listen="127.0.0.1:%[5]d" proto="tcp4" prefork=0
}
EVENTS {
}
`, c.program("ctl_cyrusdb"), c.imapdConf(), c.program("imapd"), c.port, c.tlsPort)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
