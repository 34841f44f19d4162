package foreign

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"mailferry/archive/mbox"
	"mailferry/transfer/mail"
)

// Options are those of Open.
type Options struct {
	// Spool is the directory for the octets of a compressed file, which need
	// as much room there as they have; empty: that of the system.
	Spool   string
	Quoting Quoting
}

// Mbox is an open mbox file, as long as it was when it was opened. Its methods may be
// called from several goroutines at once.
type Mbox struct {
	path    string
	file    *os.File // as named
	data    *os.File // its octets: file, or what was unpacked from it
	info    os.FileInfo
	size    int64
	first   int64 // offset of the first From_ line
	kind    Kind
	quoting Quoting
}

var errShrunk = errors.New("the file became shorter while it was read")

// settled is for how long a file without an empty line at its end must have been left alone
// to be taken for complete.
const settled = 10 * time.Second

// patience is how long another program may hold its lock (fcntl) on the file before it is read
// regardless. Delivering a message takes less; what takes more is seen by its size or its digest.
const patience = 5 * time.Second

// Open opens a file and reads it once, to see of which kind it is. Its error wraps a *mail.Error
// of ScopeFolder: with KindRefused it is no mbox, and the error's text says what it is. The caller closes
// the Mbox. The file is only ever read.
func Open(path string, opts Options) (*Mbox, error) {
	m := &Mbox{path: path, quoting: opts.Quoting}
	if err := m.open(opts.Spool); err != nil {
		return nil, errors.Join(wrap(path, err), m.Close())
	}
	return m, nil
}

func (m *Mbox) open(spool string) (err error) {
	if info, err := os.Stat(m.path); err == nil && !info.Mode().IsRegular() {
		return refusal(describeMode(info.Mode()))
	}
	if m.file, err = os.Open(m.path); err != nil {
		return err
	}
	if m.info, err = statUnlocked(m.file, patience); err != nil {
		return err
	}
	m.data, m.size = m.file, m.info.Size()
	if err := m.unpack(spool); err != nil {
		return err
	}
	if m.first, err = m.findFirst(); err != nil || m.first == m.size {
		return err
	}
	if m.isOwn() {
		m.kind.Dialect = Mailferry
		return nil
	}
	return m.survey()
}

// Kind is what the file was found to be. That of an empty file has no Dialect.
func (m *Mbox) Kind() Kind { return m.kind }

// Close closes the file.
func (m *Mbox) Close() (err error) {
	if m.data != nil && m.data != m.file {
		err = m.data.Close()
	}
	if m.file != nil {
		err = errors.Join(err, m.file.Close())
	}
	return err
}

func (m *Mbox) isOwn() bool {
	own := false
	err := mbox.Scan(io.NewSectionReader(m.data, m.first, m.size-m.first), m.first, func(e *mbox.Entry) error {
		own = e.Kind == mbox.Own
		return errStop
	})
	return err == errStop && own
}

var errStop = errors.New("stop")

func (m *Mbox) firstIsDated() bool {
	head := make([]byte, 2*maxFrom)
	n, _ := m.data.ReadAt(head, m.first)
	return look(head[:n]).date
}

// refusal is the error of a file that is no mbox.
func refusal(found string) error {
	return &mail.Error{Kind: mail.KindRefused, Err: fmt.Errorf("this is no mbox but %s", found),
		Hint: "an mbox begins with a line such as \"From a@example.org Thu Jan  2 15:04:05 2025\""}
}

// wrap says of which file an error speaks.
func wrap(path string, err error) error {
	e := &mail.Error{Err: err}
	if known := new(mail.Error); errors.As(err, &known) {
		*e = *known
	} else if errors.Is(err, os.ErrNotExist) {
		e.Kind = mail.KindNotFound
	} else if errors.Is(err, syscall.ENOSPC) {
		e.Kind = mail.KindSpace
	}
	e.Op, e.Scope, e.Retry = "read mbox "+mail.Visible(filepath.ToSlash(path)), mail.ScopeFolder, mail.RetryNever
	return e
}
