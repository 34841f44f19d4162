package commands

import (
	"bytes"
	"fmt"
	"io/fs"
	"time"

	"github.com/BurntSushi/toml"

	"mailferry/transfer/imapstore/imaptest"
	"mailferry/transfer/mail"
)

// demoManifest is manifest.toml of the demo's mail: what lies where.
type demoManifest struct {
	Folder []struct {
		Name     string
		Role     string
		Messages []struct {
			File  string
			Date  time.Time
			Flags []string
		}
	}
}

// fillDemo puts the demo's mail into an account.
func fillDemo(account *imaptest.Account, files fs.FS) error {
	var m demoManifest
	if _, err := toml.DecodeFS(files, "manifest.toml", &m); err != nil {
		return fmt.Errorf("manifest.toml: %w", err)
	}
	for _, f := range m.Folder {
		path := mail.ParsePath(f.Name)
		if err := account.Create(path, mail.Role(f.Role), true); err != nil {
			return err
		}
		for _, msg := range f.Messages {
			raw, err := fs.ReadFile(files, msg.File)
			if err != nil {
				return err
			}
			raw = bytes.ReplaceAll(raw, []byte("\n"), []byte("\r\n")) // the files have LF alone
			if _, err := account.Append(path, mail.NewFlags(msg.Flags...), msg.Date, raw); err != nil {
				return err
			}
		}
	}
	return nil
}

// sameMail looks into the storage of both servers, past IMAP and past the commands:
// every message of a must be in b, octet for octet, and nothing else.
func sameMail(a, b *imaptest.Account) (messages int, err error) {
	if n, m := len(a.Folders()), len(b.Folders()); n != m {
		return 0, fmt.Errorf("demo: %s became %d", count(n, "folder"), m)
	}
	for _, f := range a.Folders() {
		was, is := a.Messages(f.Path), b.Messages(f.Path)
		if len(was) != len(is) {
			return 0, fmt.Errorf("demo: folder %q: %s became %d", f.Path, count(len(was), "message"), len(is))
		}
		for i := range was {
			if !bytes.Equal(was[i].Raw, is[i].Raw) || !was[i].Flags.Equal(is[i].Flags) || !was[i].Date.Equal(is[i].Date) {
				return 0, fmt.Errorf("demo: folder %q uid %d arrived changed", f.Path, was[i].UID)
			}
			messages++
		}
	}
	return messages, nil
}
