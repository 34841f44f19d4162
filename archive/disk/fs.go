package disk

import (
	"io"
	"io/fs"
	"time"
)

// FS is the directory of an archive. Names are relative, with "/" between their
// parts, and cannot lead out of it, not even by symbolic links. Methods may be called from several
// goroutines at once. Errors wrap those of package os.
//
// Nothing is durable before it was synced: the octets of a file by Sync, that a
// name is in a directory (or no longer) by SyncDir of that directory.
type FS interface {
	// Create makes a file of mode 0600 that must not exist.
	Create(name string) (File, error)
	// Open fails for what is no regular file.
	Open(name string) (Reading, error)
	// Peek reads a file from its beginning into p, by one read: there may be more of it than was read. It may
	// fail for a file that can be opened.
	Peek(name string, p []byte) (int, error)
	// Update opens a file for reading and writing at any place. One that is not
	// there is made, with mode 0600.
	Update(name string) (Updating, error)
	// Stat does not follow a symbolic link.
	Stat(name string) (fs.FileInfo, error)
	// Rename replaces a file that has the new name.
	Rename(from, to string) error
	Remove(name string) error
	// Mkdir makes a directory of mode 0700 that must not exist.
	Mkdir(name string) error
	Chtimes(name string, t time.Time) error
	// List calls fn with the names in a directory, in no order, a part at a time.
	List(name string, fn func([]fs.DirEntry) error) error
	// Sync makes the octets and dates of files durable, all or an error.
	Sync(files []File) error
	SyncDir(name string) error
}

// Reading is a file that is being read.
type Reading interface {
	io.ReadCloser
	io.ReaderAt
	Stat() (fs.FileInfo, error)
}

// Updating is a file that is changed in place. What was written is durable after its Sync.
type Updating interface {
	io.ReaderAt
	io.WriterAt
	io.Seeker
	Truncate(size int64) error
	Sync() error
	Close() error
}

// File is a file that is being written.
type File interface {
	io.Writer
	// Flushing tells the system that the file is complete and will be synced soon.
	Flushing()
	Close() error
}
