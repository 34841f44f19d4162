package mailtest

import (
	"bytes"
	"time"

	"mailferry/transfer/mail"
)

func appendChecks() []check {
	return []check{
		{"append order", checkAppendOrder},
		{"append twins", checkAppendTwins},
		{"append flags", checkAppendFlags},
		{"append dates", checkAppendDates},
		{"append too large", checkAppendTooLarge},
		{"append large", checkAppendLarge},
		{"append unflushed", checkAppendUnflushed},
		{"flush nothing", checkFlushNothing},
	}
}

func checkAppendOrder(e *env) {
	e.create(e.folder)
	w := e.writer(e.folder)
	a := e.appending(w)
	var want []int
	for n := 1; n <= 150; n++ {
		a.letter(n, nil)
		want = append(want, n)
		if n == 70 {
			a.flush()
		}
	}
	a.flush()
	got := e.read(w)
	e.expectLetters(got, want...)
	for i, o := range a.sent {
		switch {
		case e.traits.UIDPlus && o.uid != got[i].UID:
			e.Errorf("Append told UID %d, letter %d has %d", o.uid, i+1, got[i].UID)
		case o.uid != 0 && o.uid != got[i].UID:
			e.Errorf("Append told UID %d though it need not, letter %d has %d", o.uid, i+1, got[i].UID)
		}
	}
	e.close(w)
	e.expectLetters(e.content(e.folder), want...)
}

func checkAppendTwins(e *env) {
	e.create(e.folder)
	w := e.writer(e.folder)
	a := e.appending(w)
	for range 3 {
		a.letter(7, nil)
	}
	a.flush()
	e.close(w)
	e.expectLetters(e.content(e.folder), 7, 7, 7)
}

// permitted returns those of a set of flags that are safe to store in st's folder.
func (e *env) permitted(st mail.Status) mail.Flags {
	flags := mail.NewFlags(mail.Seen, mail.Answered, mail.Flagged, mail.Draft, "$Forwarded", "MixedCase", "lower", "$Label1", "UPPER.x-1")
	if !e.traits.AutoExpunge {
		flags = flags.Union(mail.NewFlags(mail.Deleted))
	}
	return flags.Filter(st.Permits)
}

func checkAppendFlags(e *env) {
	e.create(e.folder)
	w := e.writer(e.folder)
	all := e.permitted(w.Status())
	if len(all) == 0 {
		e.Fatalf("a Writer permits no flag at all: %+v", w.Status())
	}
	a := e.appending(w)
	a.letter(1, nil)
	a.letter(2, all)
	for i, flag := range all {
		a.letter(3+i, mail.NewFlags(flag))
	}
	a.flush()
	e.close(w)
	got := e.content(e.folder)
	if len(got) != len(all)+2 {
		e.Fatalf("the folder holds %d messages, want %d", len(got), len(all)+2)
	}
	e.expectFlags(got[0], nil)
	e.expectFlags(got[1], all)
	for i, flag := range all {
		e.expectFlags(got[2+i], mail.NewFlags(flag))
	}
}

// expectFlags also wants the case of keywords kept.
func (e *env) expectFlags(got whole, want mail.Flags) {
	e.Helper()
	if got.Flags.String() != want.String() || got.listed.Flags.String() != want.String() {
		e.Errorf("UID %d: flags are %q fetched and %q listed, want %q", got.UID, got.Flags, got.listed.Flags, want)
	}
}

func checkAppendDates(e *env) {
	dates := []time.Time{
		time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC),
		time.Date(2024, 7, 1, 23, 59, 59, 0, time.FixedZone("", 5*3600+1800)),
		time.Date(2024, 1, 1, 0, 30, 0, 0, time.FixedZone("", 14*3600)),
		time.Date(2023, 12, 31, 22, 0, 1, 0, time.FixedZone("", -9*3600-1800)),
		time.Date(1999, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
		time.Date(1995, 3, 5, 4, 5, 6, 0, time.FixedZone("", -5*3600)),
		time.Date(2037, 1, 19, 3, 14, 7, 0, time.UTC),
	}
	e.create(e.folder)
	w := e.writer(e.folder)
	a := e.appending(w)
	for i, date := range dates {
		a.send(letter(i+1), nil, date)
	}
	a.send(letter(99), nil, time.Time{})
	a.flush()
	e.close(w)
	got := e.content(e.folder)
	if len(got) != len(dates)+1 {
		e.Fatalf("the folder holds %d messages, want %d", len(got), len(dates)+1)
	}
	for i, date := range dates {
		want := date.Truncate(time.Second)
		if !got[i].InternalDate.Equal(want) || !got[i].listed.InternalDate.Equal(want) {
			e.Errorf("date is %v fetched and %v listed, want %v", got[i].InternalDate, got[i].listed.InternalDate, want)
		}
	}
}

// largest is the greatest MaxSize that the suite makes a message for.
const largest = 64 << 20

func checkAppendTooLarge(e *env) {
	limit := e.traits.MaxSize
	if limit == 0 || limit > largest {
		e.Skip("no limit, or a high one")
	}
	e.create(e.folder)
	w := e.writer(e.folder)
	a := e.appending(w)
	a.letter(1, nil)
	large := a.send(append(letter(2), make([]byte, limit)...), nil, letterDate(2))
	a.letter(3, nil)
	a.settle()
	if large.err == nil {
		e.Fatalf("a message larger than MaxSize %d was taken", limit)
	}
	if got := mail.ErrorOf(large.err); got.Scope != mail.ScopeMessage || got.Uncertain {
		e.Errorf("too large: scope %d, uncertain %t: %v", got.Scope, got.Uncertain, large.err)
	}
	for _, i := range []int{0, 2} {
		if err := a.sent[i].err; err != nil {
			e.Errorf("append %d beside one that is too large: %v", i+1, err)
		}
	}
	a.letter(4, nil)
	a.settle()
	e.close(w)
	e.expectLetters(e.content(e.folder), 1, 3, 4)
}

// checkAppendLarge sends more than a store may want to have unanswered.
func checkAppendLarge(e *env) {
	if limit := e.traits.MaxSize; limit > 0 && limit < 6<<20 {
		e.Skip("the store takes no large messages")
	}
	e.create(e.folder)
	w := e.writer(e.folder)
	a := e.appending(w)
	large := append(letter(2), bytes.Repeat([]byte("0123456789abcdef0123456789abcdef\r\n"), 150_000)...)
	a.letter(1, nil)
	a.send(large, nil, letterDate(2))
	a.letter(3, nil)
	a.flush()
	e.close(w)
	got := e.content(e.folder)
	e.expectLetters(got, 1, 2, 3)
	if e.traits.KeepsBytes && !bytes.Equal(got[1].raw, large) {
		e.Errorf("the large message came back with other octets")
	}
}

// checkAppendUnflushed: whoever closes without Flush still learns the truth.
func checkAppendUnflushed(e *env) {
	e.create(e.folder)
	w := e.writer(e.folder)
	a := e.appending(w)
	for n := 1; n <= 3; n++ {
		a.letter(n, nil)
	}
	a.close()
	got := e.content(e.folder)
	for i, o := range a.sent {
		count := 0
		for _, m := range got {
			if isLetter(i+1, m.raw) {
				count++
			}
		}
		certain := o.err == nil || !mail.ErrorOf(o.err).Uncertain
		if count > 1 || certain && (o.err == nil) != (count == 1) {
			e.Errorf("letter %d is there %d times, done said %v", i+1, count, o.err)
		}
	}
}

func checkFlushNothing(e *env) {
	e.create(e.folder)
	w := e.writer(e.folder)
	a := e.appending(w)
	a.settle()
	a.letter(1, nil)
	a.flush()
	a.flush()
	e.close(w)
	e.expectLetters(e.content(e.folder), 1)
}
