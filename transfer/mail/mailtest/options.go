package mailtest

import "mailferry/transfer/mail"

// Reporter is told of broken contracts. Every testing.TB is one.
type Reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

// Options says which weaknesses a Memory plays. The zero value is a store with
// none, which panics when its caller breaks a contract.
type Options struct {
	// Reporter hears of broken contracts; nil: they panic. If it has Cleanup,
	// the Memory is closed at its end, so that open handles are found.
	Reporter Reporter
	Name     string // what String returns; empty: "memory:"

	NoUIDPlus     bool // Append tells no UID, Writers are no Expungers
	NoUIDValidity bool // UIDVALIDITY is 0
	ShiftUIDs     bool // with NoUIDValidity: every handle numbers the messages differently
	NoModSeqs     bool
	NoResync      bool // List does not tell what was expunged
	NoAppenders   bool // no folder is appended to on a shared session
	NoListStatus  bool // Folders tells no Status
	NoUIDNext     bool // UIDNEXT is unknown
	NoTotals      bool // unseen messages and octets of a folder are unknown
	AutoExpunge   bool // a message that becomes \Deleted vanishes
	FlatParents   bool // parents that Create has to make can hold no messages
	Scramble      bool // Fetch delivers in an order of its own
	Contents      bool // List tells Info.Content

	Permanent  mail.Flags // system flags that can be stored; nil: all five
	NoKeywords bool       // keywords cannot be stored

	MaxSize     int64  // larger messages are refused; 0: none are
	Connections int    // opening more handles breaks the contract; 0: any number
	Sessions    int    // opening more handles fails with KindLimit; 0: any number
	Waits       int    // opening more handles waits until one is closed; 0: any number
	Separator   string // what no component may hold; Name puts "_" in its place

	// Window is how many messages are queued before Append calls done for
	// them. Up to 1: each at once.
	Window int
	// Eager stores messages when they are queued and not when their done runs.
	Eager bool
	// Late makes messages that were queued on a handle which died, or was closed
	// without Flush, arrive one by one: one at each Refresh of the folder
	// and at each Folders.
	Late bool

	// Rewrite is what the store makes of an appended message; nil: nothing.
	// With it the store does not keep bytes.
	Rewrite func(raw []byte) []byte
	// Refuse may refuse an appended message. An err that is no *mail.Error
	// becomes one of ScopeMessage. stored says that the message is there all the same.
	Refuse func(path mail.Path, raw []byte) (stored bool, err error)
	// StatedSize is the size that List tells; nil: the true one.
	StatedSize func(raw []byte) int64
}

func (o Options) traits() mail.Traits {
	return mail.Traits{
		KeepsBytes:  o.Rewrite == nil,
		DurableUIDs: !o.NoUIDValidity,
		UIDPlus:     !o.NoUIDPlus,
		ModSeqs:     !o.NoModSeqs,
		Resync:      !o.NoModSeqs && !o.NoResync,
		Appenders:   !o.NoAppenders && !o.NoUIDPlus && !o.NoUIDValidity && !o.NoUIDNext,
		MaxSize:     o.MaxSize,
		AutoExpunge: o.AutoExpunge,
		Connections: o.Connections,
	}
}

func (o Options) permanent() mail.Flags {
	if o.Permanent != nil {
		return o.Permanent
	}
	return mail.NewFlags(mail.Seen, mail.Answered, mail.Flagged, mail.Deleted, mail.Draft)
}
