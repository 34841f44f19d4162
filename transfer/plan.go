package transfer

import (
	"mailferry/transfer/mail"
)

// verdict says what is to be done about one message.
type verdict int

const (
	keep       verdict = iota // it is there
	copyIt                    // it is not
	leaveOut                  // it is not, on purpose
	reflag                    // it is there, with other flags
	gone                      // recorded, but no longer at the source
	goneAtBoth                // recorded, and no longer anywhere
	returned                  // recorded, and marked gone by an archive that still has it
)

// step is the plan for one message.
type step struct {
	verdict verdict
	info    mail.Info // zero for gone
	record  Record    // zero for copyIt
	reason  Reason    // of leaveOut
	add     mail.Flags
	remove  mail.Flags
}

// planner decides, message by message, by merging the source's listing with the
// ledger's records, both in ascending order of UID. It is pure: all it knows
// is handed to it, and it keeps nothing but its place in the records.
type planner struct {
	dest   mail.UIDSet // every UID at the destination
	filter Filter
	merge  flagMerge
	again  bool // copy again what was deleted at the destination
	keeps  bool // the destination has what it does not list: it is an archive
	next   func() (Record, bool, error)

	head Record
	have bool
	done bool
}

// add takes the next message of the source and emits steps for it and for the
// records before it.
func (p *planner) add(info mail.Info, emit func(step) error) error {
	if err := p.passUntil(info.UID, emit); err != nil {
		return err
	}
	if p.have && p.head.Source == info.UID {
		p.have = false
		return emit(p.recorded(info, p.head))
	}
	if reason := p.filter.reject(info); reason != "" {
		return emit(step{verdict: leaveOut, info: info, reason: reason})
	}
	return emit(step{verdict: copyIt, info: info})
}

// end emits the steps for the records behind the last message. It must be
// called only after a complete listing.
func (p *planner) end(emit func(step) error) error { return p.passUntil(0, emit) }

// passUntil emits the records with a UID below uid (0: all).
func (p *planner) passUntil(uid mail.UID, emit func(step) error) error {
	for {
		if !p.have && !p.done {
			var err error
			if p.head, p.have, err = p.next(); err != nil {
				return err
			}
			p.done = !p.have
		}
		if !p.have || uid != 0 && p.head.Source >= uid {
			return nil
		}
		s := step{verdict: gone, record: p.head}
		if p.head.Dest != 0 && !p.dest.Contains(p.head.Dest) {
			s.verdict = goneAtBoth
		}
		p.have = false
		if err := emit(s); err != nil {
			return err
		}
	}
}

func (p *planner) recorded(info mail.Info, r Record) step {
	if r.Dest != 0 && !p.dest.Contains(r.Dest) {
		if p.keeps {
			return step{verdict: returned, info: info, record: r}
		}
		return p.missing(info, r)
	}
	return p.present(info, r)
}

// missing decides about a message that is recorded and not at the destination.
func (p *planner) missing(info mail.Info, r Record) step {
	// A message that was copied with \Deleted and expunged there is wanted again
	// once its source is no longer marked.
	if p.again || r.Base.Has(mail.Deleted) && !info.Flags.Has(mail.Deleted) {
		return step{verdict: copyIt, info: info, record: r}
	}
	return step{verdict: leaveOut, info: info, record: r, reason: ReasonDeleted}
}

// present decides about a message that is recorded and at the destination.
func (p *planner) present(info mail.Info, r Record) step {
	add, remove := p.merge.diff(info.Flags, r)
	if r.Dest != 0 && len(add)+len(remove) > 0 {
		return step{verdict: reflag, info: info, record: r, add: add, remove: remove}
	}
	return step{verdict: keep, info: info, record: r}
}

// reject says why the filter leaves a message out; "" if it does not. A message
// whose date is unknown is not left out for its date.
func (f Filter) reject(info mail.Info) Reason {
	switch {
	case f.MaxSize > 0 && info.Size > f.MaxSize:
		return ReasonSize
	case info.InternalDate.IsZero():
		return ""
	case !f.Since.IsZero() && info.InternalDate.Before(f.Since):
		return ReasonSince
	case !f.Before.IsZero() && !info.InternalDate.Before(f.Before):
		return ReasonBefore
	}
	return ""
}

// byMessage reports whether the filter looks at messages and not only at folders.
func (f Filter) byMessage() bool {
	return f.MaxSize > 0 || !f.Since.IsZero() || !f.Before.IsZero()
}
