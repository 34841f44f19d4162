package servertest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

type dovecotConfig struct {
	DovecotOptions
	dir, mail       string
	root            bool
	self, selfGroup string // who runs Dovecot
	uid, gid        string // who owns the mail
	files           certificateFiles
	port, tlsPort   int
}

func (c *dovecotConfig) text() string {
	var b strings.Builder
	set := func(name, value string) { fmt.Fprintf(&b, "%s = %s\n", name, value) }
	set("base_dir", c.dir+"/run")
	set("state_dir", c.dir+"/state")
	set("log_path", c.dir+"/dovecot.log")
	set("instance_name", "mailferry-test")
	set("listen", "127.0.0.1")
	set("protocols", "imap")
	set("disable_plaintext_auth", "no")
	set("auth_mechanisms", "plain login")
	set("auth_failure_delay", "0")
	set("first_valid_uid", "1")
	set("first_valid_gid", "1")
	set("mail_fsync", or(c.Fsync, "never"))
	set("mail_location", c.location())
	set("mail_max_userip_connections", "10000")
	set("default_vsz_limit", "0")
	set("ssl", "yes")
	set("ssl_cert", "<"+c.files.cert)
	set("ssl_key", "<"+c.files.key)
	if len(c.Hide) > 0 {
		set("imap_capability", c.capabilities())
	}
	if !c.root {
		set("default_internal_user", c.self)
		set("default_internal_group", c.selfGroup)
		set("default_login_user", c.self)
	}
	b.WriteString(c.blocks())
	b.WriteString(c.namespace())
	b.WriteString(c.Extra + "\n")
	return b.String()
}

func (c *dovecotConfig) blocks() string {
	return fmt.Sprintf(`passdb {
  driver = static
  args = password=%s
}
userdb {
  driver = static
  args = uid=%s gid=%s home=%s/%%u
}
service anvil {
  chroot =
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
  chroot =
}
service imap-login {
  chroot =
  service_count = 0
  inet_listener imap {
    port = %d
  }
  inet_listener imaps {
    port = %d
    ssl = yes
  }
}
`, password, c.uid, c.gid, c.mail, c.port, c.tlsPort)
}

func (c *dovecotConfig) namespace() string {
	var b strings.Builder
	fmt.Fprintf(&b, "namespace inbox {\n  inbox = yes\n  separator = %s\n  prefix = %s\n", or(c.Separator, "/"), c.Prefix)
	uses := c.SpecialUse
	if uses == nil {
		uses = map[string]string{"Archive": `\Archive`, "Drafts": `\Drafts`, "Junk": `\Junk`, "Sent": `\Sent`, "Trash": `\Trash`}
	}
	for _, name := range slices.Sorted(maps.Keys(uses)) {
		fmt.Fprintf(&b, "  mailbox %q {\n    special_use = %s\n  }\n", name, uses[name])
	}
	b.WriteString("}\n")
	return b.String()
}

func (c *dovecotConfig) location() string {
	switch c.MailLocation {
	case "", "sdbox":
		return "sdbox:~/sdbox"
	case "mdbox":
		return "mdbox:~/mdbox"
	case "maildir":
		return "maildir:~/Maildir"
	}
	return c.MailLocation
}

// capabilities is what Dovecot 2.3 offers after login, without the hidden ones:
// its setting can only add to the list or replace it.
func (c *dovecotConfig) capabilities() string {
	const all = "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT SORT=DISPLAY THREAD=REFERENCES" +
		" THREAD=REFS THREAD=ORDEREDSUBJECT MULTIAPPEND URL-PARTIAL CATENATE UNSELECT CHILDREN NAMESPACE" +
		" UIDPLUS LIST-EXTENDED I18NLEVEL=1 CONDSTORE QRESYNC ESEARCH ESORT SEARCHRES WITHIN" +
		" CONTEXT=SEARCH LIST-STATUS BINARY MOVE SNIPPET=FUZZY PREVIEW=FUZZY PREVIEW STATUS=SIZE SAVEDATE" +
		" LITERAL+ NOTIFY SPECIAL-USE"
	shown := slices.DeleteFunc(strings.Fields(all), func(name string) bool {
		return slices.ContainsFunc(c.Hide, func(h string) bool { return strings.EqualFold(h, name) })
	})
	return strings.Join(shown, " ")
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
