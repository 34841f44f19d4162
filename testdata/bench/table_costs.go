package main

import (
	"fmt"
	"strings"

	"mailferry/testdata/bench/corpus"
)

// costs are the lines of the second table.
func (r result) costs(b *strings.Builder) {
	c, err := corpus.Named(r.corpus)
	if err != nil {
		return
	}
	reference, _ := r.median("mbsync")
	for _, e := range r.entrants {
		s, ok := r.median(e.name)
		if !ok || e.floor != "" {
			continue
		}
		each := float64(s.CPU.Microseconds()) / float64(c.Messages())
		tableLine(b, r.work, r.corpus, r.distance(), e.name, seconds(s.CPU), fmt.Sprintf("%.1f", each),
			ratio(s.CPU, reference.CPU), fmt.Sprint(s.Resident>>20))
	}
}

// wires are the lines of the third table, for work whose octets were counted.
func (r result) wires(b *strings.Builder) {
	for _, e := range r.entrants {
		if s, ok := r.median(e.name); ok && s.Octets > 0 {
			tableLine(b, r.work, r.corpus, r.distance(), e.name,
				fmt.Sprintf("%.1f", float64(s.Octets)/1000), r.share(s), r.trips(s))
		}
	}
}

// share relates what went over the wires to what had to: the new messages, once at
// each end that IMAP reaches.
func (r result) share(s sample) string {
	needed := s.Needed
	if strings.HasSuffix(r.work, "migrate") {
		needed *= 2
	}
	if needed == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", float64(s.Octets)/float64(needed))
}

func (r result) trips(s sample) string {
	if r.trip == 0 {
		return ""
	}
	return fmt.Sprint(s.Trips)
}
