package servertest

import (
	"slices"
	"testing"

	"mailferry/transfer/mail"
)

// What each server does to the corpus, in so many numbers: a message that a
// server alters or loses beyond these is a mistake of the judge or the server.
func TestServersHoldTheCorpus(t *testing.T) {
	odd := mail.NewPath("Odd shapes")
	emoji, quotes := mail.NewPath("Post 📬😀"), mail.NewPath(`Say "hello"`)
	dovecot := func() []*Excuse {
		return []*Excuse{
			Expect("dovecot refuses an empty message", MissingMessage, 1, odd),
			Expect("dovecot makes every line end CRLF", LineEnds, 2, odd),
		}
	}
	cyrus := func() []*Excuse {
		return []*Excuse{
			Expect("cyrus refuses an empty message and a bare LF", MissingMessage, 2, odd),
			Expect("cyrus has no quotes in names", MissingFolder, 1, quotes),
			Expect("cyrus has no quotes in names", Subscription, 1, quotes),
			Expect("cyrus makes parents real", Selectable, 6),
		}
	}
	tests := []struct {
		name    string
		start   func(t *testing.T) *Server
		refused int
		excuses []*Excuse
	}{
		{"dovecot sdbox", func(t *testing.T) *Server { return StartDovecot(t, DovecotOptions{Memory: true}) }, 1, dovecot()},
		{"dovecot maildir in INBOX.", func(t *testing.T) *Server {
			return StartDovecot(t, DovecotOptions{MailLocation: "maildir", Separator: ".", Prefix: "INBOX."})
		}, 1, dovecot()},
		{"dovecot mdbox without LITERAL+", func(t *testing.T) *Server {
			return StartDovecot(t, DovecotOptions{MailLocation: "mdbox", Hide: []string{"LITERAL+"}})
		}, 1, dovecot()},
		{"cyrus", func(t *testing.T) *Server { return StartCyrus(t, CyrusOptions{Memory: true}) }, 3, cyrus()},
		{"cyrus with munge8bit", func(t *testing.T) *Server {
			return StartCyrus(t, CyrusOptions{Munge8bit: true, AltNamespace: true, UnixHierarchySep: true})
		}, 3, append(cyrus(), Expect("cyrus puts X for 8-bit octets", EightBit, 2, odd))},
		{"courier", func(t *testing.T) *Server { return StartCourier(t, CourierOptions{Memory: true}) }, 1, []*Excuse{
			Expect("courier has no emoji in names", MissingFolder, 1, emoji),
			Expect("courier has no emoji in names", Subscription, 1, emoji),
			Expect("courier knows no roles", Roles, 5),
			Expect("courier mends line ends, also the last", LineEnds, 6, odd),
		}},
	}
	corpus := NewCorpus(CorpusOptions{Small: true, Few: true})
	want := corpus.Mailbox()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := test.start(t)
			refused, err := Fill(t.Context(), s.Addr, "anna", s.Password, corpus)
			if err != nil {
				t.Fatal(err)
			}
			if len(refused) != test.refused {
				t.Errorf("%d refused and not %d: %v", len(refused), test.refused, refused)
			}
			got := snapshot(t, s, "anna")
			if d := Diff(want, got, test.excuses...); d != nil {
				t.Errorf("the account differs from the corpus:\n%s", Report(d, 20))
			}
			if paths := OutOfOrder(want, got); paths != nil {
				t.Errorf("another order in %v", paths)
			}
			if d := Diff(got, snapshot(t, s, "anna")); d != nil {
				t.Errorf("reading changed the account:\n%s", Report(d, 20))
			}
		})
	}
}

func snapshot(t *testing.T, s *Server, user string) *Mailbox {
	t.Helper()
	m, err := Snapshot(t.Context(), s.Addr, user, s.Password)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// every runs a test on one server of each make.
func every(t *testing.T, test func(t *testing.T, s *Server)) {
	t.Run("dovecot", func(t *testing.T) { test(t, StartDovecot(t, DovecotOptions{Memory: true})) })
	t.Run("cyrus", func(t *testing.T) { test(t, StartCyrus(t, CyrusOptions{Memory: true})) })
	t.Run("courier", func(t *testing.T) { test(t, StartCourier(t, CourierOptions{Memory: true})) })
}

func TestServersKeepStrangersOut(t *testing.T) {
	every(t, func(t *testing.T, s *Server) {
		if _, err := Snapshot(t.Context(), s.Addr, "anna", "wrong"); err == nil {
			t.Error("a wrong password was accepted")
		}
		a, b := snapshot(t, s, "anna"), snapshot(t, s, "bert")
		if a.Messages() != 0 || b.Messages() != 0 {
			t.Errorf("new accounts hold %d and %d messages", a.Messages(), b.Messages())
		}
	})
}

func TestEditorChangesWhatItIsToldTo(t *testing.T) {
	inbox, one, two := mail.NewPath("INBOX"), mail.NewPath("Bücher", "eins"), mail.NewPath("Bücher", "zwei")
	g := &generator{o: CorpusOptions{Small: true}}
	messages := g.letters(5)
	for i := range messages {
		messages[i].Flags = nil
	}
	every(t, func(t *testing.T, s *Server) {
		e, err := Edit(t.Context(), s.Addr, "anna", s.Password)
		if err != nil {
			t.Fatal(err)
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(e.Create(mail.NewPath("Bücher")))
		must(e.Create(one))
		must(e.Append(one, messages...))
		must(e.Append(inbox, messages[0]))
		uids := snapshot(t, s, "anna").Folders[one].UIDs()
		must(e.Store(one, []string{mail.Flagged, "red"}, nil, uids[0], uids[1]))
		must(e.Store(one, nil, []string{mail.Flagged}, uids[1]))
		must(e.Store(one, []string{mail.Deleted}, nil, uids[4]))
		must(e.Expunge(one, uids[2]))
		must(e.Rename(one, two))
		must(e.Create(one))
		must(e.Delete(one))
		must(e.Subscribe(mail.NewPath("Bücher"), false))
		must(e.Close())

		got := snapshot(t, s, "anna")
		if got.Folders[one] != nil || got.Subscribed[one] || got.Subscribed[mail.NewPath("Bücher")] {
			t.Errorf("the folder deleted is still there, or subscriptions: %v", got.Subscribed)
		}
		if n := len(got.Folders[inbox].Messages); n != 1 {
			t.Errorf("INBOX holds %d messages", n)
		}
		var flags []string
		for _, r := range got.Folders[two].Messages {
			flags = append(flags, r.Flags.String())
		}
		if want := []string{`\flagged red`, "red", "", `\deleted`}; !slices.Equal(flags, want) {
			t.Errorf("flags %q and not %q", flags, want)
		}
	})
}
