package transfer

import (
	"slices"

	"mailferry/transfer/mail"
)

// flagMerge decides how flags of a message that is at both ends change.
type flagMerge struct {
	mode    FlagMode
	mirror  bool                      // \Deleted set later is carried over too, to what was appended
	archive bool                      // nothing expunges there: \Deleted is a flag like any other
	dest    mail.Status               // which flags the destination can store
	current func(mail.UID) mail.Flags // the destination's flags; only for FlagsSource
}

// diff returns what to add and remove at the destination, each flag by itself:
// new = destination + (source - base) - (base - source).
func (m flagMerge) diff(source mail.Flags, r Record) (add, remove mail.Flags) {
	switch m.mode {
	case FlagsNone:
		return nil, nil
	case FlagsSource:
		now := m.current(r.Dest)
		want, _ := permitted(m.wanted(source, now, r), m.dest)
		return want.Minus(now), now.Minus(want)
	default:
		if slices.Equal(source, r.Base) {
			return nil, nil // as nearly all are
		}
		want := m.wanted(source, r.Base, r)
		return want.Minus(r.Base), r.Base.Minus(want)
	}
}

// wanted is the source's flags, but \Deleted only if it may be carried over: a
// message that was merely marked at the source must not vanish at the destination
// when some client expunges there.
func (m flagMerge) wanted(source, base mail.Flags, r Record) mail.Flags {
	if m.archive || m.mirror && r.Appended || base.Has(mail.Deleted) {
		return source
	}
	return source.Filter(func(f string) bool { return f != mail.Deleted })
}

// permitted splits flags into those the destination stores and the number of the others.
func permitted(flags mail.Flags, dest mail.Status) (mail.Flags, int) {
	ok := flags.Filter(dest.Permits)
	return ok, len(flags) - len(ok)
}

// forNewCopy returns the flags a new copy gets and how many are dropped.
func forNewCopy(flags mail.Flags, dest mail.Status, autoExpunge bool) (mail.Flags, int) {
	ok, dropped := permitted(flags, dest)
	if autoExpunge && ok.Has(mail.Deleted) {
		return ok.Minus(mail.NewFlags(mail.Deleted)), dropped + 1
	}
	return ok, dropped
}

// adoptedBase is the base for a message that was found at the destination: what both
// ends have, so that the next plan adds what is missing and removes nothing, and what
// the destination cannot store, so that it is not tried for ever.
func adoptedBase(source, dest mail.Flags, status mail.Status) mail.Flags {
	return source.Filter(func(f string) bool { return dest.Has(f) || !status.Permits(f) })
}

// flagPool keeps one copy of each set of flags: a folder has many messages and
// few sets.
type flagPool map[string]mail.Flags

func (p flagPool) one(flags mail.Flags) mail.Flags {
	if len(flags) == 0 {
		return nil
	}
	text := flags.String()
	if known, ok := p[text]; ok {
		return known
	}
	p[text] = flags
	return flags
}
