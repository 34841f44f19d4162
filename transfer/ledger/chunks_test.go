package ledger_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"mailferry/transfer"
	"mailferry/transfer/ledger"
	"mailferry/transfer/mail"
)

// TestChunksBehaveLikeMemory fills, splits, empties and drops chunks of a few records at random. The
// ledger answers as the one in memory does, and an unproved copy of it passes every check.
func TestChunksBehaveLikeMemory(t *testing.T) {
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
		file.SetChunkSize(rapid.IntRange(1, 9).Draw(t, "size"))
		model := ledger.NewMemory()
		for _, l := range []transfer.Ledger{file, model} {
			for _, p := range twoPairs() {
				check(t, l.Commit(t.Context(), transfer.Change{Pair: &p}))
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"add":    func(t *rapid.T) { changeBoth(t, file, model, genMany) },
			"run":    func(t *rapid.T) { changeBoth(t, file, model, genRun) },
			"forget": func(t *rapid.T) { changeBoth(t, file, model, genForget) },
			"void":   func(t *rapid.T) { changeBoth(t, file, model, genVoid) },
			"page":   func(t *rapid.T) { pageBoth(t, file, model) },
			"claim":  func(t *rapid.T) { claimBoth(t, file, model) },
			"peek": func(t *rapid.T) {
				peek, err := ledger.OpenReadOnly(path, accounts())
				check(t, err)
				agree(t, peek, model)
				check(t, peek.Close())
			},
			"": func(t *rapid.T) { agree(t, file, model) },
		})
	})
}

// twoPairs go to the same folder.
func twoPairs() []transfer.Pair {
	return []transfer.Pair{{Source: path("A"), Dest: path("All")}, {Source: path("B"), Dest: path("All")}}
}

func changeBoth(t *rapid.T, file, model transfer.Ledger, gen func(*rapid.T, int64) transfer.Change) {
	c := gen(t, rapid.Int64Range(1, 2).Draw(t, "pair"))
	check(t, file.Commit(t.Context(), c))
	check(t, model.Commit(t.Context(), c))
}

func someUID(t *rapid.T, what string) mail.UID {
	return mail.UID(rapid.OneOf(rapid.Uint32Range(1, 60), rapid.Just(^uint32(0))).Draw(t, what))
}

// genMany are records in any order, of some messages several.
func genMany(t *rapid.T, pair int64) transfer.Change {
	var records []transfer.Record
	for range rapid.IntRange(0, 20).Draw(t, "records") {
		r := genRecord(t)
		r.Source = someUID(t, "source")
		records = append(records, r)
	}
	return transfer.Change{Records: map[int64][]transfer.Record{pair: records}}
}

// genRun are records of neighbours.
func genRun(t *rapid.T, pair int64) transfer.Change {
	source, dest := someUID(t, "source")%50, someUID(t, "dest")%100
	var records []transfer.Record
	for i := range mail.UID(rapid.Uint32Range(1, 30).Draw(t, "length")) {
		records = append(records, record(source+i+1, dest+i, mail.Seen))
	}
	return transfer.Change{Records: map[int64][]transfer.Record{pair: records}}
}

func genForget(t *rapid.T, pair int64) transfer.Change {
	var set mail.UIDSet
	for range rapid.IntRange(0, 4).Draw(t, "ranges") {
		first := someUID(t, "first")
		set.AddRange(first, max(first, first+mail.UID(rapid.Uint32Range(0, 12).Draw(t, "more"))))
	}
	return transfer.Change{Forget: map[int64]mail.UIDSet{pair: set}, Records: genMany(t, pair).Records}
}

func genVoid(t *rapid.T, pair int64) transfer.Change {
	return transfer.Change{Void: &transfer.Pair{ID: pair}, Records: genMany(t, 3-pair).Records}
}

func pageBoth(t *rapid.T, file, model transfer.Ledger) {
	pair, after, limit := rapid.Int64Range(0, 3).Draw(t, "pair"), someUID(t, "after")-1, rapid.IntRange(-1, 25).Draw(t, "limit")
	got, err := file.Records(t.Context(), pair, after, limit)
	check(t, err)
	want, err := model.Records(t.Context(), pair, after, limit)
	check(t, err)
	if !slices.EqualFunc(got, want, func(a, b transfer.Record) bool {
		return a.Source == b.Source && a.Dest == b.Dest && a.Appended == b.Appended && slices.Equal(a.Base, b.Base)
	}) {
		t.Fatalf("file %+v, memory %+v", got, want)
	}
}

func claimBoth(t *rapid.T, file, model transfer.Ledger) {
	from := someUID(t, "from") - 1
	got, err := file.Claimed(t.Context(), path("All"), from)
	check(t, err)
	want, err := model.Claimed(t.Context(), path("All"), from)
	check(t, err)
	if got.String() != want.String() {
		t.Fatalf("from %d: file %s, memory %s", from, got, want)
	}
}

func countChunks(t *testing.T, file string) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	must(t, err)
	defer db.Close()
	must(t, db.QueryRow("SELECT count(*) FROM chunks").Scan(&n))
	return n
}

// Whatever the order in which records come, chunks stay at least half full, but for the last.
func TestChunksStayFull(t *testing.T) {
	const size, messages = 8, 400
	for name, uid := range map[string]func(i int) int{
		"ascending":  func(i int) int { return i + 1 },
		"descending": func(i int) int { return messages - i },
		"scattered":  func(i int) int { return (i*239)%messages + 1 },
		"two ends":   func(i int) int { return messages/2 + (i%2*2-1)*(i/2) + 1 },
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "l.db")
			l := mustOpen(t, file)
			l.SetChunkSize(size)
			p := addPair(t, l, "A", "A")
			for i := range messages {
				addRecords(t, l, p.ID, record(mail.UID(uid(i)), mail.UID(i+1)))
			}
			must(t, l.Close())
			least, most := messages/size, 2*messages/size+1
			if name == "ascending" {
				most = least
			}
			if n := countChunks(t, file); n < least || n > most {
				t.Errorf("%d chunks", n)
			}
		})
	}
}
