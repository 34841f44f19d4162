package mbox_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"testing"
	"time"

	"mailferry/archive/mbox"
	"mailferry/transfer/mail"
)

// memory is a Disk in memory that can be told to fail.
type memory struct {
	data   []byte
	room   int // octets that fit; 0: any number
	syncs  int
	failed error // of Sync
}

var errFull = errors.New("no space left")

func (m *memory) ReadAt(p []byte, at int64) (int, error) {
	return bytes.NewReader(m.data).ReadAt(p, at)
}

func (m *memory) WriteAt(p []byte, at int64) (int, error) {
	fits := len(p)
	if m.room > 0 {
		fits = max(0, min(fits, m.room-int(at)))
	}
	end := int(at) + fits
	if end > len(m.data) {
		m.data = append(m.data, make([]byte, end-len(m.data))...)
	}
	if n := copy(m.data[at:end], p); n < len(p) {
		return n, errFull
	}
	return fits, nil
}

func (m *memory) Seek(int64, int) (int64, error) { return int64(len(m.data)), nil }
func (m *memory) Truncate(size int64) error      { m.data = m.data[:size]; return nil }
func (m *memory) Sync() error                    { m.syncs++; return m.failed }
func (m *memory) Close() error                   { return nil }

func open(t testing.TB, d mbox.Disk, durable int64) (*mbox.File, mbox.Tail) {
	t.Helper()
	f, tail, err := mbox.Open(d, durable)
	if err != nil {
		t.Fatal(err)
	}
	return f, tail
}

// date has a zone, as INTERNALDATEs do.
func date() time.Time {
	return time.Date(2025, 1, 2, 15, 4, 5, 0, time.FixedZone("", 5*3600+1800))
}

func message(uid mail.UID, octets string, flags ...string) *mail.Message {
	return &mail.Message{
		Origin:       mail.Origin{Source: "imap://a@b", Folder: mail.NewPath("INBOX"), UIDValidity: 77, UID: uid},
		Flags:        mail.NewFlags(flags...),
		InternalDate: date(),
		Body:         mail.BytesBody(octets),
	}
}

func appendAll(t testing.TB, f *mbox.File, messages ...*mail.Message) []mbox.Appended {
	t.Helper()
	var out []mbox.Appended
	for _, m := range messages {
		a, err := f.Append(m)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, a)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	return out
}

// write makes a file of these messages, with UIDs from 1 on.
func write(t testing.TB, bodies ...string) ([]byte, []mbox.Appended) {
	t.Helper()
	d := new(memory)
	f, _ := open(t, d, 0)
	var messages []*mail.Message
	for i, b := range bodies {
		messages = append(messages, message(mail.UID(i+1), b, mail.Seen, "Work"))
	}
	added := appendAll(t, f, messages...)
	return d.data, added
}

// found is what a scan tells of one entry.
type found struct {
	at, end int64
	kind    mbox.Kind
	meta    mbox.Meta
	body    string
	err     error // of End
}

func scan(t testing.TB, data []byte, at int64) []found {
	t.Helper()
	var out []found
	err := mbox.Scan(bytes.NewReader(data[at:]), at, func(e *mbox.Entry) error {
		octets, err := io.ReadAll(e.Body)
		if err != nil && err != io.ErrUnexpectedEOF {
			return err
		}
		x := found{at: e.At, kind: e.Kind, meta: e.Meta, body: string(octets)}
		x.end, x.err = e.End()
		out = append(out, x)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (x found) intact() bool {
	return x.kind == mbox.Own && x.err == nil && sha256.Sum256([]byte(x.body)) == x.meta.Sum
}

func bodyAt(t testing.TB, r io.ReaderAt, p mbox.Place) string {
	t.Helper()
	_, body, err := mbox.Body(r, p)
	if err != nil {
		t.Fatal(err)
	}
	octets, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(octets)
}

func instant(t testing.TB, text string) time.Time {
	t.Helper()
	if text == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}
