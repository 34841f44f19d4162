package ledger_test

import (
	"errors"
	"fmt"
	"reflect"
	"testing"

	"mailferry/transfer"
	"mailferry/transfer/ledger"
	"mailferry/transfer/mail"
)

func path(text string) mail.Path { return mail.ParsePath(text) }

func record(src, dst mail.UID, flags ...string) transfer.Record {
	return transfer.Record{Source: src, Dest: dst, Appended: true, Base: mail.NewFlags(flags...)}
}

func intent(pair int64, validity uint32, next mail.UID, uids ...mail.UID) *transfer.Intent {
	return &transfer.Intent{Pair: pair, DestValidity: validity, DestNext: next, Source: mail.NewUIDSet(uids...)}
}

func uids(t testing.TB, l transfer.Ledger, pair int64) string {
	t.Helper()
	var set mail.UIDSet
	records, err := l.Records(t.Context(), pair, 0, 1000)
	must(t, err)
	for _, r := range records {
		set.Add(r.Source)
	}
	return set.String()
}

func claimed(t testing.TB, l transfer.Ledger, dest string, from mail.UID) string {
	t.Helper()
	set, err := l.Claimed(t.Context(), path(dest), from)
	must(t, err)
	return set.String()
}

func TestNewLedgerIsEmpty(t *testing.T) {
	onBoth(t, func(t *testing.T, l *subject) {
		if got := everything(t, l); len(got.Pairs) != 0 {
			t.Errorf("pairs: %+v", got.Pairs)
		}
		if got := uids(t, l, 1); got != "" {
			t.Errorf("records of no pair: %s", got)
		}
		if got := claimed(t, l, "INBOX", 0); got != "" {
			t.Errorf("claimed: %s", got)
		}
	})
}

func TestPairComesBackAsItWas(t *testing.T) {
	onBoth(t, func(t *testing.T, l *subject) {
		want := transfer.Pair{
			Source: mail.NewPath("Caf\xe9", "a/b", "\xff\xfe"), Dest: mail.NewPath("Café", "a_b"),
			SourceState: mail.Status{UIDValidity: 4294967295, UIDNext: 4294967295, Messages: 7,
				HighestModSeq: 1<<63 + 5, Unseen: -1, Bytes: 1 << 40},
			DestState: mail.Status{UIDValidity: 1, Unseen: 3, Bytes: -1,
				Permanent: mail.NewFlags(mail.Seen, "$Forwarded"), AnyKeyword: true},
			Adopted: true, Complete: true, Subscribed: true, Filter: "0 0 5 m\x00\xff",
		}
		saved := want
		commit(t, l, transfer.Change{Pair: &saved})
		want.ID = saved.ID
		again := l.reopen(t)
		got := everything(t, again).Pairs
		if len(got) != 1 || !reflect.DeepEqual(got[0], want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	})
}

func TestPairIsFoundByItsFolders(t *testing.T) {
	onBoth(t, func(t *testing.T, l *subject) {
		first := addPair(t, l, "INBOX", "Old/Inbox")
		addRecords(t, l, first.ID, record(1, 11))
		same := transfer.Pair{Source: first.Source, Dest: first.Dest, Adopted: true}
		commit(t, l, transfer.Change{Pair: &same})
		if same.ID != first.ID {
			t.Errorf("id %d, want %d", same.ID, first.ID)
		}
		got := everything(t, l)
		if len(got.Pairs) != 1 || !got.Pairs[0].Adopted || len(got.Records[first.ID]) != 1 {
			t.Errorf("%+v", got)
		}
	})
}

func TestPairMovesWithItsID(t *testing.T) {
	onBoth(t, func(t *testing.T, l *subject) {
		p := addPair(t, l, "A", "Old")
		addRecords(t, l, p.ID, record(1, 11))
		moved, void := p, p
		moved.Dest = path("New")
		commit(t, l, transfer.Change{Void: &void, Pair: &moved, Records: map[int64][]transfer.Record{p.ID: {record(2, 5)}}})
		if got := claimed(t, l, "Old", 0); got != "" {
			t.Errorf("claimed at the old place: %s", got)
		}
		if got := claimed(t, l, "New", 0); got != "5" {
			t.Errorf("claimed at the new place: %s", got)
		}
		if got := everything(t, l).Pairs; len(got) != 1 || got[0].ID != p.ID {
			t.Errorf("%+v", got)
		}
	})
}

func TestRecordsComeInPages(t *testing.T) {
	onBoth(t, func(t *testing.T, l *subject) {
		p, other := addPair(t, l, "A", "A"), addPair(t, l, "B", "B")
		addRecords(t, l, p.ID, record(4294967295, 1), record(3, 30), record(1, 10), record(2, 20, mail.Seen, "$Label"))
		addRecords(t, l, other.ID, record(7, 70))
		for _, c := range []struct {
			after mail.UID
			limit int
			want  string
		}{
			{0, 2, "[1 2]"}, {2, 2, "[3 4294967295]"}, {3, 5, "[4294967295]"}, {4294967295, 5, "[]"}, {0, 0, "[]"}, {0, -1, "[]"}, {500, 1, "[4294967295]"},
		} {
			page, err := l.Records(t.Context(), p.ID, c.after, c.limit)
			must(t, err)
			got := []mail.UID{}
			for _, r := range page {
				got = append(got, r.Source)
			}
			if fmt.Sprint(got) != c.want {
				t.Errorf("after %d, %d at most: %v, want %s", c.after, c.limit, got, c.want)
			}
		}
	})
}

func TestRecordIsReplacedAndKeepsItsFields(t *testing.T) {
	onBoth(t, func(t *testing.T, l *subject) {
		p := addPair(t, l, "A", "A")
		addRecords(t, l, p.ID, record(1, 10, mail.Seen), transfer.Record{Source: 2})
		addRecords(t, l, p.ID, transfer.Record{Source: 1, Dest: 12, Base: mail.NewFlags("caf\xe9", mail.Flagged)})
		got := everything(t, l.reopen(t)).Records[p.ID]
		want := []transfer.Record{
			{Source: 1, Dest: 12, Base: mail.NewFlags(mail.Flagged, "caf\xe9")},
			{Source: 2},
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if got := claimed(t, l, "A", 0); got != "12" {
			t.Errorf("claimed %s: the old place is free, and 0 is none", got)
		}
	})
}

func TestClaimedIsOfAllPairsIntoAFolder(t *testing.T) {
	onBoth(t, func(t *testing.T, l *subject) {
		a, b, c := addPair(t, l, "A", "All"), addPair(t, l, "B", "All"), addPair(t, l, "C", "Other")
		addRecords(t, l, a.ID, record(1, 5), record(2, 1), record(3, 0))
		addRecords(t, l, b.ID, record(1, 2), record(2, 5), record(3, 4294967295))
		addRecords(t, l, c.ID, record(1, 3))
		for from, want := range map[mail.UID]string{0: "1:2,5,4294967295", 1: "1:2,5,4294967295", 2: "2,5,4294967295", 3: "5,4294967295", 6: "4294967295"} {
			if got := claimed(t, l, "All", from); got != want {
				t.Errorf("from %d: %s, want %s", from, got, want)
			}
		}
		if got := claimed(t, l, "Other", 0); got != "3" {
			t.Errorf("other folder: %s", got)
		}
	})
}

func TestForgetDropsOnlyWhatItNames(t *testing.T) {
	onBoth(t, func(t *testing.T, l *subject) {
		a, b := addPair(t, l, "A", "A"), addPair(t, l, "B", "B")
		for _, p := range []transfer.Pair{a, b} {
			addRecords(t, l, p.ID, record(1, 1), record(2, 2), record(3, 3), record(9, 9))
		}
		commit(t, l, transfer.Change{Forget: map[int64]mail.UIDSet{a.ID: mail.NewUIDSet(2, 3, 4), 99: mail.NewUIDSet(1)}})
		if got := uids(t, l, a.ID); got != "1,9" {
			t.Errorf("left: %s", got)
		}
		if got := uids(t, l, b.ID); got != "1:3,9" {
			t.Errorf("left of the other pair: %s", got)
		}
		if got := claimed(t, l, "A", 0); got != "1,9" {
			t.Errorf("claimed: %s", got)
		}
	})
}

func TestIntentsAreOpenUntilSettled(t *testing.T) {
	onBoth(t, func(t *testing.T, l *subject) {
		a, b := addPair(t, l, "A", "All"), addPair(t, l, "B", "All")
		first, second, third := intent(b.ID, 7, 100, 1, 2, 3, 9), intent(a.ID, 7, 0, 5), intent(a.ID, 4294967295, 4294967295, 6)
		commit(t, l, transfer.Change{Intents: []*transfer.Intent{first, second}})
		commit(t, l, transfer.Change{Intents: []*transfer.Intent{third}})
		again := l.reopen(t)
		got, err := again.Intents(t.Context(), path("All"))
		must(t, err)
		if want := []transfer.Intent{*first, *second, *third}; !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
		commit(t, again, transfer.Change{Settle: []int64{second.ID, 12345}, Records: map[int64][]transfer.Record{a.ID: {record(5, 100)}}})
		got, err = again.Intents(t.Context(), path("All"))
		must(t, err)
		if len(got) != 2 || got[0].ID != first.ID || got[1].ID != third.ID {
			t.Errorf("after settling one: %+v", got)
		}
		fourth := intent(a.ID, 7, 1, 8)
		commit(t, again, transfer.Change{Settle: []int64{first.ID, third.ID}, Intents: []*transfer.Intent{fourth}})
		if fourth.ID <= third.ID {
			t.Errorf("id %d was given before", fourth.ID)
		}
	})
}

func TestVoidLeavesThePairAndTheOthers(t *testing.T) {
	onBoth(t, func(t *testing.T, l *subject) {
		a, b := addPair(t, l, "A", "All"), addPair(t, l, "B", "All")
		addRecords(t, l, a.ID, record(1, 1))
		addRecords(t, l, b.ID, record(1, 2))
		commit(t, l, transfer.Change{Intents: []*transfer.Intent{intent(a.ID, 1, 1, 3), intent(b.ID, 1, 1, 4)}})
		unnumbered := a
		unnumbered.ID = 0
		fresh := a
		fresh.DestState.UIDValidity = 2
		commit(t, l, transfer.Change{Void: &unnumbered, Pair: &fresh, Records: map[int64][]transfer.Record{a.ID: {record(8, 80)}}})
		got := everything(t, l)
		if got := uids(t, l, a.ID); got != "8" {
			t.Errorf("records of A: %s", got)
		}
		if got.Claimed["All"] != "2,80" || len(got.Intents["All"]) != 1 || got.Intents["All"][0].Pair != b.ID {
			t.Errorf("left: %+v", got)
		}
		commit(t, l, transfer.Change{Void: &transfer.Pair{Source: path("None"), Dest: path("None")}})
		commit(t, l, transfer.Change{Void: &transfer.Pair{ID: 77}})
		if after := everything(t, l); !reflect.DeepEqual(after, got) {
			t.Errorf("voiding what is not there changed something: %+v", after)
		}
	})
}

// A change that cannot be carried out whole is not carried out at all, and
// hands out no numbers.
func TestCommitIsAllOrNothing(t *testing.T) {
	good := func(pair int64) transfer.Change {
		return transfer.Change{
			Pair:    &transfer.Pair{Source: path("New"), Dest: path("New")},
			Forget:  map[int64]mail.UIDSet{pair: mail.NewUIDSet(1)},
			Records: map[int64][]transfer.Record{pair: {record(50, 50, "once")}},
			Intents: []*transfer.Intent{intent(pair, 1, 1, 60)},
		}
	}
	for name, spoil := range map[string]func(c *transfer.Change){
		"records of no pair":     func(c *transfer.Change) { c.Records[4711] = []transfer.Record{record(1, 1)} },
		"a record of no message": func(c *transfer.Change) { c.Records[1] = append(c.Records[1], record(0, 1)) },
		"an intent of no pair":   func(c *transfer.Change) { c.Intents = append(c.Intents, intent(4711, 1, 1, 1)) },
		"an intent of no message": func(c *transfer.Change) {
			c.Intents = append(c.Intents, intent(1, 1, 1))
		},
		"a pair without source":    func(c *transfer.Change) { c.Pair.Source = mail.Path{} },
		"a pair without dest":      func(c *transfer.Change) { c.Pair.Dest = mail.Path{} },
		"a pair that is not":       func(c *transfer.Change) { c.Pair.ID = 4711 },
		"a second destination":     func(c *transfer.Change) { c.Pair.Source = path("A") },
		"another pair's source":    func(c *transfer.Change) { c.Pair.ID, c.Pair.Source = 1, path("B") },
		"records of the zero id":   func(c *transfer.Change) { c.Records[0] = []transfer.Record{record(1, 1)} },
		"an intent of the zero id": func(c *transfer.Change) { c.Intents = append(c.Intents, intent(0, 1, 1, 1)) },
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, l *subject) {
				a := addPair(t, l, "A", "Dest A")
				addPair(t, l, "B", "Dest B")
				addRecords(t, l, a.ID, record(1, 1), record(2, 2))
				before := everything(t, l)
				c := good(a.ID)
				void := a
				c.Void = &void
				spoil(&c)
				id := c.Pair.ID
				err := l.Commit(t.Context(), c)
				var known *mail.Error
				if !errors.As(err, &known) || known.Scope != mail.ScopeStore {
					t.Fatalf("error: %v", err)
				}
				if c.Pair.ID != id || c.Intents[0].ID != 0 {
					t.Error("numbers were given out")
				}
				if after := everything(t, l); !reflect.DeepEqual(after, before) {
					t.Errorf("changed:\n%+v\n%+v", after, before)
				}
				// The flags of the failed change must not be taken for recorded.
				commit(t, l, good(a.ID))
				if got := everything(t, l.reopen(t)).Records[a.ID]; len(got) != 2 || !got[1].Base.Has("once") {
					t.Errorf("after the good change: %+v", got)
				}
			})
		})
	}
}

func TestCallersMemoryIsTheirOwn(t *testing.T) {
	onBoth(t, func(t *testing.T, l *subject) {
		p := addPair(t, l, "A", "A")
		i := intent(p.ID, 1, 1, 5)
		records := []transfer.Record{record(1, 1)}
		commit(t, l, transfer.Change{Intents: []*transfer.Intent{i}, Records: map[int64][]transfer.Record{p.ID: records}})
		i.Source.Add(6)
		records[0].Dest = 99
		before := everything(t, l)
		if got := before.Intents["A"][0].Source.String(); got != "5" {
			t.Errorf("intent: %s", got)
		}
		before.Intents["A"][0].Source.AddRange(1, 100)
		if got := everything(t, l); got.Intents["A"][0].Source.String() != "5" || got.Claimed["A"] != "1" {
			t.Errorf("%+v", got)
		}
	})
}

func TestMemoryFailsOnDemand(t *testing.T) {
	lost := errors.New("lost")
	m := ledger.NewMemory()
	p := transfer.Pair{Source: path("A"), Dest: path("A")}
	m.Fail = func(op string) error { return fmt.Errorf("%s: %w", op, lost) }
	if err := m.Commit(t.Context(), transfer.Change{Pair: &p}); !errors.Is(err, lost) || err.Error() != "commit: lost" {
		t.Fatalf("%v", err)
	}
	m.Fail = nil
	if got := everything(t, m); len(got.Pairs) != 0 || p.ID != 0 {
		t.Errorf("it took effect: %+v", got)
	}
	m.AfterFail = func(string) error { return lost }
	if err := m.Commit(t.Context(), transfer.Change{Pair: &p}); !errors.Is(err, lost) || p.ID != 0 {
		t.Fatalf("%v, id %d", err, p.ID)
	}
	if got := everything(t, m); len(got.Pairs) != 1 {
		t.Errorf("it took no effect: %+v", got)
	}
}

// Many pairs in one change are recorded like one after the other, or not at all.
func TestManyPairsInOneChange(t *testing.T) {
	onBoth(t, func(t *testing.T, l *subject) {
		old := addPair(t, l, "Old", "Old")
		moved := old
		moved.Complete = true
		a := transfer.Pair{Source: path("A"), Dest: path("A")}
		b := transfer.Pair{Source: path("B"), Dest: path("B")}
		commit(t, l, transfer.Change{Pair: &a, Pairs: []*transfer.Pair{&moved, &b}})
		if a.ID == 0 || b.ID == 0 || a.ID == b.ID || moved.ID != old.ID {
			t.Fatalf("ids %d, %d, %d", a.ID, moved.ID, b.ID)
		}
		before := everything(t, l)
		if want := []transfer.Pair{moved, a, b}; !reflect.DeepEqual(before.Pairs, want) {
			t.Errorf("recorded %+v, want %+v", before.Pairs, want)
		}
		c := transfer.Pair{Source: path("C"), Dest: path("C")}
		taken := transfer.Pair{Source: path("A"), Dest: path("elsewhere")}
		if err := l.Commit(t.Context(), transfer.Change{Pairs: []*transfer.Pair{&c, &taken}}); err == nil || c.ID != 0 {
			t.Errorf("a folder got two destinations: %v, %d", err, c.ID)
		}
		if after := everything(t, l); !reflect.DeepEqual(after, before) {
			t.Errorf("a refused change left %+v", after)
		}
	})
}
