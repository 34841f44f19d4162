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
	if err := query.QueryRowContext(ctx, id).Scan(&text); err == sql.ErrNoRows {
		return flagSet{}, damaged("the set of flags %d is missing", id)
	} else if err != nil {
		return flagSet{}, err
	}
	return s.learn(id, string(text)), nil
}
