package mailtest

import (
	"bytes"
	"errors"
	"testing"

	"mailferry/transfer/mail"
)

// variants are the weaknesses a Memory can play, one by one and together.
func variants() map[string]Options {
	return map[string]Options{
		"perfect":        {},
		"no uidplus":     {NoUIDPlus: true},
		"no uidvalidity": {NoUIDValidity: true},
		"shifting uids":  {NoUIDValidity: true, ShiftUIDs: true},
		"no modseqs":     {NoModSeqs: true},
		"no status":      {NoListStatus: true, NoUIDNext: true, NoTotals: true},
		"auto expunge":   {AutoExpunge: true},
		"flat parents":   {FlatParents: true},
		"scrambled":      {Scramble: true, Contents: true},
		"few flags":      {Permanent: mail.NewFlags(mail.Seen, mail.Answered, mail.Flagged), NoKeywords: true},
		"small":          {MaxSize: 2 << 20},
		"connections":    {Connections: 3},
		"separator":      {Separator: "."},
		"window":         {Window: 16},
		"eager window":   {Window: 16, Eager: true},
		"rewriting": {Rewrite: func(raw []byte) []byte {
			return append([]byte("X-Received: here\r\n"), bytes.ToUpper(raw)...)
		}},
		"all at once": {NoUIDPlus: true, NoUIDValidity: true, ShiftUIDs: true, NoModSeqs: true, NoListStatus: true,
			NoUIDNext: true, NoTotals: true, AutoExpunge: true, FlatParents: true, Scramble: true, Window: 7,
			Separator: "/", Rewrite: bytes.ToLower},
	}
}

func TestMemoryPassesTheSuite(t *testing.T) {
	for name, opts := range variants() {
		t.Run(name, func(t *testing.T) {
			Run(t, func(t *testing.T) mail.Store {
				opts.Reporter = t
				return New(opts)
			})
		})
	}
}

func TestAFaultyStoreWithoutFaultsPassesTheSuite(t *testing.T) {
	for _, name := range []string{"perfect", "window", "all at once"} {
		t.Run(name, func(t *testing.T) {
			Run(t, func(t *testing.T) mail.Store {
				opts := variants()[name]
				opts.Reporter = t
				return Faulty(New(opts), NewPlan(t))
			})
		})
	}
}

// answers collects what done says.
type answers []error

func (a *answers) done(_ mail.UID, err error) { *a = append(*a, err) }

func text(s string) *mail.Message { return &mail.Message{Body: mail.BytesBody(s)} }

func TestAWindowAnswersLate(t *testing.T) {
	m := New(Options{Reporter: t, Window: 3})
	w, _ := m.OpenWriter(t.Context(), inbox)
	defer w.Close()
	var got answers
	for i, want := range []int{0, 0, 3, 3} {
		if err := w.Append(t.Context(), text("x"), got.done); err != nil {
			t.Fatal(err)
		}
		if len(got) != want || len(m.Messages(inbox)) != want {
			t.Errorf("after append %d: %d answers and %d messages, want %d", i+1, len(got), len(m.Messages(inbox)), want)
		}
	}
	w.Flush(t.Context())
	if len(got) != 4 || len(m.Messages(inbox)) != 4 {
		t.Errorf("after Flush: %d answers, %d messages", len(got), len(m.Messages(inbox)))
	}
}

func TestQueuedMessagesOfADeadHandle(t *testing.T) {
	for _, c := range []struct {
		name   string
		opts   Options
		states []int // messages at the close, then after each Refresh of the next Writer
	}{
		{"never arrive", Options{Window: 9}, []int{0, 0, 0}},
		{"were there all the time", Options{Window: 9, Eager: true}, []int{3, 3, 3}},
		{"arrive one by one", Options{Window: 9, Late: true}, []int{0, 1, 2, 3, 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.opts.Reporter = t
			m := New(c.opts)
			w, _ := m.OpenWriter(t.Context(), inbox)
			var got answers
			for range 3 {
				w.Append(t.Context(), text("x"), got.done)
			}
			w.Close()
			if len(got) != 3 {
				t.Fatalf("%d answers, want 3", len(got))
			}
			for _, err := range got {
				if err == nil || !mail.ErrorOf(err).Uncertain {
					t.Errorf("answer %v, want an uncertain error", err)
				}
			}
			w, _ = m.OpenWriter(t.Context(), inbox)
			defer w.Close()
			for i, want := range c.states {
				if i > 0 {
					st, _ := w.Refresh(t.Context())
					if int(st.UIDNext) != want+1 {
						t.Errorf("Refresh %d: UIDNEXT %d, want %d", i, st.UIDNext, want+1)
					}
				}
				if n := len(m.Messages(inbox)); n != want {
					t.Errorf("after %d Refreshes %d messages, want %d", i, n, want)
				}
			}
		})
	}
}

func TestRefuse(t *testing.T) {
	lost := &mail.Error{Op: "append", Scope: mail.ScopeStore, Retry: mail.RetrySoon}
	for _, c := range []struct {
		name      string
		stored    bool
		err       error
		appendErr bool
		messages  int // of the refused one and one more
	}{
		{"a plain error is the message's", false, errors.New("no"), false, 1},
		{"stored all the same", true, &mail.Error{Scope: mail.ScopeMessage, Uncertain: true}, false, 2},
		{"a wide error ends the handle", false, lost, true, 0},
		{"a wide error after the effect", true, lost, true, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := New(Options{Reporter: t, Refuse: func(_ mail.Path, raw []byte) (bool, error) {
				if string(raw) == "refuse me" {
					return c.stored, c.err
				}
				return false, nil
			}})
			w, _ := m.OpenWriter(t.Context(), inbox)
			var got answers
			err := w.Append(t.Context(), text("refuse me"), got.done)
			if (err != nil) != c.appendErr {
				t.Fatalf("Append: %v", err)
			}
			if err == nil {
				w.Append(t.Context(), text("take me"), got.done)
			}
			w.Close()
			if got[0] == nil {
				t.Error("the refused message is answered as taken")
			}
			if n := len(m.Messages(inbox)); n != c.messages {
				t.Errorf("%d messages, want %d", n, c.messages)
			}
		})
	}
}

func TestTooManySessionsAreAnErrorAndPass(t *testing.T) {
	m := New(Options{Reporter: t, Sessions: 1})
	first, _ := m.OpenReader(t.Context(), inbox)
	_, err := m.OpenReader(t.Context(), inbox)
	if got := mail.ErrorOf(err); err == nil || got.Kind != mail.KindLimit || got.Retry != mail.RetryLater {
		t.Errorf("second session: %v", err)
	}
	first.Close()
	second, err := m.OpenReader(t.Context(), inbox)
	if err != nil {
		t.Fatal(err)
	}
	second.Close()
}

func TestFlagsThatCannotBeStoredAreRefused(t *testing.T) {
	m := New(Options{Reporter: t, NoKeywords: true})
	w, _ := m.OpenWriter(t.Context(), inbox)
	defer w.Close()
	var got answers
	w.Append(t.Context(), &mail.Message{Flags: mail.NewFlags("Work"), Body: mail.BytesBody("x")}, got.done)
	if got[0] == nil || len(m.Messages(inbox)) != 0 {
		t.Errorf("append with a keyword: %v, %d messages", got[0], len(m.Messages(inbox)))
	}
	uid := m.PutText(inbox, "x")
	if err := w.SetFlags(t.Context(), []mail.FlagChange{{UID: uid, Add: mail.NewFlags("Work")}}); err == nil {
		t.Error("SetFlags took a keyword")
	}
}

func TestAnotherClientAtWork(t *testing.T) {
	m := New(Options{Reporter: t})
	sent := mail.NewPath("Sent")
	m.AddFolder(mail.Folder{Path: sent, Role: mail.RoleSent, Subscribed: true})
	first := m.PutText(sent, "Subject: a\n\na\n", mail.Seen)
	second := m.PutText(sent, "Subject: b\n\nb\n")
	before, _ := m.FolderStatus(sent)
	dump := m.DumpUIDs()

	if !m.SetFlags(sent, second, mail.NewFlags(mail.Flagged)) || !m.Remove(sent, first) {
		t.Fatal("a message that is there was not found")
	}
	if m.Remove(sent, first) || m.SetFlags(sent, first, nil) {
		t.Error("a message that is gone was found")
	}
	after, _ := m.FolderStatus(sent)
	if after.HighestModSeq <= before.HighestModSeq || after.UIDNext != before.UIDNext || after.Messages != 1 {
		t.Errorf("status went from %+v to %+v", before, after)
	}
	if m.DumpUIDs() == dump {
		t.Error("the dump does not show the change")
	}

	old := mail.NewPath("Old")
	if !m.Rename(sent, old) || m.Rename(sent, old) {
		t.Error("Rename")
	}
	if st, ok := m.FolderStatus(old); !ok || st.UIDValidity != before.UIDValidity {
		t.Errorf("renamed: %+v, %t", st, ok)
	}
	m.SetUIDValidity(old, 77, 500)
	if got := m.Messages(old); len(got) != 1 || got[0].UID != 500 {
		t.Errorf("renumbered: %+v", got)
	}
	m.SetUIDNext(old, 900)
	if uid := m.PutText(old, "x"); uid != 900 {
		t.Errorf("UID %d after SetUIDNext 900", uid)
	}
}

func TestAFolderRemovedUnderAHandle(t *testing.T) {
	m := New(Options{Reporter: t})
	path := mail.NewPath("A")
	m.PutText(path, "x")
	r, _ := m.OpenReader(t.Context(), path)
	defer r.Close()
	if !m.RemoveFolder(path) || m.RemoveFolder(path) {
		t.Error("RemoveFolder")
	}
	err := r.List(t.Context(), mail.ListOptions{}, func(mail.Info) error { return nil })
	if err == nil || mail.ErrorOf(err).Kind != mail.KindNotFound {
		t.Errorf("List: %v", err)
	}
}

func TestDumpTellsContentsAndNotPlaces(t *testing.T) {
	one, other := New(Options{Reporter: t}), New(Options{Reporter: t})
	one.PutText(inbox, "a", mail.Seen)
	one.PutText(inbox, "b")
	other.PutText(inbox, "b")
	other.PutText(inbox, "a", mail.Seen)
	if one.Dump() != other.Dump() {
		t.Errorf("same contents, different dumps:\n%s\n%s", one.Dump(), other.Dump())
	}
	if one.DumpUIDs() == other.DumpUIDs() {
		t.Errorf("other UIDs, same dumps:\n%s", one.DumpUIDs())
	}
	for what, change := range map[string]func(){
		"flag":    func() { one.SetFlags(inbox, 2, mail.NewFlags("x")) },
		"folder":  func() { one.AddFolder(mail.Folder{Path: mail.NewPath("New")}) },
		"message": func() { one.PutText(inbox, "a", mail.Seen) },
	} {
		before := one.Dump()
		if change(); one.Dump() == before {
			t.Errorf("a changed %s is not in the dump", what)
		}
	}
	for _, m := range []*Memory{one, other} {
		got, err := DumpSource(t.Context(), m)
		if err != nil || got != m.Dump() {
			t.Errorf("read through the contracts: %v\n%s\nwant\n%s", err, got, m.Dump())
		}
	}
}
