package ledger

import (
	"bytes"
	"database/sql"
	"errors"
	"io/fs"
	"time"

	"modernc.org/sqlite"
	"modernc.org/sqlite/vfs"
)

const imageName = "ledger.db"

// image is the bytes of a database file, as the only file of a file system that
// SQLite reads from.
type image struct {
	octets []byte
	vfs    *vfs.FS
	name   string // by which SQLite finds it
}

// connectImage opens the bytes of a database file in place.
func connectImage(octets []byte) (*sql.DB, *image, error) {
	i := &image{octets: octets}
	name, files, err := vfs.New(i)
	if err != nil {
		return nil, nil, err
	}
	i.vfs, i.name = files, "file:"+imageName+"?immutable=1&mode=ro&vfs="+name
	c, err := sqlite.NewConnector(i.name +
		"&_pragma=cell_size_check(ON)&_pragma=trusted_schema(OFF)&_pragma=temp_store(MEMORY)")
	if err != nil {
		return nil, nil, errors.Join(err, files.Close())
	}
	return pool(c, maxReaders), i, nil
}

// Close lets go of the bytes. The database must be closed before.
func (i *image) Close() error { return i.vfs.Close() }

// Open implements fs.FS.
func (i *image) Open(name string) (fs.File, error) {
	if name != imageName {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return imageFile{bytes.NewReader(i.octets)}, nil
}

type imageFile struct{ *bytes.Reader }

func (f imageFile) Close() error               { return nil }
func (f imageFile) Stat() (fs.FileInfo, error) { return imageInfo{f.Reader.Size()}, nil }

type imageInfo struct{ size int64 }

func (i imageInfo) Name() string       { return imageName }
func (i imageInfo) Size() int64        { return i.size }
func (i imageInfo) Mode() fs.FileMode  { return 0o400 }
func (i imageInfo) ModTime() time.Time { return time.Time{} }
func (i imageInfo) IsDir() bool        { return false }
func (i imageInfo) Sys() any           { return nil }
