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
	db, err := connectImage(s.image)
	if err != nil {
		return nil, fail(opOpen, path, err)
	}
	l := &Ledger{path: path, sets: newFlagSets(), reader: db}
	if err := l.openImage(id, s.proved); err != nil {
		return nil, fail(opOpen, path, errors.Join(err, db.Close()))
	}
	return l, nil
}

func (l *Ledger) openImage(id Identity, proved bool) (err error) {
	if err := admit(l.reader, l.path, id); err != nil {
		return err
	}
	if l.read, err = prepareQueries(l.reader); err != nil || proved {
		return err
	}
	return l.verify(context.Background())
}

func errChanging() error {
	return &mail.Error{Op: opOpen, Scope: mail.ScopeStore, Retry: mail.RetryNever, Kind: mail.KindLocked,
		Hint: "try again when the other run has ended",
		Err:  errors.New("another run kept changing it while it was read")}
}
