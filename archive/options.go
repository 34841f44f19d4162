package archive

import (
	"time"

	"mailferry/archive/disk"
)

// Format is how messages stand in an archive.
type Format string

const (
	Maildir Format = "maildir" // a Maildir++ tree: a file per message
	MBox    Format = "mbox"    // a tree of mboxrd files: one per folder
)

// Options says how an archive is opened. The zero value opens it for reading, as
// it was after the last run.
type Options struct {
	Format Format // for Create; empty: Maildir

	Write      bool // take the lock and allow changes
	NewSource  bool // let a run fill the archive from another account than before
	AcceptLoss bool // what a run marks as suspect is gone

	AsOf        string // a run's number, or a date (2006-01-02 or RFC 3339): the state after the last run that began by then
	WithGone    bool   // show what the source has lost, too
	WithDamaged bool   // deliver damaged messages as they are

	// Note is told, in one sentence each, what was found and mended: a lost
	// catalogue, messages of a run that was killed. It may be nil.
	Note func(text string)
	Now  func() time.Time // nil: time.Now

	fs disk.FS // nil: that of the root
}

func (o Options) note(text string) {
	if o.Note != nil {
		o.Note(text)
	}
}
