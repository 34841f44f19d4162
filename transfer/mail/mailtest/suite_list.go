package mailtest

import (
	"errors"
	"slices"

	"mailferry/transfer/mail"
)

func listChecks() []check {
	return []check{
		{"list", checkList},
		{"list part", checkListPart},
		{"list fields", checkListFields},
		{"list stopped", checkListStopped},
		{"list changes", checkListChanges},
		{"list expunged", checkListVanished},
		{"uids last", checkUIDsLast},
	}
}

func checkList(e *env) {
	e.create(e.folder)
	if got := e.list(e.reader(e.folder), everything()); len(got) != 0 {
		e.Errorf("an empty folder lists %d messages", len(got))
	}
	w := e.writer(e.folder)
	e.fill(w, 1, 3)
	e.fill(w, 4, 7)
	e.expectLetters(e.read(w), 1, 2, 3, 4, 5, 6, 7)
	r := e.reader(e.folder)
	for range 2 {
		e.expectLetters(e.read(r), 1, 2, 3, 4, 5, 6, 7)
	}
}

func checkListPart(e *env) {
	e.filled(6)
	r := e.reader(e.folder)
	all := uids(e.list(r, mail.ListOptions{}))
	if len(all) != 6 {
		e.Fatalf("List tells %d messages, want 6", len(all))
	}
	some := mail.NewUIDSet(all[1], all[3], all[5]+7)
	behind := mail.NewUIDSet(all[5] + 1)
	for _, c := range []struct {
		name string
		opts mail.ListOptions
		want []mail.UID
	}{
		{"From the first", mail.ListOptions{From: all[0]}, all},
		{"From the third", mail.ListOptions{From: all[2]}, all[2:]},
		{"From the last", mail.ListOptions{From: all[5]}, all[5:]},
		{"From behind the last", mail.ListOptions{From: all[5] + 1}, nil},
		{"Only some", mail.ListOptions{Only: &some}, []mail.UID{all[1], all[3]}},
		{"Only some From", mail.ListOptions{Only: &some, From: all[2]}, []mail.UID{all[3]}},
		{"Only none", mail.ListOptions{Only: &mail.UIDSet{}}, nil},
		{"Only missing ones", mail.ListOptions{Only: &behind}, nil},
	} {
		if got := uids(e.list(r, c.opts)); !slices.Equal(got, c.want) {
			e.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func checkListFields(e *env) {
	e.create(e.folder)
	w := e.writer(e.folder)
	a := e.appending(w)
	a.letter(1, mail.NewFlags(mail.Seen))
	a.flush()
	for _, c := range []struct {
		name string
		opts mail.ListOptions
	}{
		{"nothing", mail.ListOptions{}},
		{"flags", mail.ListOptions{Flags: true}},
		{"size", mail.ListOptions{Size: true}},
		{"date", mail.ListOptions{Date: true}},
		{"key", mail.ListOptions{Key: true}},
		{"everything", everything()},
	} {
		got := e.list(w, c.opts)
		if len(got) != 1 {
			e.Fatalf("%s asked for: %d messages", c.name, len(got))
		}
		e.expectFields(c.name, got[0], c.opts)
	}
}

// expectFields holds an Info of letter 1, Seen, to what was asked for.
func (e *env) expectFields(name string, got mail.Info, opts mail.ListOptions) {
	e.Helper()
	for _, f := range []struct {
		field     string
		asked, is bool
	}{
		{"Flags", opts.Flags, len(got.Flags) > 0},
		{"Size", opts.Size, got.Size != 0},
		{"InternalDate", opts.Date, !got.InternalDate.IsZero()},
		{"Key", opts.Key, got.Key != mail.Key{}},
	} {
		if f.asked != f.is {
			e.Errorf("%s asked for: %s told is %t", name, f.field, f.is)
		}
	}
	if opts.Flags && !got.Flags.Equal(mail.NewFlags(mail.Seen)) {
		e.Errorf("%s asked for: flags are %v", name, got.Flags)
	}
	if opts.Date && !got.InternalDate.Equal(letterDate(1)) {
		e.Errorf("%s asked for: date is %v, want %v", name, got.InternalDate, letterDate(1))
	}
	if !e.traits.KeepsBytes {
		return
	}
	if opts.Key && got.Key != mail.KeyOf(letter(1)) {
		e.Errorf("%s asked for: the key is not that of the message", name)
	}
	if opts.Size && got.Size != int64(len(letter(1))) {
		e.Errorf("%s asked for: size is %d, want %d", name, got.Size, len(letter(1)))
	}
}

func checkListStopped(e *env) {
	e.filled(5)
	r := e.reader(e.folder)
	enough := errors.New("enough")
	calls := 0
	err := r.List(e.ctx, everything(), func(mail.Info) error {
		if calls++; calls == 2 {
			return enough
		}
		return nil
	})
	if err != enough || calls != 2 {
		e.Errorf("fn's error at call 2: List returned %v after %d calls", err, calls)
	}
	e.close(r)
	e.expectLetters(e.content(e.folder), 1, 2, 3, 4, 5)
}

func checkListChanges(e *env) {
	e.create(e.folder)
	w := e.writer(e.folder)
	e.fill(w, 1, 4)
	st, err := w.Refresh(e.ctx)
	e.ok("Refresh", err)
	before := st.HighestModSeq
	if !e.traits.ModSeqs && before != 0 {
		e.Fatalf("mod-sequences without Traits.ModSeqs")
	}
	if before == 0 {
		e.Skip("no mod-sequences here")
	}
	all := uids(e.list(w, mail.ListOptions{}))
	if got := e.list(w, mail.ListOptions{ChangedSince: before, Flags: true}); len(got) != 0 {
		e.Errorf("nothing changed, and %d messages are listed as changed", len(got))
	}
	e.ok("SetFlags", w.SetFlags(e.ctx, []mail.FlagChange{{UID: all[1], Add: mail.NewFlags(mail.Flagged)}}))
	e.fill(w, 5, 5)
	st, err = w.Refresh(e.ctx)
	e.ok("Refresh", err)
	if st.HighestModSeq <= before {
		e.Errorf("HighestModSeq is %d after changes, before %d", st.HighestModSeq, before)
	}
	got := e.list(w, mail.ListOptions{ChangedSince: before, Flags: true})
	if len(got) != 2 || got[0].UID != all[1] || got[1].UID <= all[3] {
		e.Fatalf("changed are %v, want %d and a new one", uids(got), all[1])
	}
	if !got[0].Flags.Has(mail.Flagged) {
		e.Errorf("the change is listed without its flag: %v", got[0].Flags)
	}
	if rest := e.list(w, mail.ListOptions{ChangedSince: before, From: all[2], Flags: true}); len(rest) != 1 {
		e.Errorf("changed From UID %d: %v", all[2], uids(rest))
	}
}

func checkListVanished(e *env) {
	if !e.traits.Resync || !e.traits.DurableUIDs {
		e.Skip("what was expunged since another session is not told")
	}
	e.create(e.folder)
	w := e.writer(e.folder)
	e.fill(w, 1, 6)
	ex, ok := w.(mail.Expunger)
	if !ok {
		e.Skip("nothing can be expunged here")
	}
	all := uids(e.list(w, mail.ListOptions{}))
	e.ok("Expunge", ex.Expunge(e.ctx, mail.NewUIDSet(all[0])))
	st, err := w.Refresh(e.ctx)
	e.ok("Refresh", err)
	since := st.HighestModSeq
	e.ok("Expunge", ex.Expunge(e.ctx, mail.NewUIDSet(all[2], all[3])))
	e.ok("SetFlags", w.SetFlags(e.ctx, []mail.FlagChange{{UID: all[4], Add: mail.NewFlags(mail.Flagged)}}))
	e.close(w)
	r := e.reader(e.folder)
	var vanished mail.UIDSet
	got := e.list(r, mail.ListOptions{ChangedSince: since, Flags: true, Vanished: &vanished})
	if len(got) != 1 || got[0].UID != all[4] {
		e.Errorf("changed are %v, want %d", uids(got), all[4])
	}
	for i, uid := range all {
		gone := i == 2 || i == 3
		if i != 0 && vanished.Contains(uid) != gone { // the first may be told once more
			e.Errorf("message %d of 6: expunged is %v, but told is %v", i+1, gone, vanished.Contains(uid))
		}
	}
	rest := uids(e.list(r, mail.ListOptions{}))
	if len(rest) != 3 {
		e.Errorf("%d messages are left, want 3", len(rest))
	}
}

func checkUIDsLast(e *env) {
	if !e.traits.DurableUIDs {
		e.Skip("UIDs hold for a session only")
	}
	e.filled(3)
	other := e.create(e.store.Name(e.folder.Join(mail.NewPath("other"))))
	r := e.reader(e.folder)
	validity, first := r.Status().UIDValidity, uids(e.list(r, mail.ListOptions{}))
	if validity == 0 {
		e.Errorf("UIDVALIDITY is 0 and Traits say DurableUIDs")
	}
	e.close(r)
	w := e.writer(other)
	e.fill(w, 1, 2)
	e.close(w)
	w = e.writer(e.folder)
	e.fill(w, 4, 4)
	if got := w.Status().UIDValidity; got != validity {
		e.Errorf("UIDVALIDITY went from %d to %d", validity, got)
	}
	if got := uids(e.list(w, mail.ListOptions{})); len(got) != 4 || !slices.Equal(got[:3], first) {
		e.Errorf("UIDs went from %v to %v", first, got)
	}
}
