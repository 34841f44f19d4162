package mail

// Role is the special use of a folder (RFC 6154), spelt as the LIST attribute
// with its backslash; empty for none. The INBOX has no Role.
type Role string

// The roles of RFC 6154 and RFC 8457.
const (
	RoleAll       Role = `\All`
	RoleArchive   Role = `\Archive`
	RoleDrafts    Role = `\Drafts`
	RoleFlagged   Role = `\Flagged`
	RoleJunk      Role = `\Junk`
	RoleSent      Role = `\Sent`
	RoleTrash     Role = `\Trash`
	RoleImportant Role = `\Important`
)

// Roles lists every known role.
func Roles() []Role {
	return []Role{RoleAll, RoleArchive, RoleDrafts, RoleFlagged, RoleJunk, RoleSent, RoleTrash, RoleImportant}
}

// Folder is one folder as a store lists it.
type Folder struct {
	Path       Path
	Role       Role
	NoSelect   bool    // \Noselect or \NonExistent: it can have children but no messages
	Subscribed bool    // in the list of subscriptions
	Missing    bool    // only subscribed to; the folder itself does not exist
	Status     *Status // nil when unknown or NoSelect
	RawName    string  // the store's own spelling, for messages to people
}

// Status is what a store tells of a folder without listing it (RFC 9051
// section 6.3.11).
type Status struct {
	UIDValidity   uint32 // 0: UIDs hold for this session only
	UIDNext       UID    // 0: unknown
	Messages      uint32
	HighestModSeq uint64 // 0: the folder has no mod-sequences (RFC 7162)
	Unseen        int64  // -1: unknown
	Bytes         int64  // sum of the messages' sizes; -1: unknown

	// Permanent and AnyKeyword say which flags a Writer can store
	// (PERMANENTFLAGS, RFC 9051 section 7.1). Only a handle's Status has them.
	Permanent  Flags
	AnyKeyword bool
}

// Permits reports whether the folder stores flag.
func (s Status) Permits(flag string) bool {
	return s.Permanent.Has(flag) || s.AnyKeyword && !IsSystem(flag)
}
