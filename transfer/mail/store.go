package mail

import (
	"context"
	"io"
)

// Source is an account or archive that can be read. All methods may be called
// from several goroutines at once.
type Source interface {
	// Folders lists every folder of the personal namespace once, parents before
	// children, with its Status where the store can tell it cheaply. An
	// incomplete list is an error, never a shorter list.
	Folders(ctx context.Context) ([]Folder, error)
	// OpenReader opens a folder for reading. Nothing the handle does can
	// change the folder, not even a flag. A folder that does not exist is an
	// error of ScopeFolder with KindNotFound.
	OpenReader(ctx context.Context, path Path) (Reader, error)
	Traits() Traits
	// Close ends every session. Open handles must be closed before.
	Close() error
	// String is the store's address without secrets; it identifies the store
	// in ledgers and archives.
	String() string
}

// AheadSource is a Source that can be told what a caller will do first with a folder, so
// that the answers are on their way when it asks.
type AheadSource interface {
	// OpenReaderAhead is OpenReader for a caller that will call List with these options, unless
	// list is nil, and then, unless bodies is 0, Fetch of all messages from that UID on. Behind a listing of a part
	// that should be little mail: what does not fit the memory comes twice. Other calls do the
	// same as ever; what was asked for in vain is thrown away.
	OpenReaderAhead(ctx context.Context, path Path, list *ListOptions, bodies UID) (Reader, error)
}

// Connector is a Source that takes a while to reach.
type Connector interface {
	// Connect reaches the store before it is used. What fails is told to the first method that would have
	// had to do it.
	Connect(ctx context.Context)
}

// Preparer is a Source that can make ready for several handles at once what each of them
// would have to wait for.
type Preparer interface {
	// Prepare makes ready for so many handles at most, as far as it can and about so many octets of mail are worth it, and
	// returns then. It begins when the store is first used. What fails is left to the opening of a handle.
	Prepare(ctx context.Context, handles int, octets int64)
}

// Store is a Source that can be written too.
type Store interface {
	Source
	// Name returns the path under which the store would keep a folder of that
	// name: the same path, unless a component holds something the store cannot
	// spell (its hierarchy delimiter, say).
	Name(path Path) Path
	// Create makes a folder, with its Role where the store can record one, and
	// its parents where the store needs them. A folder that exists is no error.
	Create(ctx context.Context, folder Folder) error
	// OpenWriter opens a folder for reading and writing.
	OpenWriter(ctx context.Context, path Path) (Writer, error)
}

// ListOptions says what List is to tell. UID is always told.
type ListOptions struct {
	From         UID     // only UIDs from this one on; 0: all
	Only         *UIDSet // only these UIDs; nil: all
	ChangedSince uint64  // only messages with a greater mod-sequence; 0: all (needs HighestModSeq)
	Flags        bool
	Size         bool
	Date         bool
	Key          bool

	// Vanished, with ChangedSince, takes up the UIDs that were expunged since then. It
	// may name UIDs that never were. Only where Traits.Resync is set; List then leaves
	// no expunged message out.
	Vanished *UIDSet
}

// Reader is a session on one folder. It belongs to one goroutine at a time.
type Reader interface {
	// Status is as of the opening.
	Status() Status
	// List calls fn for each message, in ascending order of UID, each at most
	// once, on the caller's goroutine. It returns nil only if the store stated
	// that the listing was complete; fn's error stops the listing and is
	// returned. After an error of a scope other than message the handle can
	// only be closed. fn must not use the handle.
	List(ctx context.Context, opts ListOptions, fn func(Info) error) error
	// Fetch calls fn for each of uids that exists, at most once, in any order, on
	// the caller's goroutine. info holds UID, Flags, InternalDate and Size;
	// body yields exactly info.Size octets, and is io.ErrUnexpectedEOF instead of
	// io.EOF when the store delivered fewer. body is valid only during the call;
	// what fn leaves unread is skipped. A UID for which fn was not called has
	// not come: the caller finds out why. fn must not use the handle.
	Fetch(ctx context.Context, uids UIDSet, fn func(info Info, body io.Reader) error) error
	// Close ends the session. It may be called after any error and twice.
	Close() error
}

// Writer is a session on one folder that may change it. A folder has one
// Writer at a time.
type Writer interface {
	Reader
	// Append queues msg and takes over its Body, which it releases before done.
	// done runs exactly once, on the caller's goroutine, inside Append, Flush
	// or Close, when the message is durable (IMAP: tagged OK; archive: on disk)
	// or has failed. Messages get their place in the order of the Append calls.
	//
	// uid is 0 where the store does not tell it. An error of ScopeMessage is
	// for that message alone, which is not in the folder unless the error
	// is Uncertain. Append's own error (and Flush's) is of a wider scope: the handle
	// can then only be closed, and every message still queued ends as Uncertain.
	Append(ctx context.Context, msg *Message, done func(uid UID, err error)) error
	// Flush returns when done has run for everything queued.
	Flush(ctx context.Context) error
	// SetFlags changes flags and leaves every other flag as it is. UIDs that
	// are not there are passed over. Doing it twice is the same as once. It returns
	// when the changes are durable.
	SetFlags(ctx context.Context, changes []FlagChange) error
	// Refresh asks for the folder's Status now.
	Refresh(ctx context.Context) (Status, error)
}

// Expunger is a Writer that can remove messages by UID and no others (RFC 4315).
type Expunger interface {
	// Expunge removes exactly these messages. UIDs not there are passed over.
	Expunge(ctx context.Context, uids UIDSet) error
}

// Pusher is a Writer that keeps messages back until there are many, or until it is flushed.
type Pusher interface {
	// Push sends what is kept back if nothing else is being waited for. The caller has nothing more to append
	// just now. Its error is like Flush's.
	Push(ctx context.Context) error
}

// Subscriber is a Store with a list of subscriptions (RFC 9051 section 6.3.7).
type Subscriber interface {
	SetSubscribed(ctx context.Context, path Path, subscribed bool) error
}

// FolderMaker is a Store that makes many folders, and subscribes to many, in less time
// than one after the other.
type FolderMaker interface {
	// CreateAll is Create for each of folders, in that order. The first error is the
	// folder's own at its index, nil where it was made; the second, of a wider scope, ends
	// the work: what became of folders whose error is nil is then unknown. now is what Folders
	// would return then, where it comes in the same time, and nil otherwise.
	CreateAll(ctx context.Context, folders []Folder) (errs []error, now []Folder, err error)
	// SetSubscribedAll is SetSubscribed for each of paths, with errors like those of CreateAll.
	SetSubscribedAll(ctx context.Context, paths []Path, subscribed bool) ([]error, error)
}

// AppendStore is a Store that appends to many folders over few sessions.
type AppendStore interface {
	// OpenAppender is OpenWriter for a folder that will be appended to, about so many octets, and in which flags will be
	// set, and no more. Where Traits.Appenders is set, such Writers do not count as handles; but opening
	// any other handle may wait until all of them are closed. List calls fn for no message of a folder that was empty
	// when it was opened. Everything else that takes a session of the
	// folder's own, any other List among it, is an error of ScopeFolder and
	// KindSession: the caller then uses OpenWriter. So is the opening of a folder without lasting UIDs.
	OpenAppender(ctx context.Context, path Path, octets int64) (Writer, error)
}

// Describer is a Source that can say what its server can and cannot do.
type Describer interface {
	Describe(ctx context.Context) ([]Fact, error)
}

// Fact is one line of what a Describer says.
type Fact struct {
	Name  string // stable, for programs: "LITERAL+", "server"
	Value string // "yes", "no", or a value as the server gave it
	Means string // one sentence for people: what follows for a transfer
}

// Traits are the fixed properties of a store; the engine decides by them and
// never by what kind of store it is.
type Traits struct {
	KeepsBytes  bool  // sizes stay as sent, so equal key and size mean the same message
	DurableUIDs bool  // UIDs hold beyond a session while UIDVALIDITY does
	UIDPlus     bool  // Append tells the UID, and Writers are Expungers
	ModSeqs     bool  // folders may have HighestModSeq
	Resync      bool  // ListOptions.Vanished works (RFC 7162 section 3.2.6)
	Appenders   bool  // it is an AppendStore, and its server can do that
	MaxSize     int64 // greatest message the store takes; 0: unknown
	AutoExpunge bool  // a message that becomes \Deleted vanishes (Gmail)
	Connections int   // handles that may be open at once; 0: any number
}
