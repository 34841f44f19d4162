package transfer

import (
	"context"
	"time"

	"mailferry/transfer/mail"
)

// Ledger remembers what was done between one source and one destination. It is
// durable: when a method that changes it returns nil, the change survives a
// crash and a power cut. It decides nothing. Losing it costs time, never mail.
// All methods may be called from several goroutines at once.
type Ledger interface {
	// Pairs returns every recorded pair of folders, in no particular order.
	Pairs(ctx context.Context) ([]Pair, error)
	// Records returns up to limit records of a pair with a source UID greater
	// than after, ascending.
	Records(ctx context.Context, pair int64, after mail.UID, limit int) ([]Record, error)
	// Claimed returns the destination UIDs, from one on, that records of any
	// pair with this destination folder name.
	Claimed(ctx context.Context, dest mail.Path, from mail.UID) (mail.UIDSet, error)
	// Intents returns the open intents of a destination folder, oldest first.
	Intents(ctx context.Context, dest mail.Path) ([]Intent, error)
	// Commit makes one change, all of it or nothing.
	Commit(ctx context.Context, change Change) error
	// StartRun and FinishRun keep the history of runs. summary is JSON.
	StartRun(ctx context.Context, started time.Time) (run int64, err error)
	FinishRun(ctx context.Context, run int64, finished time.Time, summary []byte) error
	// Close frees the lock. The Ledger cannot be used afterwards.
	Close() error
}

// Rememberer is a Ledger that can tell that it has not merely been lost.
type Rememberer interface {
	// New reports that nothing shows that a ledger was here before.
	New() bool
}

// Pair is a source folder and the destination folder that its messages go to.
type Pair struct {
	ID          int64 // 0: not recorded yet; Commit assigns it
	Source      mail.Path
	Dest        mail.Path
	SourceState mail.Status // as of the last run that finished the pair; only the UIDVALIDITY counts before
	DestState   mail.Status
	Adopted     bool   // what the destination held before is matched; false: match first
	Complete    bool   // the last run left nothing out and nothing failed
	Filter      string // the filter of the last run
	Subscribed  bool   // whether the source folder was subscribed then
}

// Record says that a message of the source is at the destination.
type Record struct {
	Source   mail.UID
	Dest     mail.UID   // 0: there, but its UID could not be found out
	Appended bool       // this ledger's runs put it there; false: it was found there
	Base     mail.Flags // the source's flags when they were last carried over
}

// Intent says that messages may be on their way: it is written before the
// first of them is sent and settled when their fate is recorded.
type Intent struct {
	ID           int64 // assigned by Commit
	Pair         int64
	DestValidity uint32
	DestNext     mail.UID // no message of this intent has a smaller UID at the destination
	Source       mail.UIDSet
}

// Change is one atomic change of a Ledger, carried out in the order of the fields.
type Change struct {
	Void    *Pair                 // drop every record and intent of this pair
	Pair    *Pair                 // record the pair's new state, or a new pair: ID is filled in
	Pairs   []*Pair               // more of them
	Forget  map[int64]mail.UIDSet // drop records by pair and source UID
	Records map[int64][]Record    // add or replace records, by pair
	Settle  []int64               // intents to drop, by ID
	Intents []*Intent             // intents to add: ID is filled in
}
