package mail

import (
	"bytes"
	"io"
	"time"
)

// Info is what a listing tells of one message. Fields that were not asked for
// are zero.
type Info struct {
	UID          UID
	Size         int64 // RFC822.SIZE: octets with CRLF line ends, as the store states it
	Flags        Flags
	InternalDate time.Time // to the second, with the zone the store gave
	ModSeq       uint64
	Key          Key
	Content      string // account-wide id of the message's bytes (EMAILID, RFC 8474); empty: unknown
}

// Origin is where a message was first read. It identifies the message for
// archives, which record it and never interpret it.
type Origin struct {
	Source      string // the account, as Source.String gives it
	Folder      Path
	UIDValidity uint32
	UID         UID
}

// Body holds the exact octets of a message. It may be opened any number of
// times, one after the other or at once, until it is released.
type Body interface {
	Size() int64
	// Open reads from the first octet. The caller closes the reader.
	Open() (io.ReadCloser, error)
	// Release frees memory or spool file. Calling it twice is allowed.
	Release()
}

// Message is a message on its way into a Writer.
type Message struct {
	Origin       Origin
	Flags        Flags
	InternalDate time.Time // zero: unknown
	Body         Body
}

// BytesBody is a Body in memory whose Release does nothing.
type BytesBody []byte

func (b BytesBody) Size() int64 { return int64(len(b)) }
func (b BytesBody) Open() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(b)), nil
}
func (b BytesBody) Release() {}
