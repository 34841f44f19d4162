package transfer

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mailferry/transfer/mail"
)

// recordsOf yields a list as the ledger does.
func recordsOf(list []Record) func() (Record, bool, error) {
	return func() (Record, bool, error) {
		if len(list) == 0 {
			return Record{}, false, nil
		}
		r := list[0]
		list = list[1:]
		return r, true, nil
	}
}

func planText(t interface{ Fatal(...any) }, p *planner, listing []mail.Info) string {
	var out []string
	emit := func(s step) error {
		name := map[verdict]string{keep: "keep", copyIt: "copy", leaveOut: "leave", reflag: "reflag", gone: "gone", goneAtBoth: "forget"}[s.verdict]
		uid := max(s.info.UID, s.record.Source)
		text := fmt.Sprintf("%s %d", name, uid)
		if s.verdict == reflag {
			text += fmt.Sprintf(" +(%s) -(%s)", s.add, s.remove)
		}
		if s.reason != "" {
			text += " " + string(s.reason)
		}
		out = append(out, text)
		return nil
	}
	for _, i := range listing {
		if err := p.add(i, emit); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.end(emit); err != nil {
		t.Fatal(err)
	}
	return strings.Join(out, "; ")
}

func TestPlan(t *testing.T) {
	day := func(d int) time.Time { return time.Date(2024, 5, d, 0, 0, 0, 0, time.UTC) }
	msg := func(uid mail.UID, flags ...string) mail.Info {
		return mail.Info{UID: uid, Flags: mail.NewFlags(flags...), Size: int64(uid) * 100, InternalDate: day(int(uid))}
	}
	rec := func(src, dst mail.UID, base ...string) Record {
		return Record{Source: src, Dest: dst, Appended: true, Base: mail.NewFlags(base...)}
	}
	for _, c := range []struct {
		story   string
		listing []mail.Info
		records []Record
		dest    []mail.UID
		planner planner
		want    string
	}{
		{story: "nothing anywhere"},
		{story: "first run", listing: []mail.Info{msg(1), msg(2)}, want: "copy 1; copy 2"},
		{story: "nothing changed", listing: []mail.Info{msg(1), msg(2, mail.Seen)},
			records: []Record{rec(1, 11), rec(2, 12, mail.Seen)}, dest: []mail.UID{11, 12}, want: "keep 1; keep 2"},
		{story: "new between and behind", listing: []mail.Info{msg(1), msg(2), msg(3), msg(5)},
			records: []Record{rec(2, 12)}, dest: []mail.UID{12}, want: "copy 1; keep 2; copy 3; copy 5"},
		{story: "read at the source, unflagged at the source", listing: []mail.Info{msg(1, mail.Seen, "work")},
			records: []Record{rec(1, 11, mail.Flagged, "work")}, dest: []mail.UID{11},
			want: `reflag 1 +(\Seen) -(\Flagged)`},
		{story: "marked deleted later: not without mirror", listing: []mail.Info{msg(1, mail.Deleted)},
			records: []Record{rec(1, 11)}, dest: []mail.UID{11}, want: "keep 1"},
		{story: "marked deleted later, mirror", listing: []mail.Info{msg(1, mail.Deleted)}, planner: planner{merge: flagMerge{mirror: true}},
			records: []Record{rec(1, 11)}, dest: []mail.UID{11}, want: `reflag 1 +(\Deleted) -()`},
		{story: "undeleted", listing: []mail.Info{msg(1)},
			records: []Record{rec(1, 11, mail.Deleted)}, dest: []mail.UID{11}, want: `reflag 1 +() -(\Deleted)`},
		{story: "flags none", listing: []mail.Info{msg(1, mail.Seen)}, planner: planner{merge: flagMerge{mode: FlagsNone}},
			records: []Record{rec(1, 11)}, dest: []mail.UID{11}, want: "keep 1"},
		{story: "expunged at the source", listing: []mail.Info{msg(2)},
			records: []Record{rec(1, 11), rec(2, 12), rec(3, 13)}, dest: []mail.UID{11, 12, 13}, want: "gone 1; keep 2; gone 3"},
		{story: "gone at both ends", records: []Record{rec(1, 11)}, want: "forget 1"},
		{story: "everything vanished from the source", records: []Record{rec(1, 11)}, dest: []mail.UID{11}, want: "gone 1"},
		{story: "deleted by the destination's user", listing: []mail.Info{msg(1), msg(2)},
			records: []Record{rec(1, 11), rec(2, 12)}, dest: []mail.UID{12}, want: "leave 1 deleted at the destination; keep 2"},
		{story: "the same, --full", listing: []mail.Info{msg(1)}, planner: planner{again: true},
			records: []Record{rec(1, 11)}, want: "copy 1"},
		{story: "there, at an unknown place: no flags, never deleted", listing: []mail.Info{msg(1, mail.Seen)},
			records: []Record{rec(1, 0)}, want: "keep 1"},
		{story: "filters", listing: []mail.Info{msg(1), msg(4), msg(6), msg(9)},
			planner: planner{filter: Filter{Since: day(2), Before: day(9), MaxSize: 500}},
			want:    "leave 1 older than --since; copy 4; leave 6 larger than --max-size; leave 9 larger than --max-size"},
		{story: "filters do not touch what is there", listing: []mail.Info{msg(9)}, records: []Record{rec(9, 11)}, dest: []mail.UID{11},
			planner: planner{filter: Filter{MaxSize: 1}}, want: "keep 9"},
	} {
		t.Run(c.story, func(t *testing.T) {
			p := c.planner
			p.next, p.dest = recordsOf(c.records), mail.NewUIDSet(c.dest...)
			if got := planText(t, &p, c.listing); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

// Whatever the listing and the records, every listed message gets exactly one
// step, and every record too.
func TestPlanAccountsForEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		uids := rapid.SliceOfDistinct(rapid.Uint32Range(1, 60), func(u uint32) uint32 { return u })
		listed, recorded := uids.Draw(t, "listed"), uids.Draw(t, "recorded")
		slices.Sort(listed)
		slices.Sort(recorded)
		var listing []mail.Info
		for _, u := range listed {
			listing = append(listing, mail.Info{UID: mail.UID(u)})
		}
		var records []Record
		var dest mail.UIDSet
		for _, u := range recorded {
			records = append(records, Record{Source: mail.UID(u), Dest: mail.UID(u + 100)})
			if rapid.Bool().Draw(t, "there") {
				dest.Add(mail.UID(u + 100))
			}
		}
		p := &planner{next: recordsOf(records), dest: dest}
		seen := make(map[mail.UID]int)
		emit := func(s step) error { seen[max(s.info.UID, s.record.Source)]++; return nil }
		for _, i := range listing {
			if err := p.add(i, emit); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.end(emit); err != nil {
			t.Fatal(err)
		}
		all := mail.UIDSet{}
		for _, u := range append(listed, recorded...) {
			all.Add(mail.UID(u))
		}
		if len(seen) != all.Len() {
			t.Fatalf("%d messages, %d accounted for", all.Len(), len(seen))
		}
		for uid, n := range seen {
			if n != 1 {
				t.Fatalf("uid %d has %d steps", uid, n)
			}
		}
	})
}

// BenchmarkPlan goes through a folder of 100,000 messages of which one in a hundred is new and one has other flags.
func BenchmarkPlan(b *testing.B) {
	const messages = 100_000
	seen, flagged := mail.NewFlags(mail.Seen), mail.NewFlags(mail.Seen, mail.Flagged)
	var listing []mail.Info
	var records []Record
	var dest mail.UIDSet
	for uid := mail.UID(1); uid <= messages; uid++ {
		info := mail.Info{UID: uid, Flags: seen, Size: 1000}
		switch uid % 100 {
		case 1:
			listing = append(listing, info)
			continue
		case 2:
			info.Flags = flagged
		}
		listing = append(listing, info)
		records = append(records, Record{Source: uid, Dest: uid + 7, Appended: true, Base: seen})
		dest.Add(uid + 7)
	}
	b.ReportAllocs()
	for b.Loop() {
		p := &planner{dest: dest, merge: flagMerge{mode: FlagsMerge, dest: mail.Status{AnyKeyword: true, Permanent: flagged}}, next: recordsOf(records)}
		copied, reflagged := 0, 0
		emit := func(s step) error {
			switch s.verdict {
			case copyIt:
				copied++
			case reflag:
				reflagged++
			}
			return nil
		}
		for _, i := range listing {
			if err := p.add(i, emit); err != nil {
				b.Fatal(err)
			}
		}
		if err := p.end(emit); err != nil || copied != messages/100 || reflagged != messages/100 {
			b.Fatal(copied, reflagged, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/messages, "ns/message")
}
