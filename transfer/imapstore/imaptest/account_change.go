package imaptest

import (
	"fmt"
	"maps"

	"github.com/emersion/go-imap/v2"

	"mailferry/transfer/mail"
)

// SetFlags gives a message exactly these flags.
func (a *Account) SetFlags(path mail.Path, uid mail.UID, flags mail.Flags) error {
	found := false
	err := a.on("set flags", path, func(f *folder) {
		var i int
		if i, found = indexUID(f.msgs, imap.UID(uid)); found {
			f.setFlags(f.msgs[i], flags, nil)
		}
	})
	if err == nil && !found {
		return fmt.Errorf("set flags: folder %q has no uid %d", path, uid)
	}
	return err
}

// Expunge removes messages, whatever their flags. UIDs that are not there are
// passed over.
func (a *Account) Expunge(path mail.Path, uids ...mail.UID) error {
	set := mail.NewUIDSet(uids...)
	return a.on("expunge", path, func(f *folder) {
		f.remove(func(m *message) bool { return set.Contains(mail.UID(m.uid)) })
	})
}

// Rename moves a folder and everything below it, with its UIDVALIDITY and
// subscriptions, as RENAME does.
func (a *Account) Rename(from, to mail.Path) error {
	if err := a.names.check(to); err != nil {
		return fmt.Errorf("rename: %w", err)
	}
	return a.tryRename(from, to)
}

func (a *Account) tryRename(from, to mail.Path) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.exists(from) {
		return errNoFolder()
	}
	if _, below := to.Below(from); below || a.exists(to) {
		return no(imap.ResponseCodeAlreadyExists, "the new name is taken")
	}
	a.rename(from, to)
	return nil
}

// rename is called with the lock held. The INBOX stays, empty, and its children
// stay where they are (RFC 9051 section 6.3.6).
func (a *Account) rename(from, to mail.Path) {
	if from.IsInbox() {
		src, dst := a.folders[from], a.makeFolder(to, "")
		for _, m := range src.msgs {
			dst.add(m.flags, m.date, m.raw)
		}
		src.remove(func(*message) bool { return true })
		a.wake()
		return
	}
	moved := make(map[mail.Path]*folder)
	for p, f := range a.folders {
		if rest, ok := p.Below(from); ok {
			delete(a.folders, p)
			f.path = to.Join(rest)
			moved[f.path] = f
		}
	}
	maps.Copy(a.folders, moved)
	subscribed := make(map[mail.Path]bool)
	for p := range a.subscribed {
		if rest, ok := p.Below(from); ok {
			delete(a.subscribed, p)
			subscribed[to.Join(rest)] = true
		}
	}
	maps.Copy(a.subscribed, subscribed)
}

// Delete removes a folder and its messages. Folders below it stay.
func (a *Account) Delete(path mail.Path) error {
	return a.on("delete", path, func(f *folder) {
		f.remove(func(*message) bool { return true })
		delete(a.folders, path)
	})
}

// Subscribe sets or takes away a subscription, which needs no folder.
func (a *Account) Subscribe(path mail.Path, subscribed bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if subscribed {
		a.subscribed[path] = true
	} else {
		delete(a.subscribed, path)
	}
}

// SetUIDValidity gives a folder another UIDVALIDITY and leaves the UIDs as they
// are: a client that trusts them nevertheless is wrong.
func (a *Account) SetUIDValidity(path mail.Path, v uint32) error {
	return a.on("set uidvalidity", path, func(f *folder) { f.validity = v })
}

// SetUIDNext lets a folder go on with a greater UID.
func (a *Account) SetUIDNext(path mail.Path, next mail.UID) error {
	var before imap.UID
	err := a.on("set uidnext", path, func(f *folder) {
		if before = f.next; imap.UID(next) >= before {
			f.next = imap.UID(next)
		}
	})
	if err == nil && imap.UID(next) < before {
		return fmt.Errorf("set uidnext: folder %q is at %d already", path, before)
	}
	return err
}

// exists reports whether path is a folder or the parent of one. It is called
// with the lock held.
func (a *Account) exists(path mail.Path) bool {
	return a.folders[path] != nil || a.hasChildren(path)
}

func (a *Account) hasChildren(path mail.Path) bool {
	for p := range a.folders {
		if rest, ok := p.Below(path); ok && !rest.IsZero() {
			return true
		}
	}
	return false
}
