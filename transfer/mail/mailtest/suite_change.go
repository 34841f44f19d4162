package mailtest

import (
	"slices"

	"mailferry/transfer/mail"
)

func changeChecks() []check {
	return []check{
		{"set flags", checkSetFlags},
		{"set many flags", checkSetManyFlags},
		{"auto expunge", checkAutoExpunge},
		{"expunge", checkExpunge},
		{"refresh", checkRefresh},
	}
}

func checkSetFlags(e *env) {
	e.create(e.folder)
	w := e.writer(e.folder)
	all := e.permitted(w.Status())
	add := all.Minus(mail.NewFlags(mail.Seen, mail.Flagged))
	a := e.appending(w)
	a.letter(1, mail.NewFlags(mail.Seen))
	a.letter(2, mail.NewFlags(mail.Seen, mail.Flagged))
	a.letter(3, nil)
	a.flush()
	uid := uids(e.list(w, mail.ListOptions{}))
	change := []mail.FlagChange{
		{UID: uid[0], Add: add},
		{UID: uid[1], Add: mail.NewFlags(mail.Answered), Remove: mail.NewFlags(mail.Seen, mail.Draft)},
		{UID: uid[2] + 50, Add: mail.NewFlags(mail.Seen)},
	}
	for _, time := range []string{"once", "twice"} {
		e.ok("SetFlags "+time, w.SetFlags(e.ctx, change))
		got := e.read(w)
		e.expectLetters(got, 1, 2, 3)
		e.expectFlags(got[0], add.Union(mail.NewFlags(mail.Seen)))
		e.expectFlags(got[1], mail.NewFlags(mail.Answered, mail.Flagged))
		e.expectFlags(got[2], nil)
	}
	e.ok("SetFlags of nothing", w.SetFlags(e.ctx, nil))
	e.ok("SetFlags back", w.SetFlags(e.ctx, []mail.FlagChange{{UID: uid[0], Remove: add}}))
	e.close(w)
	got := e.content(e.folder)
	e.expectFlags(got[0], mail.NewFlags(mail.Seen))
	e.expectFlags(got[1], mail.NewFlags(mail.Answered, mail.Flagged))
}

func checkSetManyFlags(e *env) {
	const many = 300
	e.filled(many)
	w := e.writer(e.folder)
	var changes []mail.FlagChange
	for i, uid := range uids(e.list(w, mail.ListOptions{})) {
		c := mail.FlagChange{UID: uid}
		if i%2 == 0 {
			c.Add = mail.NewFlags(mail.Seen)
		}
		if i%3 == 0 {
			c.Add = c.Add.Union(mail.NewFlags(mail.Flagged))
		}
		changes = append(changes, c)
	}
	slices.Reverse(changes)
	e.ok("SetFlags", w.SetFlags(e.ctx, changes))
	slices.Reverse(changes)
	for i, info := range e.list(w, mail.ListOptions{Flags: true}) {
		if !info.Flags.Equal(changes[i].Add) {
			e.Fatalf("message %d of %d has the flags %v, want %v", i+1, many, info.Flags, changes[i].Add)
		}
	}
}

func checkAutoExpunge(e *env) {
	e.filled(2)
	w := e.writer(e.folder)
	if !w.Status().Permits(mail.Deleted) {
		e.Skip(`\Deleted cannot be stored`)
	}
	uid := uids(e.list(w, mail.ListOptions{}))
	e.ok("SetFlags", w.SetFlags(e.ctx, []mail.FlagChange{{UID: uid[0], Add: mail.NewFlags(mail.Deleted)}}))
	e.close(w)
	if e.traits.AutoExpunge {
		e.expectLetters(e.content(e.folder), 2)
	} else {
		e.expectLetters(e.content(e.folder), 1, 2)
	}
}

func checkExpunge(e *env) {
	e.filled(5)
	w := e.writer(e.folder)
	x, ok := w.(mail.Expunger)
	if ok != e.traits.UIDPlus {
		e.Fatalf("Traits.UIDPlus is %t, the Writer is an Expunger: %t", e.traits.UIDPlus, ok)
	}
	if !ok {
		e.Skip("no Expunger")
	}
	uid := uids(e.list(w, mail.ListOptions{}))
	want := []int{1, 3, 5}
	if !e.traits.AutoExpunge && w.Status().Permits(mail.Deleted) {
		// A plain EXPUNGE would take this one along.
		e.ok("SetFlags", w.SetFlags(e.ctx, []mail.FlagChange{{UID: uid[0], Add: mail.NewFlags(mail.Deleted)}}))
	}
	e.ok("Expunge of none", x.Expunge(e.ctx, mail.UIDSet{}))
	e.ok("Expunge of a missing one", x.Expunge(e.ctx, mail.NewUIDSet(uid[4]+9)))
	e.expectLetters(e.read(w), 1, 2, 3, 4, 5)
	gone := mail.NewUIDSet(uid[1], uid[3], uid[4]+9)
	e.ok("Expunge", x.Expunge(e.ctx, gone))
	e.ok("Expunge again", x.Expunge(e.ctx, gone))
	e.expectLetters(e.read(w), want...)
	e.fill(w, 6, 6)
	e.close(w)
	got := e.content(e.folder)
	e.expectLetters(got, 1, 3, 5, 6)
	if got[3].UID <= uid[4] && e.traits.DurableUIDs {
		e.Errorf("UID %d was given out again after an expunge (last was %d)", got[3].UID, uid[4])
	}
}

func checkRefresh(e *env) {
	e.create(e.folder)
	w := e.writer(e.folder)
	opened := w.Status()
	before, err := w.Refresh(e.ctx)
	e.ok("Refresh", err)
	e.fill(w, 1, 3)
	after, err := w.Refresh(e.ctx)
	e.ok("Refresh", err)
	if before.Messages != 0 || after.Messages != 3 {
		e.Errorf("Messages went from %d to %d, want 0 and 3", before.Messages, after.Messages)
	}
	all := uids(e.list(w, mail.ListOptions{}))
	if after.UIDNext != 0 && after.UIDNext <= all[2] {
		e.Errorf("UIDNext is %d after UID %d", after.UIDNext, all[2])
	}
	if before.UIDNext > all[0] {
		e.Errorf("UIDNext was %d before UID %d came", before.UIDNext, all[0])
	}
	if before.UIDValidity != opened.UIDValidity || after.UIDValidity != opened.UIDValidity {
		e.Errorf("UIDValidity went from %d over %d to %d", opened.UIDValidity, before.UIDValidity, after.UIDValidity)
	}
	again, err := w.Refresh(e.ctx)
	e.ok("Refresh", err)
	if again.UIDNext != after.UIDNext || again.Messages != after.Messages {
		e.Errorf("Refresh of an unchanged folder: %+v, before %+v", again, after)
	}
}
