package servertest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"mailferry/transfer/mail"
)

// Mailbox is the whole content of an account at one moment.
type Mailbox struct {
	Folders    map[mail.Path]*FolderContent
	Subscribed map[mail.Path]bool
}

// FolderContent is a folder with its messages in ascending order of UID.
type FolderContent struct {
	NoSelect    bool
	Roles       []string // the attributes of RFC 6154 that LIST gave
	UIDValidity uint32
	UIDNext     uint32
	Messages    []Record
}

// Record is what a Snapshot keeps of a message.
type Record struct {
	UID    uint32
	Size   int64
	Sum    [sha256.Size]byte // of the exact octets
	Munged [sha256.Size]byte // of the octets with X for each 8-bit octet of the header
	Lines  [sha256.Size]byte // of the octets without any CR, and with an LF at the end
	Flags  mail.Flags        // without \Recent, in lower case
	Date   int64             // INTERNALDATE in seconds since 1970
}

// Messages counts the messages of all folders.
func (m *Mailbox) Messages() int {
	n := 0
	for _, f := range m.Folders {
		n += len(f.Messages)
	}
	return n
}

// UIDs returns the UIDs of the messages in ascending order.
func (f *FolderContent) UIDs() []uint32 {
	out := make([]uint32, len(f.Messages))
	for i, r := range f.Messages {
		out[i] = r.UID
	}
	return out
}

// Snapshot reads an account: every folder of the personal namespace under its
// normalised path, every message, and the subscriptions. It changes nothing, not
// even \Seen. An account that does not hold still makes it fail or differ.
func Snapshot(ctx context.Context, addr, user, password string) (*Mailbox, error) {
	s, err := login(ctx, addr, user, password)
	if err != nil {
		return nil, err
	}
	defer s.close()
	m := &Mailbox{Folders: map[mail.Path]*FolderContent{}, Subscribed: map[mail.Path]bool{}}
	raws, err := s.listInto(m)
	if err != nil {
		return nil, fmt.Errorf("snapshot of %s: %w", user, err)
	}
	for path, f := range m.Folders {
		if f.NoSelect {
			continue
		}
		if err := s.readFolder(raws[path], f); err != nil {
			return nil, fmt.Errorf("snapshot of %s folder %q: %w", user, path, err)
		}
	}
	return m, s.logout()
}

func (s *session) listInto(m *Mailbox) (raws map[mail.Path]string, err error) {
	raws = map[mail.Path]string{}
	command := `LIST "" "*"`
	if s.caps["LIST-EXTENDED"] && s.caps["SPECIAL-USE"] {
		command += " RETURN (SPECIAL-USE)"
	}
	var twice error
	err = s.must(command, func(r response) {
		v := r.after("LIST")
		if len(v) < 3 {
			return
		}
		path, ok := s.path(v[2].text)
		if !ok {
			return
		}
		if other, seen := raws[path]; seen && other != v[2].text {
			twice = fmt.Errorf("%q and %q are one path", other, v[2].text)
		}
		raws[path] = v[2].text
		m.Folders[path] = &FolderContent{
			NoSelect: hasAttribute(v[0], `\Noselect`, `\NonExistent`),
			Roles:    roles(v[0]),
		}
	})
	if err = errors.Join(err, twice); err != nil {
		return nil, err
	}
	return raws, s.must(`LSUB "" "*"`, func(r response) {
		if v := r.after("LSUB"); len(v) == 3 && !hasAttribute(v[0], `\Noselect`) {
			if path, ok := s.path(v[2].text); ok {
				m.Subscribed[path] = true
			}
		}
	})
}

func roles(attributes value) []string {
	var out []string
	for _, role := range mail.Roles() {
		if hasAttribute(attributes, string(role)) {
			out = append(out, string(role))
		}
	}
	return out
}

func (s *session) readFolder(raw string, f *FolderContent) error {
	var exists uint64
	st, err := s.run("EXAMINE "+quote(raw), func(r response) {
		if len(r.data) == 2 && strings.EqualFold(r.data[1].text, "EXISTS") {
			exists, _ = strconv.ParseUint(r.data[0].text, 10, 32) // 0 fails below
		}
		f.UIDValidity = codeNumber(r.status.text, "UIDVALIDITY", f.UIDValidity)
		f.UIDNext = codeNumber(r.status.text, "UIDNEXT", f.UIDNext)
	})
	if err != nil {
		return err
	}
	if !st.ok() {
		return &refusal{"EXAMINE", st}
	}
	if exists > 0 {
		if f.Messages, err = s.readMessages(); err != nil {
			return err
		}
	}
	if uint64(len(f.Messages)) != exists {
		return fmt.Errorf("%d messages exist and %d were read", exists, len(f.Messages))
	}
	return nil
}

// codeNumber reads the number of a response code such as [UIDNEXT 5].
func codeNumber(text, name string, otherwise uint32) uint32 {
	rest, ok := strings.CutPrefix(text, "["+name+" ")
	if !ok {
		return otherwise
	}
	digits, _, _ := strings.Cut(rest, "]")
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil {
		return otherwise
	}
	return uint32(n)
}

func (s *session) readMessages() ([]Record, error) {
	var out []Record
	var bad error
	err := s.must("UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])", func(r response) {
		if len(r.data) != 3 || !strings.EqualFold(r.data[1].text, "FETCH") {
			return
		}
		record, err := recordOf(r.data[2])
		switch {
		case err != nil && bad == nil:
			bad = fmt.Errorf("message number %s: %w", r.data[0].text, err)
		case len(out) > 0 && record.UID <= out[len(out)-1].UID:
			bad = fmt.Errorf("uid %d after %d", record.UID, out[len(out)-1].UID)
		}
		out = append(out, record)
	})
	return out, errors.Join(err, bad)
}

// recordOf reads the items of one FETCH response.
func recordOf(items value) (Record, error) {
	var rec Record
	stated := int64(-1)
	for i := 0; i+1 < len(items.list); i += 2 {
		v := items.list[i+1]
		var err error
		switch strings.ToUpper(items.list[i].text) {
		case "UID":
			var uid uint64
			uid, err = strconv.ParseUint(v.text, 10, 32)
			rec.UID = uint32(uid)
		case "RFC822.SIZE":
			stated, err = strconv.ParseInt(v.text, 10, 64)
		case "INTERNALDATE":
			var date time.Time
			date, err = time.Parse("_2-Jan-2006 15:04:05 -0700", v.text)
			rec.Date = date.Unix()
		case "FLAGS":
			rec.Flags = judgedFlags(v)
		case "BODY[]":
			rec.takeBody(v)
		}
		if err != nil {
			return rec, fmt.Errorf("%s: %w", items.list[i].text, err)
		}
	}
	if rec.UID == 0 || rec.Sum == [sha256.Size]byte{} {
		return rec, errors.New("the server gave no UID or no body")
	}
	if stated != rec.Size {
		return rec, fmt.Errorf("uid %d: the server states %d octets and gave %d", rec.UID, stated, rec.Size)
	}
	return rec, nil
}

// takeBody also accepts a quoted string and NIL, which servers use for a
// message of no octets.
func (rec *Record) takeBody(v value) {
	d := v.body
	if d == nil {
		h := newDigester()
		if !v.isNIL() {
			h.Write([]byte(v.text))
		}
		d = h.digest()
	}
	rec.Size, rec.Sum, rec.Munged, rec.Lines = d.size, d.exact, d.munged, d.lines
}

func judgedFlags(list value) mail.Flags {
	var out []string
	for _, f := range list.list {
		out = append(out, f.text)
	}
	return lowerCase(mail.NewFlags(out...))
}

// lowerCase makes flags comparable between servers, which keep the case of a
// keyword's first use.
func lowerCase(flags mail.Flags) mail.Flags {
	for i := range flags {
		flags[i] = strings.ToLower(flags[i])
	}
	return flags
}
