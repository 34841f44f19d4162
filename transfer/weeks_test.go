package transfer_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"mailferry/transfer"
	"mailferry/transfer/mail"
	"mailferry/transfer/mail/mailtest"
)

// TestManyWeeks plays random weeks: users at both ends, faults, filters, renumbered folders, a
// destination that holds some of it before. In the end every message that its destination's
// user did not delete is there, once, and the next run has nothing to do.
func TestManyWeeks(t *testing.T) {
	seeds := uint64(1500)
	if testing.Short() {
		seeds = 200
	}
	for seed := range seeds {
		if wrong := playWeeks(t, seed); wrong != "" {
			t.Fatalf("seed %d: %s", seed, wrong)
		}
	}
}

// playWeeks returns what is wrong in the end.
func playWeeks(t *testing.T, seed uint64) string {
	rnd := rand.New(rand.NewPCG(seed, 7))
	opts := mailtest.Options{Window: rnd.IntN(4), Late: rnd.IntN(3) == 0, NoUIDPlus: rnd.IntN(4) == 0, Eager: rnd.IntN(3) == 0}
	var calls, every atomic.Int64
	if rnd.IntN(2) == 0 {
		every.Store(int64(2 + rnd.IntN(6)))
	}
	opts.Refuse = func(_ mail.Path, _ []byte) (bool, error) {
		if k := every.Load(); k > 0 && calls.Add(1)%k == 0 {
			return calls.Load()%3 == 0, fmt.Errorf("refused")
		}
		return false, nil
	}
	w := newWorldFrom(t, mailtest.Options{NoResync: rnd.IntN(3) == 0, Waits: rnd.IntN(4)}, opts)
	two := rnd.IntN(2) == 0
	folders := []string{"INBOX", "B"}
	next := 0
	var mu sync.Mutex
	put := func() {
		f := folders[rnd.IntN(2)]
		w.src.PutText(path(f), text(fmt.Sprintf("m%d", next), fmt.Sprintf("s%d", next), strings.Repeat("x", next%5)))
		next++
	}
	deleted := map[string]bool{} // by the destination's user
	mutate := func(k int) {
		mu.Lock()
		defer mu.Unlock()
		for range k {
			f := path(folders[rnd.IntN(2)])
			list := w.src.Messages(f)
			switch op := rnd.IntN(6); {
			case op < 3 || len(list) == 0:
				put()
			case op == 3:
				w.src.Remove(f, list[rnd.IntN(len(list))].UID)
			default:
				w.src.SetFlags(f, list[rnd.IntN(len(list))].UID, mail.NewFlags([]string{mail.Seen, mail.Flagged, "kw"}[rnd.IntN(3)]))
			}
		}
	}
	user := func() {
		mu.Lock()
		defer mu.Unlock()
		df := path("INBOX")
		if !two && rnd.IntN(2) == 0 {
			df = path("B")
		}
		list := w.dst.Messages(df)
		if rnd.IntN(2) == 0 || len(list) == 0 {
			w.dst.PutText(df, text(fmt.Sprintf("own%d", next), fmt.Sprintf("own%d", next), "o"))
			next++
			return
		}
		m := list[rnd.IntN(len(list))]
		deleted[subj(m)] = true
		w.dst.Remove(df, m.UID)
	}
	w.src.AddFolder(mail.Folder{Path: path("B")})
	for range rnd.IntN(8) {
		put()
	}
	if rnd.IntN(3) == 0 { // an earlier migration
		for _, f := range folders {
			to := f
			if two {
				to = "INBOX"
			}
			for _, m := range w.src.Messages(path(f)) {
				if rnd.IntN(2) == 0 {
					w.dst.PutText(path(to), strings.ReplaceAll(string(m.Raw), "\r\n", "\n"))
				}
			}
		}
	}
	full, maxSize, conns, mode := false, int64(0), 2, transfer.FlagsMerge
	full = false
	validity := uint32(5000)
	w.job = func(j *transfer.Job) {
		if two {
			j.Map = []transfer.Mapping{{From: path("B"), To: path("INBOX")}}
		}
		j.Connections = conns
		j.Full, j.Filter.MaxSize, j.Flags = full, maxSize, mode
	}
	var log []string
	for range 4 + rnd.IntN(4) {
		mutate(rnd.IntN(4))
		if rnd.IntN(4) == 0 {
			user()
		}
		full, maxSize, conns, mode = rnd.IntN(6) == 0, 0, 1+rnd.IntN(2), transfer.FlagsMerge
		if rnd.IntN(6) == 0 {
			maxSize = 107
		}
		if rnd.IntN(8) == 0 {
			mode = transfer.FlagsNone
		}
		if rnd.IntN(12) == 0 {
			validity++
			w.dst.SetUIDValidity(path("INBOX"), validity, mail.UID(1+rnd.IntN(5)))
		}
		if rnd.IntN(12) == 0 {
			validity++
			w.src.SetUIDValidity(path(folders[rnd.IntN(2)]), validity, mail.UID(1+rnd.IntN(5)))
		}
		var faults []mailtest.Fault
		for range rnd.IntN(3) {
			faults = append(faults, mailtest.Fault{Step: 1 + rnd.IntN(70), Do: func() { mutate(1) }})
		}
		if rnd.IntN(6) == 0 {
			faults = append(faults, mailtest.Fault{Step: 1 + rnd.IntN(70), Do: user})
		}
		if rnd.IntN(3) == 0 {
			faults = append(faults, mailtest.Fault{Step: 1 + rnd.IntN(60), Mode: []mailtest.Mode{mailtest.Before, mailtest.After, mailtest.Stop}[rnd.IntN(3)]})
		}
		plan := mailtest.NewPlan(t, faults...)
		r, err := w.run(t, plan)
		log = append(log, fmt.Sprintf("%+v %v", r.Total, err))
	}
	every.Store(0)
	full, maxSize, mode = false, 0, transfer.FlagsMerge
	w.mustRun(t)
	r := w.mustRun(t)
	if r.Total.Copied > 0 || r.Total.Failed > 0 {
		log = append(log, "NOT IDLE")
	}
	log = append(log, fmt.Sprintf("%+v", r.Total))
	// what is there
	count := map[string]int{}
	for _, f := range []string{"INBOX", "B"} {
		for _, m := range w.dst.Messages(path(f)) {
			count[subj(m)]++
		}
	}
	var bad []string
	for s, n := range count {
		if n > 1 {
			bad = append(bad, fmt.Sprintf("%s is there %d times", s, n))
		}
	}
	for _, f := range folders {
		for _, m := range w.src.Messages(path(f)) {
			switch s := subj(m); {
			case deleted[s]:
			case count[s] == 0:
				bad = append(bad, s+" is lost")
			}
		}
	}
	if len(bad) == 0 {
		return ""
	}
	return fmt.Sprintf("two %v opts %+v: %s\n%s", two, opts, strings.Join(bad, "; "), strings.Join(log, "\n"))
}

func subj(m mailtest.Message) string {
	for line := range strings.SplitSeq(string(m.Raw), "\r\n") {
		if s, ok := strings.CutPrefix(line, "Subject: "); ok {
			return s
		}
	}
	return ""
}
