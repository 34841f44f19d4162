package servertest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"mailferry/transfer/mail"
)

func account() *Mailbox {
	text := func(raw string) func() []byte { return func() []byte { return []byte(raw) } }
	at := time.Date(2020, 2, 29, 12, 0, 0, 0, time.UTC)
	c := &Corpus{Folders: []Folder{
		{Components: []string{"INBOX"}, Messages: []Message{
			{Flags: []string{mail.Seen}, Date: at, Raw: text("A: caf\xe9\r\n\r\none\r\n")},
			{Flags: []string{mail.Seen}, Date: at, Raw: text("A: b\r\n\r\ntwin\r\n")},
			{Flags: nil, Date: at, Raw: text("A: b\r\n\r\ntwin\r\n")},
			{Flags: []string{"Red"}, Date: at.Add(time.Hour), Raw: text("A: c\r\n\r\nx\ny")},
		}},
		{Components: []string{"Sent"}, Role: `\Sent`, Subscribed: true},
		{Components: []string{"Parent"}, NoSelect: true},
	}}
	return c.Mailbox()
}

func rewritten(raw string, like Record) Record {
	out := expectedRecord(like.UID, Message{Date: time.Unix(like.Date, 0), Raw: func() []byte { return []byte(raw) }})
	out.Flags = like.Flags
	return out
}

func TestDiffSeesEveryDifference(t *testing.T) {
	inbox, sent, parent := mail.NewPath("INBOX"), mail.NewPath("Sent"), mail.NewPath("Parent")
	tests := []struct {
		name   string
		change func(m *Mailbox)
		kind   Kind // that excuses it
		times  int
		says   string
	}{
		{"a folder is missing", func(m *Mailbox) { delete(m.Folders, parent) }, MissingFolder, 1, `"Parent": missing`},
		{"a folder too many", func(m *Mailbox) { m.Folders[mail.NewPath("x")] = &FolderContent{} }, ExtraFolder, 1, `"x": should not be there`},
		{"a parent is real", func(m *Mailbox) { m.Folders[parent].NoSelect = false }, Selectable, 1, `\Noselect true and false`},
		{"a role is lost", func(m *Mailbox) { m.Folders[sent].Roles = nil }, Roles, 1, "roles"},
		{"a subscription is lost", func(m *Mailbox) { delete(m.Subscribed, sent) }, Subscription, 1, "subscribed true and false"},
		{"a subscription too many", func(m *Mailbox) { m.Subscribed[inbox] = true }, Subscription, 1, "subscribed false and true"},
		{"a message is missing", func(m *Mailbox) { f := m.Folders[inbox]; f.Messages = f.Messages[1:] }, MissingMessage, 1, "missing uid 1"},
		{"one of two equal ones is missing", func(m *Mailbox) {
			f := m.Folders[inbox]
			f.Messages = slices.Delete(f.Messages, 2, 3)
		}, MissingMessage, 1, "missing uid 3"},
		{"a message twice", func(m *Mailbox) { f := m.Folders[inbox]; f.Messages = append(f.Messages, f.Messages[0]) }, ExtraMessage, 1, "should not be there: uid 1"},
		{"a flag", func(m *Mailbox) { m.Folders[inbox].Messages[3].Flags = nil }, Flags, 1, "flags [red] and []"},
		{"a date", func(m *Mailbox) { m.Folders[inbox].Messages[3].Date++ }, Date, 1, "date 2020-02-29T13:00:00Z and 2020-02-29T13:00:01Z"},
		{"8 bit to X", func(m *Mailbox) {
			f := m.Folders[inbox]
			f.Messages[0] = rewritten("A: cafX\r\n\r\none\r\n", f.Messages[0])
		}, EightBit, 1, "missing uid 1"},
		{"line ends", func(m *Mailbox) {
			f := m.Folders[inbox]
			f.Messages[3] = rewritten("A: c\r\n\r\nx\r\ny\r\n", f.Messages[3])
		}, LineEnds, 1, "missing uid 4"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := account()
			test.change(b)
			d := Diff(account(), b)
			if len(d) == 0 || !strings.Contains(strings.Join(d, "\n"), test.says) {
				t.Errorf("says %q and not %q", d, test.says)
			}
			if d := Diff(account(), b, Expect("known", test.kind, test.times)); d != nil {
				t.Errorf("although excused: %q", d)
			}
			if d := Diff(account(), b, Expect("known", test.kind, test.times+1)); len(d) != 1 {
				t.Errorf("an excuse used too seldom: %q", d)
			}
			if d := Diff(account(), b, Expect("known", test.kind, test.times, mail.NewPath("other"))); len(d) < 2 {
				t.Errorf("an excuse for another folder: %q", d)
			}
			if d := Diff(account(), b, Expect("known", test.kind, AnyNumber)); d != nil {
				t.Errorf("although excused in any number: %q", d)
			}
		})
	}
}

func TestDiffOfEqualAccounts(t *testing.T) {
	a, b := account(), account()
	f := b.Folders[mail.NewPath("INBOX")]
	slices.Reverse(f.Messages)
	for i := range f.Messages {
		f.Messages[i].UID += 100
	}
	f.UIDValidity = 7
	if d := Diff(a, b); d != nil {
		t.Errorf("order and UIDs are no difference: %q", d)
	}
	if got := OutOfOrder(a, b); len(got) != 1 || !got[0].IsInbox() {
		t.Errorf("out of order: %v", got)
	}
	if got := OutOfOrder(a, account()); got != nil {
		t.Errorf("out of order: %v", got)
	}
}

func TestDiffKeepsAlteredBytesAndFlagsApart(t *testing.T) {
	b := account()
	f := b.Folders[mail.NewPath("INBOX")]
	f.Messages[0] = rewritten("A: cafX\r\n\r\none\r\n", f.Messages[0])
	f.Messages[0].Flags = nil
	d := Diff(account(), b, Expect("munged", EightBit, 1))
	if len(d) != 1 || !strings.Contains(d[0], `flags [\seen] and []`) {
		t.Errorf("says %q", d)
	}
	f.Messages[0] = rewritten("A: cafY\r\n\r\none\r\n", f.Messages[0])
	if d := Diff(account(), b, Expect("munged", EightBit, AnyNumber)); len(d) != 2 {
		t.Errorf("another letter than X: %q", d)
	}
}
