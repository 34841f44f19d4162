package ledger

import (
	"context"
	"errors"

	"mailferry/transfer/mail"
)

// OpenReadOnly reads the ledger at path into memory, as it is at this moment,
// also while another process writes it. Nothing on disk is created or changed,
// and no lock is taken. A file that does not exist is an empty ledger. The
// methods that would change it fail. Errors are those of Open; one of KindLocked if
// the file changed all the time while it was read.
func OpenReadOnly(path string, id Identity) (*Ledger, error) {
	s, err := takeSnapshot(path)
	if err != nil {
		return nil, fail(opOpen, path, err)
	}
	l := &Ledger{path: path, sets: newFlagSets(), chunkSize: chunkSize}
	if err := l.openSnapshot(s, id); err != nil {
		return nil, fail(opOpen, path, errors.Join(err, l.closeSnapshot()))
	}
	return l, nil
}

func (l *Ledger) openSnapshot(s snapshot, id Identity) (err error) {
	if err := l.connectSnapshot(s.image); err != nil {
		return err
	}
	version, err := admit(l.reader, l.path, id)
	if err != nil {
		return err
	}
	if version == 1 {
		if err := l.convertSnapshot(id, s.proved); err != nil {
			return err
		}
	}
	if l.read, err = prepareQueries(l.reader); err != nil || s.proved {
		return err
	}
	return verify(context.Background(), l.reader)
}

// convertSnapshot goes on with a ledger in memory that says what the image says.
func (l *Ledger) convertSnapshot(id Identity, proved bool) error {
	db, err := connectEmpty()
	if err != nil {
		return err
	}
	if !proved {
		err = verifyPages(context.Background(), l.reader)
	}
	if err == nil {
		err = upgradeFrom(context.Background(), db, l.image.name, id)
	}
	if err != nil {
		return errors.Join(err, db.Close())
	}
	err = l.closeSnapshot()
	l.reader, l.image = db, nil
	return err
}

// connectSnapshot opens the image, or an empty database if there is nothing in it.
func (l *Ledger) connectSnapshot(octets []byte) (err error) {
	if octets != nil {
		if l.reader, l.image, err = connectImage(octets); err != nil {
			return err
		}
		if m, err := marksOf(l.reader); err != nil || m != (marks{}) {
			return err
		}
		if err := l.closeSnapshot(); err != nil {
			return err
		}
		l.image = nil
	}
	l.reader, err = connectEmpty()
	return err
}

func (l *Ledger) closeSnapshot() error {
	if l.reader == nil {
		return nil
	}
	err := l.reader.Close()
	if l.image != nil {
		err = errors.Join(err, l.image.Close())
	}
	return err
}

func errChanging() error {
	return &mail.Error{Op: opOpen, Scope: mail.ScopeStore, Retry: mail.RetryNever, Kind: mail.KindLocked,
		Hint: "try again when the other run has ended",
		Err:  errors.New("another run kept changing it while it was read")}
}
