package mailtest

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"time"

	"mailferry/transfer/mail"
)

func fetchChecks() []check {
	return []check{
		{"octets", checkOctets},
		{"fetch info", checkFetchInfo},
		{"fetch missing", checkFetchMissing},
		{"fetch unread", checkFetchUnread},
		{"fetch stopped", checkFetchStopped},
		{"fetch leaves flags", checkFetchLeavesFlags},
	}
}

func checkOctets(e *env) {
	e.create(e.folder)
	w := e.writer(e.folder)
	a := e.appending(w)
	var want []Sample
	for _, s := range Samples() {
		o := a.send(s.Raw, nil, letterDate(1))
		a.settle()
		refused := slices.Contains(e.limits.Refused, s.Name)
		switch {
		case o.err == nil && !refused:
			want = append(want, s)
		case o.err == nil:
			e.Errorf("%s: taken, and was said to be refused", s.Name)
			want = append(want, s)
		case !refused:
			e.Errorf("%s: %v", s.Name, o.err)
		case mail.ErrorOf(o.err).Scope != mail.ScopeMessage:
			e.Fatalf("%s: refused with an error wider than the message: %v", s.Name, o.err)
		}
	}
	e.close(w)
	got := e.content(e.folder)
	if len(got) != len(want) {
		e.Fatalf("%d messages came back of %d", len(got), len(want))
	}
	for i, s := range want {
		e.expectOctets(s, got[i])
	}
}

func (e *env) expectOctets(s Sample, got whole) {
	e.Helper()
	if !e.traits.KeepsBytes || slices.Contains(e.limits.Changed, s.Name) {
		return
	}
	if !bytes.Equal(got.raw, s.Raw) {
		at := 0
		for at < min(len(got.raw), len(s.Raw)) && got.raw[at] == s.Raw[at] {
			at++
		}
		e.Errorf("%s: %d octets came back of %d, different from octet %d on: %.40q, want %.40q",
			s.Name, len(got.raw), len(s.Raw), at, got.raw[at:], s.Raw[at:])
	}
	if got.listed.Size != int64(len(s.Raw)) {
		e.Errorf("%s: listed with %d octets, want %d", s.Name, got.listed.Size, len(s.Raw))
	}
	if got.listed.Key != mail.KeyOf(s.Raw) {
		e.Errorf("%s: listed with a key that is not its own", s.Name)
	}
}

func checkFetchInfo(e *env) {
	e.create(e.folder)
	w := e.writer(e.folder)
	a := e.appending(w)
	flags := mail.NewFlags(mail.Flagged, mail.Answered)
	a.letter(1, flags)
	a.letter(2, nil)
	a.flush()
	e.close(w)
	got := e.content(e.folder)
	e.expectLetters(got, 1, 2)
	for i, want := range []mail.Flags{flags, nil} {
		m := got[i]
		if !m.Flags.Equal(want) || !m.listed.Flags.Equal(want) {
			e.Errorf("flags are %v fetched and %v listed, want %v", m.Flags, m.listed.Flags, want)
		}
		if date := letterDate(i + 1); !m.InternalDate.Equal(date) || !m.listed.InternalDate.Equal(date) {
			e.Errorf("date is %v fetched and %v listed, want %v", m.InternalDate, m.listed.InternalDate, date)
		}
	}
}

// fetched returns the UIDs Fetch came with, sorted.
func (e *env) fetched(r mail.Reader, set mail.UIDSet) []mail.UID {
	e.Helper()
	var got []mail.UID
	e.ok("Fetch", r.Fetch(e.ctx, set, func(info mail.Info, body io.Reader) error {
		got = append(got, info.UID)
		_, err := io.Copy(io.Discard, body)
		return err
	}))
	slices.Sort(got)
	return got
}

func checkFetchMissing(e *env) {
	e.filled(4)
	r := e.reader(e.folder)
	all := uids(e.list(r, mail.ListOptions{}))
	if got := e.fetched(r, mail.UIDSet{}); len(got) != 0 {
		e.Errorf("no UID asked for, %v came", got)
	}
	if got := e.fetched(r, mail.NewUIDSet(all[3]+1, all[3]+100)); len(got) != 0 {
		e.Errorf("missing UIDs asked for, %v came", got)
	}
	if got := e.fetched(r, mail.NewUIDSet(all[0], all[2], all[3]+5)); !slices.Equal(got, []mail.UID{all[0], all[2]}) {
		e.Errorf("asked for %d, %d and a missing one: %v came", all[0], all[2], got)
	}
	var wide mail.UIDSet
	wide.AddRange(1, all[3]+3000)
	if got := e.fetched(r, wide); !slices.Equal(got, all) {
		e.Errorf("thousands of missing UIDs asked for too: %v came, want %v", got, all)
	}
}

func checkFetchUnread(e *env) {
	e.create(e.folder)
	w := e.writer(e.folder)
	a := e.appending(w)
	long := append(letter(2), bytes.Repeat([]byte("0123456789abcdef\r\n"), 20_000)...)
	for _, raw := range [][]byte{letter(1), long, letter(3), long, letter(5)} {
		a.send(raw, nil, time.Time{})
	}
	a.flush()
	all := uids(e.list(w, mail.ListOptions{}))
	n := 0
	e.ok("Fetch", w.Fetch(e.ctx, mail.NewUIDSet(all...), func(info mail.Info, body io.Reader) error {
		n++
		_, err := io.CopyN(io.Discard, body, int64(n%3)*7) // none, a few, a few more
		return err
	}))
	if n != 5 {
		e.Errorf("bodies left unread: %d of 5 came", n)
	}
	e.expectLetters(e.read(w), 1, 2, 3, 2, 5)
}

func checkFetchStopped(e *env) {
	e.filled(5)
	r := e.reader(e.folder)
	all := uids(e.list(r, mail.ListOptions{}))
	enough := errors.New("enough")
	calls := 0
	err := r.Fetch(e.ctx, mail.NewUIDSet(all...), func(mail.Info, io.Reader) error {
		if calls++; calls == 2 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || calls != 2 {
		e.Errorf("fn's error at call 2: Fetch returned %v after %d calls", err, calls)
	}
	e.close(r)
	e.expectLetters(e.content(e.folder), 1, 2, 3, 4, 5)
}

func checkFetchLeavesFlags(e *env) {
	e.filled(2)
	w := e.writer(e.folder)
	e.read(w)
	e.close(w)
	e.content(e.folder)
	for _, m := range e.content(e.folder) {
		if len(m.listed.Flags) > 0 {
			e.Errorf("reading UID %d gave it the flags %v", m.UID, m.listed.Flags)
		}
	}
}
