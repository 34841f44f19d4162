package ledger

import (
	"context"
	"database/sql"
	"sync"

	"mailferry/transfer/mail"
)

// maxCachedSets bounds the memory that unusual mailboxes can take: there, every
// message may have keywords of its own.
const maxCachedSets = 4096

// flagSets knows the numbers of sets of flags. Sets are never changed or
// dropped, so what it knows stays true. Zero is the empty set and has no row.
type flagSets struct {
	mu     sync.Mutex
	byText map[string]int64
	byID   map[int64]flagSet
}

type flagSet struct {
	text  string
	flags mail.Flags
}

func newFlagSets() *flagSets {
	return &flagSets{byText: make(map[string]int64), byID: make(map[int64]flagSet)}
}

func (s *flagSets) number(text string) (int64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, ok := s.byText[text]
	return id, ok
}

func (s *flagSets) learn(id int64, text string) flagSet {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.byID) >= maxCachedSets {
		clear(s.byID)
		clear(s.byText)
	}
	set := flagSet{text, mail.ParseFlags(text)}
	s.byText[text], s.byID[id] = id, set
	return set
}

// set returns the set numbered id, by query if need be.
func (s *flagSets) set(ctx context.Context, query *sql.Stmt, id int64) (flagSet, error) {
	if id == 0 {
		return flagSet{}, nil
	}
	s.mu.Lock()
	set, ok := s.byID[id]
	s.mu.Unlock()
	if ok {
		return set, nil
	}
	var text []byte
	var sum int64
	if err := query.QueryRowContext(ctx, id).Scan(&text, &sum); err == sql.ErrNoRows {
		return flagSet{}, missingSet(id)
	} else if err != nil {
		return flagSet{}, unreadable(err)
	}
	if sum != flagSum(id, text) {
		return flagSet{}, damagedSet(id)
	}
	return s.learn(id, string(text)), nil
}

// flagSum is the checksum of a set's row: a chunk's covers only the numbers of sets.
func flagSum(id int64, text []byte) int64 { return columnSum([]any{id, text}) }

func damagedSet(id int64) error { return damaged("the set of flags %d is damaged", id) }
func missingSet(id int64) error { return damaged("the set of flags %d is missing", id) }

// intern returns the number of a set of flags.
func (w *committer) intern(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	if id, ok := w.sets.number(text); ok {
		return id, nil
	}
	if id, ok := w.fresh[text]; ok {
		return id, nil
	}
	id, err := w.record(text)
	if err == nil {
		w.fresh[text] = id
	}
	return id, err
}

// record returns the number of a set of flags in the file, where it is put if need be.
func (w *committer) record(text string) (id int64, err error) {
	var sum int64
	err = w.findFlags.QueryRow([]byte(text)).Scan(&id, &sum)
	if err == nil && sum != flagSum(id, []byte(text)) {
		err = damagedSet(id)
	}
	if err != sql.ErrNoRows {
		return id, unreadable(err)
	}
	if err := w.nextFlags.QueryRow().Scan(&id); err != nil {
		return 0, err
	}
	_, err = w.putFlags.Exec(id, []byte(text), flagSum(id, []byte(text)))
	return id, err
}
