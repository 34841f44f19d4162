package servertest

import (
	"slices"

	"mailferry/transfer/mail"
)

// Mailbox is what Snapshot would give of an account that a server holds without
// changing anything. UIDs count from 1 in each folder.
func (c *Corpus) Mailbox() *Mailbox {
	m := &Mailbox{Folders: map[mail.Path]*FolderContent{}, Subscribed: map[mail.Path]bool{}}
	for _, f := range c.Folders {
		content := &FolderContent{NoSelect: f.NoSelect}
		if f.Role != "" {
			content.Roles = []string{f.Role}
		}
		for i, msg := range f.Messages {
			content.Messages = append(content.Messages, expectedRecord(uint32(i+1), msg))
		}
		m.Folders[f.Path()] = content
		if f.Subscribed {
			m.Subscribed[f.Path()] = true
		}
	}
	return m
}

func expectedRecord(uid uint32, msg Message) Record {
	h := newDigester()
	h.Write(msg.Raw())
	d := h.digest()
	return Record{
		UID: uid, Size: d.size, Sum: d.exact, Munged: d.munged, Lines: d.lines,
		Flags: lowerCase(mail.NewFlags(msg.Flags...)), Date: msg.Date.Unix(),
	}
}

// OutOfOrder names the folders of b whose messages stand in another order than
// those of a. Messages that only one side holds are passed over.
func OutOfOrder(a, b *Mailbox) []mail.Path {
	var out []mail.Path
	for _, path := range bothKeys(a.Folders, b.Folders) {
		x, y := a.Folders[path], b.Folders[path]
		if x != nil && y != nil && !slices.Equal(shared(x.Messages, y.Messages), shared(y.Messages, x.Messages)) {
			out = append(out, path)
		}
	}
	return out
}

// shared is the sequence of a's bodies without those that b does not hold as often.
func shared(a, b []Record) [][32]byte {
	held := map[[32]byte]int{}
	for _, r := range b {
		held[r.Sum]++
	}
	var out [][32]byte
	for _, r := range a {
		if held[r.Sum] > 0 {
			held[r.Sum]--
			out = append(out, r.Sum)
		}
	}
	return out
}
