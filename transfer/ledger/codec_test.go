package ledger

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"mailferry/transfer/mail"
)

const lastUID = mail.UID(math.MaxUint32)

// genEntries are what a chunk can hold: ascending, with all distances between UIDs.
func genEntries() *rapid.Generator[[]entry] {
	uid := rapid.OneOf(rapid.Uint32Range(1, 40), rapid.Uint32Range(math.MaxUint32-9, math.MaxUint32), rapid.Uint32Range(1, math.MaxUint32))
	dest := rapid.OneOf(rapid.Just(uint32(0)), uid)
	one := rapid.Custom(func(t *rapid.T) entry {
		return entry{mail.UID(uid.Draw(t, "source")), mail.UID(dest.Draw(t, "dest")), rapid.Bool().Draw(t, "appended"),
			rapid.OneOf(rapid.Int64Range(0, 3), rapid.Int64Range(0, math.MaxInt64)).Draw(t, "flags")}
	})
	return rapid.Map(rapid.SliceOfNDistinct(one, 1, 30, func(e entry) mail.UID { return e.source }), func(es []entry) []entry {
		slices.SortFunc(es, func(a, b entry) int { return entryBySource(a, b.source) })
		return es
	})
}

func TestChunkLeadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genEntries().Draw(t, "entries")
		c := newChunk(1, want)
		got, err := c.entries()
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%x became %+v, %v", c.data, got, err)
		}
	})
}

// What a first run records costs hardly more than an octet a message.
func TestNeighboursAreSmall(t *testing.T) {
	run := func(flags func(i int) int64) []entry {
		var out []entry
		for i := range chunkSize {
			out = append(out, entry{mail.UID(1000 + i), mail.UID(70000 + i), true, flags(i)})
		}
		return out
	}
	for name, c := range map[string]struct {
		entries []entry
		most    int
	}{
		"same flags":       {run(func(int) int64 { return 1 }), chunkSize + 4},
		"alternating":      {run(func(i int) int64 { return int64(i % 2) }), 2*chunkSize + 4},
		"flags of its own": {run(func(i int) int64 { return int64(i) + 1000 }), 3*chunkSize + 4},
	} {
		if n := len(encode(c.entries)); n > c.most {
			t.Errorf("%s: %d octets", name, n)
		}
	}
}

func TestChunkAtTheEdges(t *testing.T) {
	for _, want := range [][]entry{
		{{1, 0, false, 0}},
		{{lastUID, lastUID, true, math.MaxInt64}},
		{{1, lastUID, true, 1}, {lastUID, 1, false, 0}},
		{{1, 1, true, 0}, {2, 0, true, 0}, {3, 2, true, 0}},
		{{1, lastUID, true, 0}, {2, 0, true, 0}, {3, lastUID, true, 0}},
	} {
		if got, err := newChunk(7, want).entries(); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v became %+v, %v", want, got, err)
		}
	}
}

// The bounds tell which chunks need not be read: they have to be right though the sum is.
func TestChunkOfOtherBoundsIsRefused(t *testing.T) {
	whole := newChunk(1, []entry{{5, 9, true, 1}, {6, 3, true, 1}, {9, 4, false, 0}})
	for name, spoil := range map[string]func(c *chunk){
		"first":          func(c *chunk) { c.first-- },
		"first is zero":  func(c *chunk) { c.first = 0 },
		"last":           func(c *chunk) { c.last++ },
		"top":            func(c *chunk) { c.top-- },
		"nothing in it":  func(c *chunk) { c.data = nil },
		"an end missing": func(c *chunk) { c.data = c.data[:len(c.data)-1] },
		"one too many":   func(c *chunk) { c.data = append(slices.Clone(c.data), 0) },
		"beyond the last": func(c *chunk) {
			*c = newChunk(1, []entry{{lastUID, 1, true, 0}})
			c.data = append(c.data, 0)
		},
		"a mark that is none":  func(c *chunk) { c.data = slices.Concat([]byte{c.data[0] | 64}, c.data[1:]) },
		"a place and no place": func(c *chunk) { c.data = []byte{jumps | unknown, 2} },
	} {
		c := whole
		spoil(&c)
		if got, err := c.entries(); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// FuzzChunk: no data makes the decoder panic or say more than there is, and what it says is in order.
func FuzzChunk(f *testing.F) {
	f.Add(uint32(5), encode([]entry{{5, 9, true, 1}, {6, 3, true, 1}, {9, 0, false, 0}, {lastUID, lastUID, true, 1 << 40}}))
	f.Add(uint32(1), []byte{skips, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Add(uint32(1), []byte{jumps, 0x80})
	f.Fuzz(func(t *testing.T, first uint32, data []byte) {
		var got []entry
		d := newDecoder(mail.UID(first), data)
		for len(d.rest) > 0 {
			e, ok := d.next()
			if !ok {
				return
			}
			if n := len(got); n > 0 && e.source <= got[n-1].source || e.flags < 0 || e.source == 0 || n > len(data) {
				t.Fatalf("after %d: %+v", n, e)
			}
			got = append(got, e)
		}
		if len(got) == 0 {
			return
		}
		if again, err := newChunk(1, got).entries(); err != nil || !slices.Equal(again, got) {
			t.Errorf("%+v became %+v, %v", got, again, err)
		}
	})
}

// columnsRow is a row as SQLite returns it.
type columnsRow []any

func (r columnsRow) Scan(into ...any) error {
	for i, v := range r {
		if n, ok := v.(int64); ok {
			switch to := into[i].(type) {
			case *int64:
				*to = n
			case *mail.UID:
				*to = mail.UID(n)
			}
			continue
		}
		*into[i].(*[]byte) = v.([]byte)
	}
	return nil
}

// A change of a single bit anywhere in the row is noticed.
func TestFlippedChunkIsRefused(t *testing.T) {
	c := newChunk(3, []entry{{5, 9, true, 1}, {6, 3, true, 1}, {9, 0, false, 0}})
	if _, err := scanChunk(columnsRow(c.columns())); err != nil {
		t.Fatal(err)
	}
	for column, v := range c.columns() {
		bits := 32
		if data, ok := v.([]byte); ok {
			bits = 8 * len(data)
		}
		for bit := range bits {
			row := c.columns()
			if data, ok := v.([]byte); ok {
				data = slices.Clone(data)
				data[bit/8] ^= 1 << (bit % 8)
				row[column] = data
			} else {
				row[column] = v.(int64) ^ 1<<bit
			}
			if got, err := scanChunk(columnsRow(row)); err == nil {
				t.Errorf("column %d, bit %d: %+v", column, bit, got)
			}
		}
	}
}
