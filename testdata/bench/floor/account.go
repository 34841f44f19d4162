// Package floor measures how fast the work can be done at all: by clients that
// know beforehand what is there, parse nothing, decide nothing and record nothing.
package floor

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Folder is one mailbox in memory.
type Folder struct {
	Raw      string // as IMAP spells it
	Messages []Message
	Octets   int64
}

// Message is one message in memory.
type Message struct {
	File  string // name in the Maildir
	Body  []byte
	Date  time.Time
	Flags string // as IMAP spells them, without brackets
}

// Load reads a Maildir++ account whose files have LF at the ends of lines. With
// crlf they are as IMAP wants them. The largest folder comes first.
func Load(root string, crlf bool) ([]Folder, error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, err
	}
	dirs := []string{""}
	for _, e := range entries {
		if e.IsDir() && strings.HasPrefix(e.Name(), ".") {
			dirs = append(dirs, e.Name())
		}
	}
	var out []Folder
	for _, dir := range dirs {
		f, err := loadFolder(root, dir, crlf)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b Folder) int { return int(b.Octets - a.Octets) })
	return out, nil
}

func loadFolder(root, dir string, crlf bool) (Folder, error) {
	f := Folder{Raw: "INBOX"}
	if dir != "" {
		f.Raw = strings.ReplaceAll(dir[1:], ".", "/")
	}
	cur := filepath.Join(root, dir, "cur")
	entries, err := os.ReadDir(cur)
	if err != nil {
		return f, err
	}
	for _, e := range entries {
		m, err := loadMessage(cur, e, crlf)
		if err != nil {
			return f, err
		}
		f.Messages = append(f.Messages, m)
		f.Octets += int64(len(m.Body))
	}
	return f, nil
}

func loadMessage(cur string, e fs.DirEntry, crlf bool) (Message, error) {
	info, err := e.Info()
	if err != nil {
		return Message{}, err
	}
	body, err := os.ReadFile(filepath.Join(cur, e.Name()))
	if err != nil {
		return Message{}, err
	}
	if crlf {
		body = bytes.ReplaceAll(body, []byte("\n"), []byte("\r\n"))
	}
	return Message{File: e.Name(), Body: body, Date: info.ModTime(), Flags: flags(e.Name())}, nil
}

func flags(file string) string {
	_, info, _ := strings.Cut(file, ":2,")
	var out []string
	for _, letter := range info {
		switch letter {
		case 'F':
			out = append(out, `\Flagged`)
		case 'R':
			out = append(out, `\Answered`)
		case 'S':
			out = append(out, `\Seen`)
		}
	}
	return strings.Join(out, " ")
}

// share deals folders out to n connections, the largest first to whoever has least.
func share(folders []Folder, n int) [][]Folder {
	out, load := make([][]Folder, n), make([]int64, n)
	for _, f := range folders {
		least := 0
		for i := range load {
			if load[i] < load[least] {
				least = i
			}
		}
		out[least] = append(out[least], f)
		load[least] += f.Octets + int64(len(f.Messages))*1000
	}
	return slices.DeleteFunc(out, func(s []Folder) bool { return len(s) == 0 })
}

// Octets is what all folders hold.
func Octets(folders []Folder) (n int64) {
	for _, f := range folders {
		n += f.Octets
	}
	return n
}

// Account is where a floor logs in.
type Account struct{ Addr, User, Password string }

func (a Account) String() string { return fmt.Sprintf("%s at %s", a.User, a.Addr) }
