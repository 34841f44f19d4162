package catalogue

import (
	"crypto/sha256"
	"time"

	"mailferry/transfer/mail"
)

// Folder is a folder as it is now.
type Folder struct {
	ID         int64
	Path       mail.Path
	Dir        string // where its files are, relative to the archive
	Validity   uint32
	Next       mail.UID
	ModSeq     uint64
	Stamp      int64 // a Maildir's newest name
	Role       mail.Role
	Subscribed bool
	Messages   int64
	Unseen     int64
	Bytes      int64
	Added      int64 // the run that made it
	Gone       int64 // the run from which on it is not there; 0: it is
	Suspect    int64 // the run that first missed it at the source; 0: none did
}

// Message is a message of a folder.
type Message struct {
	UID     mail.UID
	Origin  mail.Origin // Source and Folder are zero where they are not known
	Hash    uint32      // of the origin's folder
	Place   string      // where its octets are, in the words of the archive's format
	Size    int64
	Sum     [sha256.Size]byte
	Proven  bool // Sum is that of what the source sent, not of what the file held later
	Date    time.Time
	Key     mail.Key
	Flags   mail.Flags
	ModSeq  uint64
	Added   int64
	Gone    int64
	Suspect int64
}

// View says which state is asked for.
type View struct {
	Run  int64 // as of this run; 0: now
	Gone bool  // with what is gone, too
}

// Run is one run in the history.
type Run struct {
	ID        int64
	Source    string
	Started   time.Time
	Ended     time.Time // zero: it did not end
	Complete  bool
	Added     int64
	Reflagged int64
	Gone      int64
	Suspect   int64
}

// Change is what becomes of one message's flags.
type Change struct {
	UID   mail.UID
	Flags mail.Flags
	Place string
}
