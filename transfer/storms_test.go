package transfer_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"mailferry/transfer"
	"mailferry/transfer/mail"
	"mailferry/transfer/mail/mailtest"
)

// TestManyFoldersInBadWeather runs accounts of many folders, a few times each, while connections fail, processes die,
// users stop, mail comes and goes, folders are numbered anew and the destination refuses, and lies about it. No
// run waits for itself, and after a last one in good weather everything is there, once.
func TestManyFoldersInBadWeather(t *testing.T) {
	seeds := uint64(800)
	if testing.Short() {
		seeds = 100
	}
	for seed := range seeds {
		s := newStorm(t, seed)
		for range 1 + s.rnd.IntN(4) {
			s.run(t, s.weather())
		}
		s.clear()
		if r := s.run(t, nil); !r.Complete() {
			t.Fatalf("seed %d: not complete: %+v\n%s", seed, r.Total, strings.Join(s.log, "\n"))
		}
		if r := s.run(t, nil); r.Total.Copied > 0 {
			t.Fatalf("seed %d: copied again: %+v\n%s", seed, r.Total, strings.Join(s.log, "\n"))
		}
		if wrong := s.wrong(); wrong != "" {
			t.Fatalf("seed %d: %s\n%s", seed, wrong, strings.Join(s.log, "\n"))
		}
	}
}

type storm struct {
	*world
	seed        uint64
	rnd         *rand.Rand
	connections int
	folders     []mail.Path
	log         []string

	mu       sync.Mutex
	next     int
	validity uint32
	appended int
	refuses  int // each so-manieth message; 0: none
	stop     chan struct{}
}

func newStorm(t *testing.T, seed uint64) *storm {
	rnd := rand.New(rand.NewPCG(seed, 99))
	s := &storm{seed: seed, rnd: rnd, connections: 1 + rnd.IntN(3), validity: 7000}
	dst := mailtest.Options{Window: rnd.IntN(5), Late: rnd.IntN(3) == 0, Eager: rnd.IntN(3) == 0, NoKeywords: rnd.IntN(3) == 0, Refuse: s.refuse}
	if rnd.IntN(2) == 0 {
		dst.Connections = s.connections
	}
	if rnd.IntN(2) == 0 {
		s.refuses = 3 + rnd.IntN(10)
	}
	s.world = newWorldFrom(t, mailtest.Options{Waits: rnd.IntN(3) * s.connections, Scramble: rnd.IntN(4) == 0}, dst)
	for i := range 2 + rnd.IntN(25) {
		f := path(fmt.Sprintf("f%02d", i))
		s.folders = append(s.folders, f)
		s.src.AddFolder(mail.Folder{Path: f})
	}
	for range len(s.folders) * (1 + rnd.IntN(6)) {
		s.put()
	}
	for _, f := range s.folders {
		if all := s.src.Messages(f); rnd.IntN(3) == 0 && len(all) > 1 {
			s.src.Remove(f, all[0].UID) // a gap
		}
	}
	return s
}

func (s *storm) refuse(mail.Path, []byte) (stored bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.appended++; s.refuses > 0 && s.appended%s.refuses == 0 {
		return s.appended%2 == 0, errTest
	}
	return false, nil
}

func (s *storm) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuses = 0
}

func (s *storm) folder() mail.Path { return s.folders[s.rnd.IntN(len(s.folders))] }

func (s *storm) message() string {
	s.next++
	return text(fmt.Sprint("m", s.next), fmt.Sprint("s", s.next), strings.Repeat("x", s.next%5))
}

func (s *storm) put() {
	var flags []string
	if s.rnd.IntN(2) == 0 {
		flags = []string{"work", mail.Seen}
	}
	s.src.PutText(s.folder(), s.message(), flags...)
}

// weather is what goes wrong in one run.
func (s *storm) weather() (faults []mailtest.Fault) {
	stop := make(chan struct{})
	s.stop = stop
	ask := sync.OnceFunc(func() { close(stop) })
	for range s.rnd.IntN(4) {
		f := mailtest.Fault{Step: 1 + s.rnd.IntN(200)}
		switch kind := s.rnd.IntN(8); kind {
		case 0:
			f.Mode = mailtest.Stop
		case 1, 2:
			f.Mode, f.Times = []mailtest.Mode{mailtest.Before, mailtest.After}[kind-1], s.rnd.IntN(3)
		default:
			f.Do = func() { s.change(kind, ask) }
		}
		faults = append(faults, f)
	}
	return faults
}

// change is something that happens beside the run.
func (s *storm) change(kind int, stop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.folder()
	switch kind {
	case 3:
		stop()
	case 4:
		s.dst.PutText(f, s.message())
	case 5:
		s.validity++
		s.dst.SetUIDValidity(f, s.validity, mail.UID(1+s.rnd.IntN(5)))
	case 6:
		s.validity++
		s.src.SetUIDValidity(f, s.validity, mail.UID(1+s.rnd.IntN(5)))
	default:
		s.put()
		if all := s.src.Messages(f); len(all) > 0 {
			s.src.Remove(f, all[s.rnd.IntN(len(all))].UID)
		}
	}
}

func (s *storm) run(t *testing.T, faults []mailtest.Fault) *transfer.Report {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	plan := mailtest.NewPlan(t, faults...)
	batch := 1 + s.rnd.IntN(4)
	r, err := transfer.Run(ctx, transfer.Job{Source: mailtest.FaultySource(s.src, plan), Dest: mailtest.Faulty(s.dst, plan),
		Ledger: &faultyLedger{s.ledger, plan}, Timing: noWait(), Connections: s.connections, Stop: s.stop, Batch: batch})
	s.stop = nil
	checkSums(t, r)
	s.log = append(s.log, fmt.Sprintf("%+v: %+v, %v", faults, r.Total, err))
	if ctx.Err() != nil || len(faults) == 0 && err != nil {
		t.Fatalf("seed %d: it never ended, or failed\n%s", s.seed, strings.Join(s.log, "\n"))
	}
	return r
}

// wrong returns what is lost, doubled or left open.
func (s *storm) wrong() string {
	var bad []string
	for _, f := range s.folders {
		count := map[string]int{}
		for _, m := range s.dst.Messages(f) {
			if count[string(m.Raw)]++; count[string(m.Raw)] == 2 {
				bad = append(bad, f.String()+" holds twice "+subj(m))
			}
		}
		for _, m := range s.src.Messages(f) {
			if count[string(m.Raw)] == 0 {
				bad = append(bad, f.String()+" lacks "+subj(m))
			}
		}
		if open, err := s.ledger.Intents(context.Background(), f); err != nil || len(open) > 0 {
			bad = append(bad, fmt.Sprintf("%s: %d open intents, %v", f, len(open), err))
		}
	}
	return strings.Join(bad, "; ")
}
