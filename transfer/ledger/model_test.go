package ledger_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"mailferry/transfer"
	"mailferry/transfer/ledger"
	"mailferry/transfer/mail"
)

// TestFileBehavesLikeMemory makes random changes in both ledgers: they agree on every
// answer, on every refusal and on every number given out, also after reopening and
// when read by a dry run.
func TestFileBehavesLikeMemory(t *testing.T) {
	dir := t.TempDir()
	round := 0
	rapid.Check(t, func(t *rapid.T) {
		if round++; slowness > 1 && round > 100/slowness {
			return
		}
		path := filepath.Join(dir, fmt.Sprintf("%d.db", round))
		file, err := ledger.Open(path, accounts())
		check(t, err)
		defer func() {
			check(t, file.Close())
			os.Remove(path)
		}()
		model := ledger.NewMemory()
		t.Repeat(map[string]func(*rapid.T){
			"commit": func(t *rapid.T) { commitBoth(t, file, model) },
			"reopen": func(t *rapid.T) {
				check(t, file.Close())
				file, err = ledger.Open(path, accounts())
				check(t, err)
			},
			"peek": func(t *rapid.T) {
				peek, err := ledger.OpenReadOnly(path, accounts())
				check(t, err)
				agree(t, peek, model)
				check(t, peek.Close())
			},
			"page": func(t *rapid.T) {
				pair, after, limit := genID().Draw(t, "pair"), genUID().Draw(t, "after"), rapid.IntRange(-1, 4).Draw(t, "limit")
				a, errA := file.Records(t.Context(), pair, after, limit)
				b, errB := model.Records(t.Context(), pair, after, limit)
				check(t, errA)
				check(t, errB)
				if len(a) != len(b) || len(a) > 0 && a[0].Source != b[0].Source {
					t.Fatalf("file %+v, memory %+v", a, b)
				}
			},
			"": func(t *rapid.T) { agree(t, file, model) },
		})
	})
}

func check(t *rapid.T, err error) {
	if err != nil {
		t.Fatal(err)
	}
}

func agree(t *rapid.T, file, model transfer.Ledger) {
	got, err := read(t.Context(), file)
	check(t, err)
	want, err := read(t.Context(), model)
	check(t, err)
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("file   %+v\nmemory %+v", got, want)
	}
}

func commitBoth(t *rapid.T, file, model transfer.Ledger) {
	a := genChange(t)
	b := twin(a)
	errA, errB := file.Commit(t.Context(), a), model.Commit(t.Context(), b)
	if (errA == nil) != (errB == nil) {
		t.Fatalf("%+v: file %v, memory %v", a, errA, errB)
	}
	if !reflect.DeepEqual(a, b) {
		t.Fatalf("numbers given out: file %+v, memory %+v", a, b)
	}
}

// twin is a change that shares nothing a commit fills in.
func twin(c transfer.Change) transfer.Change {
	if c.Pair != nil {
		p := *c.Pair
		c.Pair = &p
	}
	var intents []*transfer.Intent
	for _, i := range c.Intents {
		copied := *i
		intents = append(intents, &copied)
	}
	c.Intents, c.Records = intents, maps.Clone(c.Records)
	return c
}

// Few folders, numbers and UIDs, so that changes meet.
func genPath() *rapid.Generator[mail.Path] {
	return rapid.SampledFrom([]mail.Path{{}, path("INBOX"), path("A"), path("A/B"), mail.NewPath("A/B"), mail.NewPath("\xff")})
}

func genID() *rapid.Generator[int64] { return rapid.Int64Range(0, 5) }
func genUID() *rapid.Generator[mail.UID] {
	return rapid.OneOf(rapid.Map(rapid.Uint32Range(0, 12), func(n uint32) mail.UID { return mail.UID(n) }), rapid.Just(^mail.UID(0)))
}

func genSet(t *rapid.T) mail.UIDSet {
	return mail.NewUIDSet(rapid.SliceOfN(genUID(), 0, 5).Draw(t, "uids")...)
}

func genPair(t *rapid.T) *transfer.Pair {
	return &transfer.Pair{
		ID: rapid.OneOf(rapid.Just(int64(0)), genID()).Draw(t, "id"), Source: genPath().Draw(t, "source"), Dest: genPath().Draw(t, "dest"),
		SourceState: mail.Status{UIDValidity: rapid.Uint32().Draw(t, "validity"), HighestModSeq: rapid.Uint64().Draw(t, "modseq"),
			Unseen: rapid.Int64().Draw(t, "unseen")},
		Adopted: rapid.Bool().Draw(t, "adopted"), Complete: rapid.Bool().Draw(t, "complete"),
		Filter: rapid.String().Draw(t, "filter"), Subscribed: rapid.Bool().Draw(t, "subscribed"),
	}
}

func genRecord(t *rapid.T) transfer.Record {
	return transfer.Record{Source: genUID().Draw(t, "src"), Dest: genUID().Draw(t, "dst"), Appended: rapid.Bool().Draw(t, "appended"),
		Base: mail.NewFlags(rapid.SliceOfN(rapid.SampledFrom([]string{mail.Seen, mail.Flagged, "$A", "$a", "caf\xe9"}), 0, 3).Draw(t, "flags")...)}
}

func genChange(t *rapid.T) (c transfer.Change) {
	some := func(what string) bool { return rapid.IntRange(0, 2).Draw(t, what) == 0 }
	if some("void") {
		c.Void = genPair(t)
	}
	if some("pair") {
		c.Pair = genPair(t)
	}
	if some("forget") {
		c.Forget = map[int64]mail.UIDSet{genID().Draw(t, "of"): genSet(t)}
	}
	if rapid.Bool().Draw(t, "records") {
		c.Records = map[int64][]transfer.Record{genID().Draw(t, "of"): rapid.SliceOfN(rapid.Custom(genRecord), 0, 5).Draw(t, "records")}
	}
	if some("settle") {
		c.Settle = rapid.SliceOfN(rapid.Int64Range(0, 20), 0, 4).Draw(t, "settle")
	}
	for range rapid.IntRange(0, 2).Draw(t, "intents") {
		c.Intents = append(c.Intents, &transfer.Intent{Pair: genID().Draw(t, "of"), DestValidity: rapid.Uint32().Draw(t, "validity"),
			DestNext: genUID().Draw(t, "next"), Source: genSet(t)})
	}
	return c
}
