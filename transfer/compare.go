package transfer

import "mailferry/transfer/mail"

// DifferenceKind says how two stores differ in one message or folder.
type DifferenceKind string

const (
	DiffMissing       DifferenceKind = "missing"        // in A, not in B
	DiffExtra         DifferenceKind = "extra"          // in B, not in A
	DiffFlags         DifferenceKind = "flags"          // in both with other flags
	DiffDate          DifferenceKind = "date"           // in both with another INTERNALDATE
	DiffBody          DifferenceKind = "body"           // in both with other bytes
	DiffMissingFolder DifferenceKind = "missing folder" // in A, not in B
	DiffExtraFolder   DifferenceKind = "extra folder"   // in B, not in A
)

// Difference is one difference. UID is A's, unless the message is only in B.
type Difference struct {
	Kind   DifferenceKind
	Folder mail.Path // in A, unless only in B
	UID    mail.UID
	Size   int64
	Detail string // what A has and what B has
}

// Comparison is the outcome of Compare.
type Comparison struct {
	Folders     int
	MessagesA   int
	MessagesB   int
	Same        int
	Differences []Difference
	Bodies      bool // the octets of every message were compared
}

// Equal reports whether no difference was found.
func (c *Comparison) Equal() bool { return len(c.Differences) == 0 }
