package mbox_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mailferry/archive/mbox"
	"mailferry/transfer/mail"
)

func TestTheBlockStandsAsDocumented(t *testing.T) {
	d := new(memory)
	f, _ := open(t, d, 0)
	appendAll(t, f, message(17, "Subject: a\r\n\r\n", mail.Seen, mail.Answered, mail.Flagged, "$Forwarded", "Work"))
	want := "From MAILER-DAEMON Thu Jan  2 09:34:05 2025\n" +
		"Status: RO\n" +
		"X-Status: AF  \n" +
		"X-Keywords: $Forwarded Work" + strings.Repeat(" ", 33) + "\n" +
		"X-UID: 17\n" +
		"X-Mailferry: 77 17 14 7e6153f6b7ffbdad88e9b6cc06050b419ada6c43264efe58787864c77c7d8019 2025-01-02T15:04:05+05:30 crlf\n" +
		"Subject: a\n\n\n"
	if string(d.data) != want {
		t.Errorf("wrote\n%s\nwant\n%s", d.data, want)
	}
}

func TestDatesComeBackWithTheirZone(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"2025-01-02T15:04:05+05:30", "2025-01-02T15:04:05+05:30"},
		{"2025-01-02T15:04:05Z", "2025-01-02T15:04:05Z"},
		{"1969-12-31T23:59:59-12:00", "1969-12-31T23:59:59-12:00"},
		{"0001-01-02T00:00:00Z", "0001-01-02T00:00:00Z"},
		{"", ""},
	} {
		m := message(1, "a: b\r\n")
		m.InternalDate = instant(t, c.in)
		d := new(memory)
		f, _ := open(t, d, 0)
		appendAll(t, f, m)
		got := scan(t, d.data, 0)[0].meta.Date
		if !got.Equal(m.InternalDate) || got.IsZero() != (c.want == "") || !got.IsZero() && got.Format("2006-01-02T15:04:05Z07:00") != c.want {
			t.Errorf("%q comes back as %v", c.in, got)
		}
	}
}

func anyFlags() *rapid.Generator[mail.Flags] {
	flag := rapid.OneOf(
		rapid.SampledFrom([]string{mail.Seen, mail.Answered, mail.Flagged, mail.Deleted, mail.Draft, `\Important`, "Work", "$Junk", "%41", "%", "%4", "%zz", "a b", "\xff", "ä\n", "NonJunk"}),
		rapid.StringMatching(`[a-zA-Z]{1,30}`),
	)
	return rapid.Map(rapid.SliceOfN(flag, 0, 8), func(s []string) mail.Flags { return mail.NewFlags(s...) })
}

func TestAnyFlagsComeBack(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		d := new(memory)
		f, _ := open(t, d, 0)
		flags := anyFlags().Draw(r, "flags")
		m := message(1, "a: b\r\n\r\n")
		m.Flags = flags
		if a := appendAll(t, f, m)[0]; !a.Fits {
			r.Fatalf("%q do not fit a new message", flags)
		}
		if x := scan(t, d.data, 0)[0]; !x.intact() || !x.meta.Flags.Equal(flags) {
			r.Fatalf("%q come back as %q", flags, x.meta.Flags)
		}
	})
}

func TestStatusChangesInPlace(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		d := new(memory)
		f, _ := open(t, d, 0)
		bodies := []string{"a: 1\r\n\r\nStatus: RO\r\n", "Status: O\r\nX-Status: D\r\n\r\n", "b\n\rX-Keywords: x"}
		var messages []*mail.Message
		for i, b := range bodies {
			m := message(mail.UID(i+1), b)
			m.Flags = anyFlags().Draw(r, "flags")
			messages = append(messages, m)
		}
		added := appendAll(t, f, messages...)
		size := len(d.data)
		for range 3 {
			i := rapid.IntRange(0, 2).Draw(r, "message")
			flags := anyFlags().Draw(r, "new flags")
			fits, err := f.SetStatus(added[i].Place, flags)
			if err != nil {
				r.Fatal(err)
			}
			if err := f.Sync(); err != nil {
				r.Fatal(err)
			}
			entries := scan(t, d.data, 0)
			if len(entries) != 3 || len(d.data) != size {
				r.Fatalf("%d entries in %d octets, before %d", len(entries), len(d.data), size)
			}
			got := entries[i].meta.Flags
			if fits != got.Equal(flags) || len(got.Minus(flags)) > 0 {
				r.Fatalf("fits: %t, set %q, got %q", fits, flags, got)
			}
			messages[i].Flags = got
			for k, x := range entries {
				if !x.intact() || x.body != bodies[k] || !x.meta.Flags.Equal(messages[k].Flags) {
					r.Fatalf("message %d: %q %q", k, x.meta.Flags, x.body)
				}
			}
		}
	})
}

func TestKeywordsThatDoNotFitAreLeftOutAndSaid(t *testing.T) {
	d := new(memory)
	f, _ := open(t, d, 0)
	added := appendAll(t, f, message(1, "a: b\r\n"))
	long := strings.Repeat("k", 100)
	fits, err := f.SetStatus(added[0].Place, mail.NewFlags(mail.Seen, "Work", long))
	if err != nil || fits {
		t.Fatalf("fits: %t, %v", fits, err)
	}
	if got := scan(t, d.data, 0)[0].meta.Flags; !got.Equal(mail.NewFlags(mail.Seen, "Work")) {
		t.Errorf("what fits is there: %q", got)
	}
	var many []string
	for i := range 1000 {
		many = append(many, fmt.Sprintf("keyword%04d", i))
	}
	a := appendAll(t, f, message(2, "a: b\r\n", many...))[0]
	x := scan(t, d.data, 0)[1]
	if a.Fits || !x.intact() || len(x.meta.Flags) < 500 || len(x.meta.Flags) >= 1000 {
		t.Errorf("fits: %t, %d keywords, %v", a.Fits, len(x.meta.Flags), x.err)
	}
}

func TestAStatusIsNotWrittenIntoAnotherMessage(t *testing.T) {
	d := new(memory)
	f, _ := open(t, d, 0)
	added := appendAll(t, f, message(1, "a: 1\r\n\r\n"), message(2, "a: 2\r\n\r\n"))
	before := bytes.Clone(d.data)
	for _, p := range []mbox.Place{
		{At: added[0].Place.At, Sum: added[1].Place.Sum},
		{At: added[0].Place.At + 1, Sum: added[0].Place.Sum},
		{At: int64(len(before)), Sum: added[0].Place.Sum},
		{At: 1 << 62, Sum: added[0].Place.Sum},
	} {
		if _, err := f.SetStatus(p, mail.NewFlags(mail.Seen)); !errors.Is(err, mbox.ErrNotThere) {
			t.Errorf("at %d: %v", p.At, err)
		}
		if _, _, err := mbox.Body(f, p); !errors.Is(err, mbox.ErrNotThere) {
			t.Errorf("body at %d: %v", p.At, err)
		}
	}
	if !bytes.Equal(d.data, before) {
		t.Error("the file was changed")
	}
}

// TestFlagsSetByAnotherProgram: Python's mailbox writes the lines without padding.
func TestFlagsSetByAnotherProgram(t *testing.T) {
	data, added := write(t, "a: b\r\n\r\nbody\r\n")
	text := strings.Replace(string(data), "X-Status:     \n", "X-Status: F\n", 1)
	d := &memory{data: []byte(text)}
	f, _ := open(t, d, mbox.Unknown)
	if x := scan(t, d.data, 0)[0]; !x.intact() || !x.meta.Flags.Has(mail.Flagged) {
		t.Fatalf("%+v", x)
	}
	fits, err := f.SetStatus(added[0].Place, mail.NewFlags(mail.Flagged, mail.Answered))
	if err != nil || fits {
		t.Errorf("two letters fit in the room of one: %v", err)
	}
	if x := scan(t, d.data, 0)[0]; !x.intact() || !x.meta.Flags.Equal(mail.NewFlags(mail.Answered)) {
		t.Errorf("%+v", x)
	}
}
