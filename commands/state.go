package commands

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// statePath is where the record of a migration lies unless --state says otherwise.
func (w *world) statePath(source, dest address) string {
	name := stateName(source) + "--" + stateName(dest) + ".db"
	return filepath.Join(w.xdg("XDG_STATE_HOME", filepath.Join(".local", "state")), "mailferry", name)
}

// checkState refuses a file of somebody else's before a lock is put beside it: advice for a damaged record,
// which may be deleted, must never be given about it. A lock that is there shows that the file was a record once.
func checkState(path string) error {
	for _, beside := range []string{".lock", "-wal"} {
		if _, err := os.Lstat(path + beside); err == nil {
			return nil
		}
	}
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	head := make([]byte, 72)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) || isRecordHeader(head[:n]) {
		return nil
	}
	return usage(fmt.Sprintf("%q is no record of mailferry", path), "name another file with --state")
}

// isRecordHeader knows a record by what SQLite begins its files with, and by its mark in there.
func isRecordHeader(head []byte) bool {
	return len(head) == 72 && string(head[:16]) == "SQLite format 3\x00" && string(head[68:72]) == "mfry"
}

// recordError says what to do about a record that cannot be kept at path. What has a
// meaning of its own, such as a lock or damage, stays as it is.
func recordError(path string, err error) error {
	if info, serr := os.Stat(path); serr == nil && info.IsDir() {
		return usage(fmt.Sprintf("the record cannot be kept in %q: it is a directory", path), "--state names the file itself")
	}
	for _, place := range []error{fs.ErrPermission, fs.ErrNotExist, syscall.EROFS, syscall.ENOTDIR} {
		if errors.Is(err, place) {
			return usage(err.Error(), "the record needs a place that you can write to; --state FILE names another, XDG_STATE_HOME another directory")
		}
	}
	return err
}

// identity names an account whichever way it is connected to: a switch from imap://
// to imaps:// must not make it another one.
func identity(a address) string {
	if a.isArchive() {
		return "archive:" + a.path
	}
	name := a.user + "@" + strings.ToLower(a.host)
	if !a.usualPort() {
		name += fmt.Sprintf(":%d", a.port)
	}
	if a.authzid != "" {
		name = a.authzid + "*" + name
	}
	return name
}

// stateName is an account as part of a file name. Different accounts get different
// names: bytes that file systems or shells treat specially are written %XX.
func stateName(a address) string {
	name := identity(a)
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		c := name[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '@', c == '_', c == '+',
			c == '.' && i > 0, c == '-' && i > 0 && name[i-1] != '-' && i < len(name)-1:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return shortened(b.String())
}

// shortened keeps two names, "--" and ".db.lock" within the 255 bytes of a file name.
func shortened(name string) string {
	const longest = 110
	if len(name) <= longest {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return name[:longest-17] + "%" + hex.EncodeToString(sum[:8])
}
