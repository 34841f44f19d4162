package mbox_test

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"mailferry/archive/mbox"
	"mailferry/transfer/mail"
)

func small() []string {
	return []string{"Subject: a\r\n\r\nFrom a\r\n", "", "b\n\rno line end", "Subject: c\r\n\r\nbody", "\n\n\n"}
}

func smallMessages() (out []*mail.Message) {
	for i, b := range small() {
		out = append(out, message(mail.UID(i+1), b, mail.Seen, "Work"))
	}
	return out
}

// TestCutAtEveryOctet: a file cut anywhere is cut back to its last complete message, and what is
// added again makes the same file.
func TestCutAtEveryOctet(t *testing.T) {
	data, added := write(t, small()...)
	for _, durable := range []int64{mbox.Unknown, 0, added[1].Place.At, added[4].Place.At} {
		for cut := max(durable, 0); cut <= int64(len(data)); cut++ {
			complete, end := 0, int64(0)
			for i := range added {
				next := int64(len(data))
				if i+1 < len(added) {
					next = added[i+1].Place.At
				}
				if next <= cut {
					complete, end = i+1, next
				}
			}
			d := &memory{data: bytes.Clone(data[:cut])}
			f, tail := open(t, d, durable)
			if tail.Good != end || tail.Size != cut || int64(len(d.data)) != end {
				t.Fatalf("durable %d, cut at %d: %+v, want %d", durable, cut, tail, end)
			}
			appendAll(t, f, smallMessages()[complete:]...)
			if !bytes.Equal(d.data, data) {
				t.Fatalf("durable %d, cut at %d: another file after adding again", durable, cut)
			}
		}
	}
}

// TestPagesThatNeverCameToTheDisk: after a power loss parts of what was not synced are NULs.
// All of it goes, and nothing before it.
func TestPagesThatNeverCameToTheDisk(t *testing.T) {
	data, added := write(t, small()...)
	durable := added[1].Place.At
	rapid.Check(t, func(r *rapid.T) {
		size := rapid.IntRange(int(durable), len(data)).Draw(r, "size")
		torn := bytes.Clone(data[:size])
		for range rapid.IntRange(1, 3).Draw(r, "holes") {
			from := rapid.IntRange(int(durable), size).Draw(r, "from")
			clear(torn[from:rapid.IntRange(from, size).Draw(r, "to")])
		}
		d := &memory{data: torn}
		f, tail := open(t, d, durable)
		if tail.Good < durable || !bytes.Equal(d.data, data[:tail.Good]) {
			r.Fatalf("%+v: what is left is not what was written", tail)
		}
		kept := scan(t, d.data, 0)
		appendAll(t, f, smallMessages()[len(kept):]...)
		if !bytes.Equal(d.data, data) {
			r.Fatalf("another file after adding again")
		}
	})
}

func TestNothingOfOthersIsCut(t *testing.T) {
	data, added := write(t, small()...)
	torn := data[:added[1].Place.At+30]
	theirs := "\n\nFrom a@b Thu Jan  2 15:04:05 2025\nSubject: x\n\nmine\n\n"
	for name, c := range map[string]struct {
		text    string
		durable int64
	}{
		"their message behind our torn one": {string(torn) + theirs, added[1].Place.At},
		"the same without a record":         {string(torn) + theirs, mbox.Unknown},
		"their text":                        {string(data) + "some notes\n", int64(len(data))},
		"their torn message":                {string(data) + "From a@b Thu", int64(len(data))},
		"a damaged message in the middle":   {string(data[:added[0].Place.At+220]) + "!" + string(data[added[0].Place.At+221:]), mbox.Unknown},
		"a damaged last message":            {string(data[:len(data)-4]) + "!" + string(data[len(data)-3:]), mbox.Unknown},
		"a damaged block":                   {string(data[:added[4].Place.At+60]) + "!" + string(data[added[4].Place.At+61:]), mbox.Unknown},
		"a file that lost durable messages": {string(torn), int64(len(data))},
	} {
		t.Run(name, func(t *testing.T) {
			d := &memory{data: []byte(c.text)}
			f, tail := open(t, d, c.durable)
			if tail.Good != tail.Size || string(d.data) != c.text {
				t.Fatalf("cut: %+v", tail)
			}
			if c.durable > tail.Size && tail.Behind != c.durable-tail.Size {
				t.Errorf("%+v", tail)
			}
			a := appendAll(t, f, message(9, "a: 9\r\n"))[0]
			if got := bodyAt(t, bytes.NewReader(d.data), a.Place); got != "a: 9\r\n" || !bytes.HasPrefix(d.data, []byte(c.text)) {
				t.Errorf("added: %q", got)
			}
			last := scan(t, d.data, 0)
			if x := last[len(last)-1]; !x.intact() || x.meta.UID != 9 {
				t.Errorf("the new message is not found by a scan: %+v", x)
			}
		})
	}
}

// TestRecordedMessagesAreNotCut: a file may be longer than what is recorded, with recorded messages behind that. A twin of a
// message that stands whole before goes all the same.
func TestRecordedMessagesAreNotCut(t *testing.T) {
	data, added := write(t, "Subject: a\r\n\r\na\r\n", "Subject: b\r\n\r\nb\r\n", "Subject: c\r\n\r\nc\r\n")
	second, third := added[1].Place, added[2].Place
	damaged := bytes.Replace(data, []byte("\nb\n"), []byte("\nx\n"), 1)
	for name, c := range map[string]struct {
		data     []byte
		durable  int64
		recorded []mbox.Place
		good     int64
	}{
		"nothing behind is recorded":   {damaged, second.At, []mbox.Place{added[0].Place}, second.At},
		"the damaged one is recorded":  {damaged, second.At, []mbox.Place{added[0].Place, second}, int64(len(data))},
		"the one behind it is":         {damaged, second.At, []mbox.Place{added[0].Place, third}, int64(len(data))},
		"a torn one is recorded":       {data[:len(data)-5], mbox.Unknown, []mbox.Place{third}, int64(len(data)) - 5},
		"no message ends there":        {damaged, second.At - 20, nil, int64(len(data))},
		"none ends there, a torn one":  {data[:third.At+190], second.At - 20, nil, third.At},
		"a twin of one that is there":  {append(bytes.Clone(data), data[:150]...), int64(len(data)), []mbox.Place{added[0].Place}, int64(len(data))},
		"two of which one is behind":   {append(bytes.Clone(data), damaged...), int64(len(data)), []mbox.Place{second, second}, int64(2 * len(data))},
		"two of which one is recorded": {append(bytes.Clone(data), damaged...), int64(len(data)), []mbox.Place{second}, int64(len(data)) + second.At},
	} {
		t.Run(name, func(t *testing.T) {
			d := &memory{data: bytes.Clone(c.data)}
			_, tail, err := mbox.OpenRecorded(d, c.durable, func(fn func([32]byte)) error {
				for _, p := range c.recorded {
					fn(p.Sum)
				}
				return nil
			})
			if err != nil || tail.Good != c.good || int64(len(d.data)) != c.good {
				t.Errorf("%+v, %v: want %d of %d", tail, err, c.good, len(c.data))
			}
		})
	}
}

// TestFlippedOctets: one octet changed anywhere hides no more than two messages, and never shows
// an octet that was not written as whole.
func TestFlippedOctets(t *testing.T) {
	data, _ := write(t, small()...)
	want := small()
	for at := range data {
		for _, bit := range []byte{0x01, 0x20, 0x80, 0xff} {
			flipped := bytes.Clone(data)
			flipped[at] ^= bit
			intact := 0
			for _, x := range scan(t, flipped, 0) {
				if x.intact() {
					intact++
					if !slices.Contains(want, x.body) {
						t.Fatalf("octet %d flipped by %x: %q is taken for whole", at, bit, x.body)
					}
				}
			}
			if intact < len(want)-2 {
				t.Fatalf("octet %d flipped by %x: %d of %d messages are left", at, bit, intact, len(want))
			}
			d := &memory{data: flipped}
			open(t, d, mbox.Unknown)
		}
	}
}

func FuzzScan(f *testing.F) {
	data, _ := write(f, small()...)
	f.Add(data, int64(0))
	f.Add(data[:len(data)/2], int64(-1))
	f.Add([]byte("From \n\nFrom x\n>From \x00"), int64(3))
	f.Fuzz(func(t *testing.T, data []byte, durable int64) {
		end := int64(0)
		for _, x := range scan(t, data, 0) {
			if x.at < end || x.end <= x.at || x.end > int64(len(data)) {
				t.Fatalf("an entry from %d to %d behind one up to %d", x.at, x.end, end)
			}
			end = x.end
			if x.intact() {
				if got := bodyAt(t, bytes.NewReader(data), mbox.Place{At: x.at, Sum: x.meta.Sum}); got != x.body {
					t.Fatalf("at %d %q, scanned %q", x.at, got, x.body)
				}
			}
		}
		d := &memory{data: bytes.Clone(data)}
		durable = max(mbox.Unknown, min(durable, int64(len(data))))
		file, tail := open(t, d, durable)
		if tail.Good < durable || tail.Good > tail.Size || !bytes.Equal(d.data, data[:tail.Good]) {
			t.Fatalf("%+v of %d", tail, len(data))
		}
		a := appendAll(t, file, message(1, "Subject: new\r\n\r\n"))[0]
		if got := bodyAt(t, bytes.NewReader(d.data), a.Place); got != "Subject: new\r\n\r\n" {
			t.Fatalf("%q", got)
		}
		if durable != mbox.Unknown {
			durable = file.Size()
		}
		again, tail := open(t, d, durable)
		if tail.Good != tail.Size {
			t.Fatalf("a second look cuts more: %+v", tail)
		}
		if _, err := again.SetStatus(a.Place, mail.NewFlags(mail.Seen)); err != nil {
			t.Fatal(err)
		}
	})
}

// hiccup is a reader that fails in the middle.
type hiccup struct {
	r   io.Reader
	err error
}

func (h hiccup) Read(p []byte) (int, error) {
	n, err := h.r.Read(p)
	if err == io.EOF {
		err = h.err
	}
	return n, err
}

func TestAnErrorOfTheDiskIsNotTheEndOfTheFile(t *testing.T) {
	data, _ := write(t, small()...)
	broken := fmt.Errorf("input/output error")
	for cut := range data {
		err := mbox.Scan(hiccup{bytes.NewReader(data[:cut]), broken}, 0, func(e *mbox.Entry) error {
			_, err := io.Copy(io.Discard, e.Body)
			if err == io.ErrUnexpectedEOF {
				t.Fatalf("cut at %d: taken for the end", cut)
			}
			return nil
		})
		if err != broken {
			t.Fatalf("cut at %d: %v", cut, err)
		}
	}
}
