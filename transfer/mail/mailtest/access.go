package mailtest

import (
	"time"

	"mailferry/transfer/mail"
)

// The methods below are another client of the account: they are not bound by
// Options and need no handle. A folder that they name is made when it is missing.

// Put stores a message as it is and returns its UID.
func (m *Memory) Put(path mail.Path, flags mail.Flags, date time.Time, raw []byte) mail.UID {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ensure(path).add(&Message{Flags: flags, Date: toSecond(date), Raw: raw})
}

// PutText stores a text with CRLF line ends, dated 1 January 2020.
func (m *Memory) PutText(path mail.Path, text string, flags ...string) mail.UID {
	return m.Put(path, mail.NewFlags(flags...), time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), CRLF(text))
}

// AddFolder makes a folder or replaces what is known of it, its messages
// apart. Status and RawName of f do not count.
func (m *Memory) AddFolder(f mail.Folder) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f.Status, f.RawName = nil, ""
	m.ensure(f.Path).Folder = f
}

// RemoveFolder deletes a folder with its messages. Handles on it fail from now on.
func (m *Memory) RemoveFolder(path mail.Path) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.folders[path]
	if f != nil {
		f.gone = true
		delete(m.folders, path)
	}
	return f != nil
}

// Rename gives a folder another name, with UIDVALIDITY and UIDs as they were.
// Handles on it go on. A folder of the new name is replaced.
func (m *Memory) Rename(from, to mail.Path) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.folders[from]
	if f == nil {
		return false
	}
	delete(m.folders, from)
	f.Path = to
	m.folders[to] = f
	return true
}

// Messages returns what a folder holds, ascending by UID.
func (m *Memory) Messages(path mail.Path) []Message {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []Message
	if f := m.folders[path]; f != nil {
		for _, msg := range f.messages {
			list = append(list, *msg)
		}
	}
	return list
}

// FolderStatus returns what a Writer on that folder would be told, or false.
func (m *Memory) FolderStatus(path mail.Path) (mail.Status, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.folders[path]
	if f == nil {
		return mail.Status{}, false
	}
	return m.status(f), true
}

// Remove expunges a message and reports whether it was there.
func (m *Memory) Remove(path mail.Path, uid mail.UID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.folders[path]
	return f != nil && f.remove(uid)
}

// SetFlags replaces all flags of a message and reports whether it was there.
func (m *Memory) SetFlags(path mail.Path, uid mail.UID, flags mail.Flags) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.folders[path]
	if f == nil || f.get(uid) == nil {
		return false
	}
	f.setFlags(uid, flags)
	return true
}

// SetUIDValidity ends the sessions on a folder, gives it another UIDVALIDITY and numbers its messages
// from first on, as a server does that has lost its index.
func (m *Memory) SetUIDValidity(path mail.Path, validity uint32, first mail.UID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.ensure(path)
	f.validity, f.next = validity, first
	messages := f.messages
	f.messages = nil
	for _, msg := range messages {
		renumbered := *msg
		f.add(&renumbered)
	}
}

// SetUIDNext makes the next message get this UID, or a greater one.
func (m *Memory) SetUIDNext(path mail.Path, next mail.UID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.ensure(path)
	f.next = max(f.next, next)
}
