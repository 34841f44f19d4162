package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"

	"mailferry/archive/catalogue"
	"mailferry/archive/maildir"
	"mailferry/transfer/mail"
)

// origins finds the folders of a source that messages came from, and keeps the last one open.
type origins struct {
	source  mail.Source
	archive *Archive
	account string // the one the archive was filled from
	folders []mail.Path
	listed  bool

	at     mail.Path
	failed error // of opening it
	reader mail.Reader
}

func folderHash(path mail.Path) uint32 { return maildir.FolderHash(path) }

// find returns where a message of folder f was first read. If only the files tell, the folder is the one
// whose name has their hash; an mbox does not even have that, and it is the folder of the same name.
func (o *origins) find(ctx context.Context, f catalogue.Folder, m *catalogue.Message) (mail.Origin, error) {
	from := m.Origin
	if from.UID == 0 {
		return from, errors.New("it is not known where it came from")
	}
	if err := o.list(ctx); err != nil {
		return from, err
	}
	account := from.Source
	if account == "" {
		account = o.account
	}
	if is := o.source.String(); account != "" && mail.Visible(account) != mail.Visible(is) {
		return from, fmt.Errorf("it came from another account, %s", mail.Visible(account))
	}
	from.Source = o.source.String()
	if !from.Folder.IsZero() {
		return from, nil
	}
	for _, path := range o.folders {
		if m.Hash == folderHash(path) || m.Hash == 0 && path == f.Path {
			from.Folder = path
			return from, nil
		}
	}
	return from, errors.New("the source has no folder that it could have come from")
}

func (o *origins) list(ctx context.Context) (err error) {
	if o.listed {
		return nil
	}
	if o.account, err = o.archive.cat.Source(ctx); err != nil {
		return fail("read the archive", mail.Path{}, mail.ScopeStore, err)
	}
	folders, err := o.source.Folders(ctx)
	if err != nil {
		return ofSource(err)
	}
	for _, f := range folders {
		if !f.NoSelect && !f.Missing {
			o.folders = append(o.folders, f.Path)
		}
	}
	o.listed = true
	return nil
}

// open opens the folder of from, which must still have its UIDVALIDITY.
func (o *origins) open(ctx context.Context, from mail.Origin) (mail.Reader, error) {
	if o.at != from.Folder || o.reader == nil && o.failed == nil {
		if err := o.close(); err != nil {
			return nil, err
		}
		o.at = from.Folder
		if o.reader, o.failed = o.source.OpenReader(ctx, from.Folder); o.failed != nil {
			o.reader, o.failed = nil, ofSource(o.failed)
		}
	}
	if o.failed != nil {
		return nil, o.failed
	}
	if now := o.reader.Status().UIDValidity; now == 0 || now != from.UIDValidity {
		return nil, fmt.Errorf("the source has numbered folder %q anew since (UIDVALIDITY %d, it was %d)", from.Folder, now, from.UIDValidity)
	}
	return o.reader, nil
}

// lose forgets a reader that failed.
func (o *origins) lose() { _ = o.close() }

func (o *origins) close() error {
	if o.reader == nil {
		o.failed = nil
		return nil
	}
	err := o.reader.Close()
	o.reader, o.failed = nil, nil
	return err
}

// SourceError is an error of the source and not of the archive.
type SourceError struct{ Err error }

func (e *SourceError) Error() string { return e.Err.Error() }
func (e *SourceError) Unwrap() error { return e.Err }

func ofSource(err error) error { return &SourceError{err} }

// spool reads a message to its end: small ones into memory, others into a file of the archive's own directory
// that has no name.
func spool(a *Archive, size int64, octets io.Reader) (mail.Body, [sha256.Size]byte, error) {
	h := sha256.New()
	octets = io.TeeReader(octets, h)
	sum := func() (sum [sha256.Size]byte) { h.Sum(sum[:0]); return sum }
	if size <= inMemory {
		var buf bytes.Buffer
		_, err := buf.ReadFrom(octets)
		return mail.BytesBody(buf.Bytes()), sum(), err
	}
	file, err := os.CreateTemp(a.Dir(), "fetched-")
	if err != nil {
		return nil, sum(), err
	}
	b := &spooled{file: file}
	err = os.Remove(file.Name())
	if err == nil {
		b.size, err = io.Copy(file, octets)
	}
	if err != nil {
		b.Release()
		return nil, sum(), err
	}
	return b, sum(), nil
}

// spooled is a message in a file.
type spooled struct {
	file *os.File
	size int64
}

func (b *spooled) Size() int64 { return b.size }
func (b *spooled) Open() (io.ReadCloser, error) {
	return io.NopCloser(io.NewSectionReader(b.file, 0, b.size)), nil
}
func (b *spooled) Release() { _ = b.file.Close() } // twice is allowed: the second fails
