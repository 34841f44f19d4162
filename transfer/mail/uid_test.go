package mail_test

import (
	"maps"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"mailferry/transfer/mail"
)

const maxUID = mail.UID(math.MaxUint32)

// anyUID draws from both ends of the numbers, close enough for ranges to meet.
func anyUID() *rapid.Generator[mail.UID] {
	return rapid.OneOf(
		rapid.Map(rapid.Uint32Range(0, 40), func(n uint32) mail.UID { return mail.UID(n) }),
		rapid.Map(rapid.Uint32Range(0, 40), func(n uint32) mail.UID { return maxUID - mail.UID(n) }),
	)
}

// model is a UIDSet as it would be without any cleverness.
type model map[mail.UID]bool

func (m model) sorted() []mail.UID { return slices.Sorted(maps.Keys(m)) }

func (m model) ranges() (n int) {
	for uid := range m {
		if !m[uid-1] {
			n++
		}
	}
	return n
}

// drawSet builds a set by steps, and its model.
func drawSet(t *rapid.T, label string) (mail.UIDSet, model) {
	var set mail.UIDSet
	m := make(model)
	add := func(first, last mail.UID) {
		for u := max(first, 1); u != 0 && u <= last; u++ {
			m[u] = true
		}
	}
	for range rapid.IntRange(0, 12).Draw(t, label+" steps") {
		uid := anyUID().Draw(t, label)
		switch rapid.IntRange(0, 2).Draw(t, label+" what") {
		case 0:
			set.Add(uid)
			add(uid, uid)
		case 1:
			last := uid + mail.UID(rapid.Uint32Range(0, 6).Draw(t, label+" length"))
			set.AddRange(uid, last)
			if uid != 0 && last >= uid {
				add(uid, last)
			}
		case 2:
			other := mail.NewUIDSet(uid, uid/2+1)
			set.Union(other)
			add(uid, uid)
			add(uid/2+1, uid/2+1)
		}
	}
	return set, m
}

func expectSame(t *rapid.T, what string, set mail.UIDSet, m model) {
	want := m.sorted()
	if got := slices.Collect(set.All()); !slices.Equal(got, want) {
		t.Fatalf("%s: All yields %v, want %v", what, got, want)
	}
	if set.Len() != len(m) || set.Empty() != (len(m) == 0) {
		t.Fatalf("%s: Len %d, Empty %t, want %d members", what, set.Len(), set.Empty(), len(m))
	}
	if len(set.Ranges()) != m.ranges() {
		t.Fatalf("%s: ranges %v, want %d of them", what, set.Ranges(), m.ranges())
	}
	if len(want) > 0 && (set.First() != want[0] || set.Last() != want[len(want)-1]) {
		t.Fatalf("%s: from %d to %d, want %d to %d", what, set.First(), set.Last(), want[0], want[len(want)-1])
	}
}

func TestUIDSetIsASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set, m := drawSet(t, "set")
		expectSame(t, "set", set, m)
		for range 10 {
			if uid := anyUID().Draw(t, "asked"); set.Contains(uid) != m[uid] {
				t.Fatalf("%v contains %d: %t", set, uid, !m[uid])
			}
		}
	})
}

func TestUIDSetMinusAndUnion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, ma := drawSet(t, "a")
		b, mb := drawSet(t, "b")
		minus, union := make(model), maps.Clone(ma)
		for uid := range ma {
			if !mb[uid] {
				minus[uid] = true
			}
		}
		maps.Copy(union, mb)
		expectSame(t, "minus", a.Minus(b), minus)
		both := a.Clone()
		both.Union(b)
		expectSame(t, "union", both, union)
		expectSame(t, "a afterwards", a, ma)
		expectSame(t, "b afterwards", b, mb)
	})
}

func TestUIDSetTextLeadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set, m := drawSet(t, "set")
		back, err := mail.ParseUIDSet(set.String())
		if err != nil {
			t.Fatal(err)
		}
		expectSame(t, "read back", back, m)
		if back.String() != set.String() {
			t.Fatalf("%q became %q", set, back)
		}
	})
}

func TestUIDSetChunksAreSmallAndComplete(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set, m := drawSet(t, "set")
		n := rapid.IntRange(1, 9).Draw(t, "n")
		maxRanges := rapid.IntRange(1, 4).Draw(t, "ranges")
		var all []mail.UID
		for part := range set.Chunks(n, maxRanges) {
			if part.Empty() || part.Len() > n || len(part.Ranges()) > maxRanges {
				t.Fatalf("part %v is empty or greater than %d UIDs in %d ranges", part, n, maxRanges)
			}
			all = slices.AppendSeq(all, part.All())
		}
		if !slices.Equal(all, m.sorted()) {
			t.Fatalf("the parts hold %v, want %v", all, m.sorted())
		}
	})
}

func TestUIDSetEdges(t *testing.T) {
	var all mail.UIDSet
	all.AddRange(1, maxUID)
	if all.Len() != math.MaxUint32 || all.String() != "1:4294967295" || !all.Contains(1) || !all.Contains(maxUID) || all.Contains(0) {
		t.Errorf("every UID: %d of them, %q", all.Len(), all)
	}
	if rest := all.Minus(mail.NewUIDSet(1, maxUID)); rest.String() != "2:4294967294" {
		t.Errorf("without the edges: %q", rest)
	}
	if rest := all.Minus(all); !rest.Empty() {
		t.Errorf("all minus all: %q", rest)
	}
	if s := mail.NewUIDSet(maxUID, 1, maxUID-1, 2); s.String() != "1:2,4294967294:4294967295" {
		t.Errorf("edges: %q", s)
	}
	var none mail.UIDSet
	none.Add(0)
	none.AddRange(0, 9)
	none.AddRange(9, 8)
	if !none.Empty() || none.First() != 0 || none.Last() != 0 || none.String() != "" || none.Contains(0) {
		t.Errorf("nothing added: %q", none)
	}
	parts := 0
	for part := range all.Chunks(1<<30, 10) {
		if parts++; part.Len() > 1<<30 {
			t.Errorf("part of %d", part.Len())
		}
	}
	if parts != 4 {
		t.Errorf("%d parts, want 4", parts)
	}
}

func TestUIDSetIteratorsCanBeLeft(t *testing.T) {
	var set mail.UIDSet
	set.AddRange(5, 500)
	set.AddRange(1000, 2000)
	for uid := range set.All() {
		if uid != 5 {
			t.Fatalf("went on to %d", uid)
		}
		break
	}
	for part := range set.Chunks(10, 1) {
		if part.String() != "5:14" {
			t.Fatalf("went on to %v", part)
		}
		break
	}
}

func TestUIDSetCloneSharesNothing(t *testing.T) {
	set := mail.NewUIDSet(1, 5, 9)
	clone := set.Clone()
	clone.AddRange(1, 9)
	clone.Add(20)
	if set.String() != "1,5,9" || clone.String() != "1:9,20" {
		t.Errorf("set %q, clone %q", set, clone)
	}
}

func TestParseUIDSetRefuses(t *testing.T) {
	for _, text := range []string{"0", "*", "1:*", "*:4", "1,", ",1", "1,,2", "1:", ":1", "1:2:3", "-1", "+1", " 1", "1 ", "a", "4294967296", "0:3", "1;2"} {
		if s, err := mail.ParseUIDSet(text); err == nil || !s.Empty() {
			t.Errorf("%q is read as %q, %v", text, s, err)
		}
	}
	if s, err := mail.ParseUIDSet("9:7,1"); err != nil || s.String() != "1,7:9" {
		t.Errorf("9:7,1 is read as %q, %v", s, err)
	}
}

func FuzzParseUIDSet(f *testing.F) {
	for _, seed := range []string{"", "1", "1:3,7", "4294967295", "1:4294967295", "9:2", "*", "1,,2"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		set, err := mail.ParseUIDSet(text)
		if err != nil {
			if !set.Empty() {
				t.Fatalf("%q: an error and a set", text)
			}
			return
		}
		back, err := mail.ParseUIDSet(set.String())
		if err != nil || back.String() != set.String() {
			t.Fatalf("%q is %q, and that %q, %v", text, set, back, err)
		}
		if set.Contains(0) || set.Empty() != (text == "") {
			t.Fatalf("%q is %q", text, set)
		}
	})
}
