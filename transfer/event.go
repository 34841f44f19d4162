package transfer

import (
	"time"

	"mailferry/transfer/mail"
)

// Event is something that happened in a run: one of the types below.
type Event interface{ event() }

// EventListed: both ends are listed. Folders are all that the source has, whether chosen or not; a filter that matches
// none of them is found out only then.
type EventListed struct {
	Folders []mail.Path
}

// EventStart: it is known which folders are worked on. Messages is how many the chosen source
// folders hold.
type EventStart struct {
	Folders  int
	Messages int
}

// EventPlan: it is known what a folder needs. It may come again after a retry,
// then with what is left.
type EventPlan struct {
	Source, Dest mail.Path
	Copy         int   // messages to copy
	Bytes        int64 // their octets; 0: unknown
	Already      int
	LeftOut      int
}

// EventCopied: these messages are durable at the destination.
type EventCopied struct {
	Folder   mail.Path
	Messages int
	Bytes    int64
}

// EventProblem: a message is not as it should be.
type EventProblem struct{ Problem Problem }

// EventRetry: a folder is tried again after Wait.
type EventRetry struct {
	Folder   mail.Path
	Attempt  int
	Wait     time.Duration
	Throttle bool // the server asked for the wait
	Err      error
}

// EventFolder: a folder is done, or given up.
type EventFolder struct{ Report FolderReport }

func (EventListed) event()  {}
func (EventStart) event()   {}
func (EventPlan) event()    {}
func (EventCopied) event()  {}
func (EventProblem) event() {}
func (EventRetry) event()   {}
func (EventFolder) event()  {}
