package transfer

import (
	"context"
	"time"

	"mailferry/transfer/mail"
)

// Job is one run: what goes where, and within which bounds. The zero value of
// every optional field is the default.
type Job struct {
	Source mail.Source
	Dest   mail.Store
	Ledger Ledger // nil only with DryRun: as if nothing had been done before

	Filter Filter
	Map    []Mapping // first match wins; a folder takes everything below it along
	Into   mail.Path // every folder goes below this one
	Remap  bool      // let a recorded pair change its destination

	Flags     FlagMode
	Full      bool // trust no ledger: list both ends, copy again what the destination's user deleted
	DryRun    bool // plan and report, change nothing anywhere
	Mirror    bool // expunge at the destination what vanished from the source
	MaxDelete Limit

	Connections int    // handles per end; 0: 4
	Memory      int64  // octets of bodies held in memory; 0: 32 MiB
	Batch       int    // messages named by one intent; 0: 1,000
	SpoolDir    string // where larger bodies wait; empty: the system's
	RateLimit   int64  // octets per second read from the source; 0: no limit

	Observe func(Event)     // called on one goroutine at a time; must not block; may be nil
	Stop    <-chan struct{} // closed: finish what is in flight, record it, return ErrStopped
	Timing  Timing
}

// Filter bounds what a run looks at. Messages it leaves out are counted.
type Filter struct {
	Folders []string  // globs on the "/"-joined source path; empty: all
	Exclude []string  // globs; these go first
	Since   time.Time // INTERNALDATE at or after; zero: no bound
	Before  time.Time // INTERNALDATE before; zero: no bound
	MaxSize int64     // octets; 0: no bound
}

// Mapping sends the source folder From, and what lies below it, to To.
type Mapping struct{ From, To mail.Path }

// FlagMode says how flags of messages that are already there are treated.
type FlagMode string

const (
	FlagsMerge  FlagMode = "merge"  // three ways: carry over what changed at the source
	FlagsSource FlagMode = "source" // make them as at the source
	FlagsNone   FlagMode = "none"   // leave them; new messages still get theirs
)

// Limit is a number of messages in the whole run, or a share of each folder when
// Percent is set. The zero value is 10 percent; zero percent allows nothing.
type Limit struct {
	N       int
	Percent bool
}

// Timing holds the waits, so that tests need not wait.
type Timing struct {
	Settle    time.Duration // how long UIDNEXT must stand still after a crash; 0: 2 s
	SettleMax time.Duration // give up waiting for that; 0: 60 s
	Backoff   time.Duration // first wait before a retry, doubled each time; 0: 1 s
	Attempts  int           // tries of a folder without any progress; 0: 6
	// Sleep waits or returns ctx's error; nil: the real thing.
	Sleep func(ctx context.Context, d time.Duration) error
}
