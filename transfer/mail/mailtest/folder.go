package mailtest

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"mailferry/transfer/mail"
)

// Message is a message as a Memory holds it. Raw must not be changed.
type Message struct {
	UID    mail.UID
	Flags  mail.Flags
	Date   time.Time
	ModSeq uint64
	Raw    []byte
}

type folder struct {
	mail.Folder // Status and RawName unused
	validity    uint32
	next        mail.UID
	modSeq      uint64
	messages    []*Message          // ascending by UID
	expunged    map[mail.UID]uint64 // with the mod-sequence of then
	writer      *handle
	late        []*Message // still on their way in from a handle that died
	gone        bool
}

// ensure returns the folder of that name and makes it if need be.
func (m *Memory) ensure(path mail.Path) *folder {
	f := m.folders[path]
	if f == nil {
		m.validity++
		f = &folder{validity: m.validity, next: 1, modSeq: 1}
		f.Path = path
		m.folders[path] = f
	}
	return f
}

func (f *folder) find(uid mail.UID) (int, bool) {
	return slices.BinarySearchFunc(f.messages, uid, func(msg *Message, u mail.UID) int {
		return int(int64(msg.UID) - int64(u))
	})
}

func (f *folder) get(uid mail.UID) *Message {
	if i, ok := f.find(uid); ok {
		return f.messages[i]
	}
	return nil
}

func (f *folder) add(msg *Message) mail.UID {
	f.modSeq++
	msg.UID, msg.ModSeq = f.next, f.modSeq
	f.next++
	f.messages = append(f.messages, msg)
	return msg.UID
}

func (f *folder) remove(uid mail.UID) bool {
	i, ok := f.find(uid)
	if ok {
		f.messages = slices.Delete(f.messages, i, i+1)
		f.modSeq++
		if f.expunged == nil {
			f.expunged = make(map[mail.UID]uint64)
		}
		f.expunged[uid] = f.modSeq
	}
	return ok
}

// setFlags replaces a message by a changed copy, so that snapshots stay true.
func (f *folder) setFlags(uid mail.UID, flags mail.Flags) {
	i, ok := f.find(uid)
	if !ok || f.messages[i].Flags.Equal(flags) {
		return
	}
	changed := *f.messages[i]
	f.modSeq++
	changed.Flags, changed.ModSeq = flags, f.modSeq
	f.messages[i] = &changed
}

// arrive lets the next of the late messages in.
func (f *folder) arrive() {
	if len(f.late) > 0 {
		f.add(f.late[0])
		f.late = f.late[1:]
	}
}

func (m *Memory) status(f *folder) mail.Status {
	st := mail.Status{
		UIDValidity: f.validity,
		UIDNext:     f.next,
		Messages:    uint32(len(f.messages)),
		Permanent:   m.opts.permanent(),
		AnyKeyword:  !m.opts.NoKeywords,
	}
	for _, msg := range f.messages {
		st.Bytes += int64(len(msg.Raw))
		if !msg.Flags.Has(mail.Seen) {
			st.Unseen++
		}
	}
	if m.opts.NoTotals {
		st.Bytes, st.Unseen = -1, -1
	}
	if m.opts.NoUIDValidity {
		st.UIDValidity = 0
	}
	if m.opts.NoUIDNext {
		st.UIDNext = 0
	}
	if !m.opts.NoModSeqs {
		st.HighestModSeq = f.modSeq
	}
	return st
}

func digest(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8])
}
