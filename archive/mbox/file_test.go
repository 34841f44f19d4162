package mbox_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"mailferry/archive/mbox"
	"mailferry/transfer/mail"
)

// moody is a Body that fails or changes when it is opened the second time.
type moody struct {
	first, second string
	err           error
	opened        int
}

func (m *moody) Size() int64 { return int64(len(m.first)) }
func (m *moody) Release()    {}
func (m *moody) Open() (io.ReadCloser, error) {
	if m.opened++; m.opened == 1 {
		return io.NopCloser(strings.NewReader(m.first)), nil
	}
	return io.NopCloser(io.MultiReader(strings.NewReader(m.second), failing{m.err})), nil
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err == nil {
		return 0, io.EOF
	}
	return 0, f.err
}

func TestAMessageThatCannotBeReadLeavesNothing(t *testing.T) {
	whole := strings.Repeat("line\r\n", 1<<19) // more than the buffer
	broken := errors.New("spool file is gone")
	for name, body := range map[string]mail.Body{
		"fails early":  &moody{first: "a: b\r\n", err: broken},
		"fails late":   &moody{first: whole, second: whole[:len(whole)-6], err: broken},
		"is shorter":   &moody{first: whole, second: whole[:len(whole)-6]},
		"is longer":    &moody{first: "a: b\r\n", second: "a: b\r\n\r\n"},
		"states wrong": short{"a: b\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			d := new(memory)
			f, _ := open(t, d, 0)
			appendAll(t, f, message(1, "a: 1\r\n"))
			before := bytes.Clone(d.data)
			m := message(2, "")
			m.Body = body
			if _, err := f.Append(m); err == nil {
				t.Fatal("it was taken")
			}
			appendAll(t, f, message(3, "a: 3\r\n"))
			entries := scan(t, d.data, 0)
			if len(entries) != 2 || !bytes.HasPrefix(d.data, before) || entries[1].meta.UID != 3 || !entries[1].intact() {
				t.Errorf("%d entries", len(entries))
			}
		})
	}
}

// short states a size that its octets do not have.
type short struct{ octets string }

func (s short) Size() int64                  { return int64(len(s.octets)) + 1 }
func (s short) Release()                     {}
func (s short) Open() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(s.octets)), nil }

func TestAFullDiskAndDrop(t *testing.T) {
	d := new(memory)
	f, _ := open(t, d, 0)
	appendAll(t, f, message(1, "a: 1\r\n"))
	before := bytes.Clone(d.data)
	d.room = len(before) + 100
	if _, err := f.Append(message(2, "a: 2\r\n")); err != nil {
		t.Fatalf("it is only buffered: %v", err)
	}
	if err := f.Sync(); !errors.Is(err, errFull) {
		t.Fatalf("sync: %v", err)
	}
	if _, err := f.Append(message(3, "a: 3\r\n")); !errors.Is(err, errFull) {
		t.Fatalf("append after a failure: %v", err)
	}
	if err := f.Drop(); err != nil || !bytes.Equal(d.data, before) {
		t.Fatalf("dropped: %v, %d octets, before %d", err, len(d.data), len(before))
	}
	d.room = 0
	appendAll(t, f, message(2, "a: 2\r\n"))
	if entries := scan(t, d.data, 0); len(entries) != 2 || !entries[1].intact() {
		t.Errorf("%d entries", len(entries))
	}
}

func TestAFailedSyncIsNotHiddenByASecond(t *testing.T) {
	d := new(memory)
	f, _ := open(t, d, 0)
	d.failed = errors.New("input/output error")
	if _, err := f.Append(message(1, "a: 1\r\n")); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err == nil {
		t.Fatal("synced")
	}
	d.failed = nil
	if err := f.Sync(); err == nil {
		t.Fatal("the second sync says that the octets are on the disk")
	}
	if err := f.Drop(); err != nil || len(d.data) != 0 {
		t.Fatalf("%v, %d octets left", err, len(d.data))
	}
	appendAll(t, f, message(1, "a: 1\r\n"))
}

func TestSyncCostsNothingWhenNothingChanged(t *testing.T) {
	d := new(memory)
	f, _ := open(t, d, 0)
	a := appendAll(t, f, message(1, "a: 1\r\n"))[0]
	n := d.syncs
	if err := f.Sync(); err != nil || d.syncs != n {
		t.Errorf("%v, %d syncs", err, d.syncs-n)
	}
	if _, err := f.SetStatus(a.Place, mail.NewFlags(mail.Seen)); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil || d.syncs != n+1 {
		t.Errorf("a status: %v, %d syncs", err, d.syncs-n)
	}
}

// TestMessagesOfOtherPrograms stand between ours, with and without what should end them.
func TestMessagesOfOtherPrograms(t *testing.T) {
	for name, theirs := range map[string]string{
		"whole":            "From a@b Thu Jan  2 15:04:05 2025\nSubject: x\n\n>From me\n\n",
		"no empty line":    "From a@b Thu Jan  2 15:04:05 2025\nSubject: x\n\n>From me\n",
		"no LF at the end": "From a@b Thu Jan  2 15:04:05 2025\nSubject: x\n\n>From me",
		"more empty lines": "\n\n\nFrom a@b Thu Jan  2 15:04:05 2025\nSubject: x\n\n>From me\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			data, _ := write(t, "a: 1\r\n")
			d := &memory{data: append(data, theirs...)}
			durable := int64(len(data))
			f, tail := open(t, d, durable)
			if tail.Good != int64(len(d.data)) {
				t.Fatalf("cut: %+v", tail)
			}
			appendAll(t, f, message(2, "a: 2\r\n"))
			entries := scan(t, d.data, 0)
			if len(entries) != 3 || !entries[0].intact() || !entries[2].intact() {
				t.Fatalf("%d entries", len(entries))
			}
			x := entries[1]
			if body := strings.TrimSuffix(x.body, "\r\n"); x.kind != mbox.Foreign || body != "Subject: x\r\n\r\nFrom me" {
				t.Errorf("%d %q", x.kind, x.body)
			}
		})
	}
}

func TestTextAroundMessages(t *testing.T) {
	data, added := write(t, "a: 1\r\n", "a: 2\r\n")
	text := bytes.Join([][]byte{[]byte("hello\n"), data[:added[1].Place.At], []byte("an editor was here\n"), data[added[1].Place.At:]}, nil)
	entries := scan(t, text, 0)
	kinds := []mbox.Kind{mbox.Junk, mbox.Own, mbox.Junk, mbox.Own}
	if len(entries) != len(kinds) {
		t.Fatalf("%d entries", len(entries))
	}
	for i, x := range entries {
		if x.kind != kinds[i] || x.kind == mbox.Own && !x.intact() {
			t.Errorf("entry %d: kind %d, %v, %q", i, x.kind, x.err, x.body)
		}
	}
	if entries[2].body != "an editor was here\n" {
		t.Errorf("%q", entries[2].body)
	}
}
