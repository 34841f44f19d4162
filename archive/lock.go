package archive

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/gofrs/flock"

	"mailferry/transfer/mail"
)

// mark is what the lock file says: who writes the archive, or what the catalogue and
// its copy were when nobody did.
type mark struct {
	pid    int // who holds the lock, or held it when it died; 0: nobody
	sealed map[string]seal
}

func (m mark) String() string {
	var b strings.Builder
	if m.pid != 0 {
		fmt.Fprintf(&b, "pid %d\n", m.pid)
	}
	for _, name := range []string{catalogueFile, copyFile} {
		if s, ok := m.sealed[name]; ok {
			fmt.Fprintf(&b, "%s %d %08x\n", name, s.size, s.crc)
		}
	}
	return b.String()
}

// parseMark reads what String wrote. Anything else says nothing, which makes
// everything be looked at.
func parseMark(text []byte) mark {
	m := mark{sealed: make(map[string]seal)}
	for line := range bytes.Lines(text) {
		fields := strings.Fields(string(line))
		switch {
		case !bytes.HasSuffix(line, []byte("\n")):
			return mark{}
		case len(fields) == 2 && fields[0] == "pid":
			pid, err := strconv.Atoi(fields[1])
			if err != nil || pid <= 0 {
				return mark{}
			}
			m.pid = pid
		case len(fields) == 3:
			size, err1 := strconv.ParseInt(fields[1], 10, 64)
			crc, err2 := strconv.ParseUint(fields[2], 16, 32)
			if err1 != nil || err2 != nil || size < 0 {
				return mark{}
			}
			m.sealed[fields[0]] = seal{size, uint32(crc)}
		default:
			return mark{}
		}
	}
	return m
}

// clean reports whether the last writer ended in order.
func (m mark) clean() bool {
	_, ok := m.sealed[catalogueFile]
	return ok && m.pid == 0
}

func readMark(path string) mark {
	text, err := os.ReadFile(path)
	if err != nil {
		return mark{}
	}
	return parseMark(text)
}

// lock is a held lock.
type lock struct {
	path   string
	flock  *flock.Flock
	before mark // as it was found
}

// takeLock locks the archive at root for this process.
func takeLock(root, path string) (*lock, error) {
	l := &lock{path: path, flock: flock.New(path, flock.SetPermissions(0o600))}
	ok, err := l.flock.TryLock()
	if err != nil {
		return nil, fail("lock the archive", mail.Path{}, mail.ScopeStore, err)
	}
	l.before = readMark(path)
	if !ok {
		who := "another run"
		if l.before.pid != 0 {
			who = fmt.Sprintf("another run (process %d)", l.before.pid)
		}
		return nil, refuse("lock the archive", root, errors.New("it is in use by "+who), mail.KindLocked,
			"wait until that run has ended, or stop it")
	}
	return l, nil
}

// write replaces the content of the lock file, durably: a seal of an older state
// that survives a power cut would make the catalogue look damaged.
func (l *lock) write(m mark) error {
	f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(m.String())
	return errors.Join(err, f.Sync(), f.Close())
}

func (l *lock) free() error { return l.flock.Close() }

// state changes whenever the archive is written, and is "" while it is or if a
// run was killed.
func (a *Archive) state() string {
	if a.lock != nil {
		a.mu.Lock()
		defer a.mu.Unlock()
		if len(a.writing)+len(a.torn) > 0 {
			return ""
		}
		return "ours"
	}
	m := readMark(a.own(lockFile))
	if !m.clean() {
		return ""
	}
	return m.String()
}
