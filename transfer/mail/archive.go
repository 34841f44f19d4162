package mail

import "context"

// The interfaces below are those of an archive: a Store that keeps what the
// source has lost, and knows of every message where it came from. All of them are
// found by type assertion.

// Historian is a Store that keeps the states of all runs, each as it was.
type Historian interface {
	// BeginRun starts a run from the account named source (as Source.String gives it).
	// What is written up to EndRun belongs to it. A store that was filled from
	// another account refuses with an error of ScopeStore, and nothing changes.
	BeginRun(ctx context.Context, source string) error
	// MarkFolderGone records that the source does not list this folder any more. The
	// folder stays, and stays current: it is only suspect, unless the store was
	// opened to accept losses. A folder that is not there is no error.
	MarkFolderGone(ctx context.Context, path Path) error
	// EndRun ends the run. complete says that it saw the whole account: every folder
	// listed, no filter, nothing failed. A folder that was suspect and is not marked again by a
	// complete run is suspect no more.
	EndRun(ctx context.Context, complete bool) error
}

// GoneMarker is a Writer of a Historian.
type GoneMarker interface {
	// MarkGone states, after a listing of the source that was complete and
	// unfiltered, which of the folder's messages the source no longer holds. They stay
	// in the store: with suspect they stay current too (unless the store was opened
	// to accept losses), otherwise Readers and Writers no longer list them. A message that
	// was suspect and is not in gone is suspect no more. UIDs that are not there are passed over.
	MarkGone(ctx context.Context, gone UIDSet, suspect bool) error
}

// Returner is a GoneMarker that can take a mark back.
type Returner interface {
	// MarkBack makes messages current again that were marked gone, because the source lists them again, and
	// returns those that are. States of runs in between then hold them, too. Other UIDs are passed over.
	MarkBack(ctx context.Context, uids UIDSet) (back UIDSet, err error)
}

// OriginIndex is a Reader that knows where its messages were first read.
type OriginIndex interface {
	// Origins calls fn for each message of the folder that was read from
	// from.Source, from.Folder and from.UIDValidity (0: any), ascending by own: with its UID there and
	// its UID here. from.UID does not count. Where a server gave a UID away twice, so is it told. certain is false where the record of the account is lost and only
	// the numbers and a short hash of the folder's name agree: then the message
	// has to be compared before it is taken for the same. fn must not use the handle.
	Origins(ctx context.Context, from Origin, fn func(source, own UID, certain bool) error) error
}

// Withholder is a Reader that does not deliver what it knows to be damaged.
type Withholder interface {
	// Withheld says why the last Fetch did not deliver a message: an error of
	// ScopeMessage and KindDamaged; nil if it withheld no such message.
	Withheld(uid UID) error
}
