package corpus

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"mailferry/transfer/imapstore/wire"
)

// Owner is who a server's mail belongs to; the zero value leaves it to this process.
type Owner struct{ UID, GID int }

// WriteMaildir makes the account as a Maildir++ tree at root, which must not exist.
func (c Corpus) WriteMaildir(root string, owner Owner) error {
	m := newMaker(c, 0)
	for _, f := range c.Folders {
		dir := filepath.Join(root, directory(f.Name))
		if err := makeMaildir(dir, owner); err != nil {
			return err
		}
		for range f.Messages {
			if err := m.next(0).write(dir, m.made, owner); err != nil {
				return err
			}
		}
	}
	return nil
}

// New returns n messages, CRLF at their lines' ends, that no earlier round gave.
func (c Corpus) New(round uint64, n int) [][]byte {
	m := newMaker(c, round)
	out := make([][]byte, n)
	for i := range out {
		out[i] = []byte(strings.ReplaceAll(string(m.next(round).Body), "\n", "\r\n"))
	}
	return out
}

func directory(folder string) string {
	if folder == "INBOX" {
		return ""
	}
	return "." + strings.ReplaceAll(wire.EncodeName(folder), "/", ".")
}

func makeMaildir(dir string, owner Owner) error {
	for _, name := range []string{"", "cur", "new", "tmp"} {
		path := filepath.Join(dir, name)
		if err := os.Mkdir(path, 0o700); err != nil && !os.IsExist(err) {
			return err
		}
		if err := owner.give(path); err != nil {
			return err
		}
	}
	return nil
}

func (m Message) write(dir string, number int, owner Owner) error {
	name := fmt.Sprintf("%d.M%06dP1.bench,S=%d,W=%d:2,%s",
		m.Date.Unix(), number%1_000_000, len(m.Body), len(m.Body)+m.Lines, m.Flags)
	path := filepath.Join(dir, "cur", name)
	if err := os.WriteFile(path, m.Body, 0o600); err != nil {
		return err
	}
	if err := os.Chtimes(path, m.Date, m.Date); err != nil {
		return err
	}
	return owner.give(path)
}

func (o Owner) give(path string) error {
	if o == (Owner{}) {
		return nil
	}
	return os.Lchown(path, o.UID, o.GID)
}
