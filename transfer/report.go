package transfer

import (
	"errors"
	"fmt"
	"time"

	"mailferry/transfer/mail"
)

// Counts adds up: Found = Copied + Already + LeftOut + Failed, for each folder
// and in sum, unless the run was stopped (then Pending is the rest). In a dry
// run Copied is what would be copied.
type Counts struct {
	Found   int
	Copied  int
	Already int
	LeftOut map[Reason]int
	Failed  int
	Pending int // not reached, because the run or the folder stopped early

	Adopted      int // of Already: recognised at the destination in this run
	InDoubt      int // of Copied: perhaps there before (listed in Problems)
	Reflagged    int // messages whose flags were changed at the destination
	FlagsDropped int // flags and keywords the destination cannot store
	Expunged     int
	Bytes        int64 // octets copied
}

// Reason says why a message was left out on purpose.
type Reason string

const (
	ReasonSize    Reason = "larger than --max-size"
	ReasonSince   Reason = "older than --since"
	ReasonBefore  Reason = "not before --before"
	ReasonDeleted Reason = "deleted at the destination"
	ReasonGone    Reason = "gone meanwhile"
)

// Out returns the sum over the reasons.
func (c Counts) Out() int {
	n := 0
	for _, k := range c.LeftOut {
		n += k
	}
	return n
}

// Add adds d's numbers to c.
func (c *Counts) Add(d Counts) {
	c.Found += d.Found
	c.Copied += d.Copied
	c.Already += d.Already
	for r, n := range d.LeftOut {
		c.leave(r, n)
	}
	c.Failed += d.Failed
	c.Pending += d.Pending
	c.Adopted += d.Adopted
	c.InDoubt += d.InDoubt
	c.Reflagged += d.Reflagged
	c.FlagsDropped += d.FlagsDropped
	c.Expunged += d.Expunged
	c.Bytes += d.Bytes
}

func (c *Counts) leave(r Reason, n int) {
	if c.LeftOut == nil {
		c.LeftOut = make(map[Reason]int)
	}
	c.LeftOut[r] += n
}

// FolderReport is what became of one pair of folders.
type FolderReport struct {
	Source, Dest mail.Path
	Created      bool // the destination folder was made (dry run: would be)
	Unopened     bool // nothing had changed at either end, so it was not even opened
	Counts       Counts
	Err          error // the folder could not be finished
}

// ProblemKind says what is wrong with one message.
type ProblemKind string

const (
	ProblemFailed  ProblemKind = "failed"   // not at the destination
	ProblemInDoubt ProblemKind = "in doubt" // copied, perhaps a second time, or matched without proof
	ProblemFlags   ProblemKind = "flags"    // there, but its flags could not be set

	ProblemNotExpunged ProblemKind = "not expunged" // of a folder: --mirror waits for a later run

	ProblemSubscription ProblemKind = "subscription" // of a folder: could not be carried over
)

// Problem names one message.
type Problem struct {
	Kind   ProblemKind
	Folder mail.Path // at the source
	Dest   mail.Path
	UID    mail.UID
	Size   int64
	Err    error
}

// Report is the account a run gives of itself.
type Report struct {
	Run           int64 // number in the ledger's history
	DryRun        bool
	Started       time.Time
	Finished      time.Time
	Folders       []FolderReport // sorted by Source
	Total         Counts
	Problems      []Problem // sorted by Folder and UID
	Skipped       int       // source folders the filter excluded
	Retries       int
	SourceFolders int // all folders of the source that can hold messages
}

// Complete reports whether everything that should be at the destination is.
func (r *Report) Complete() bool {
	if r.Total.Failed > 0 || r.Total.Pending > 0 {
		return false
	}
	for _, f := range r.Folders {
		if f.Err != nil {
			return false
		}
	}
	return true
}

// End tells the two ends of a run apart in errors.
type End string

const (
	EndSource End = "source"
	EndDest   End = "destination"
)

// EndError says at which end an error occurred.
type EndError struct {
	End End
	Err error
}

func (e *EndError) Error() string { return fmt.Sprintf("%s: %v", e.End, e.Err) }
func (e *EndError) Unwrap() error { return e.Err }

// The errors that stop a run before or amid its work.
var (
	ErrStopped     = errors.New("stopped on request")
	ErrNoMatch     = errors.New("no folder matches the filter")
	ErrRemapped    = errors.New("a folder would go elsewhere than before")
	ErrTooMany     = errors.New("more messages to delete than allowed")
	ErrUnsupported = errors.New("not possible with these stores")
)
