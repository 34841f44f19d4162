package main

import (
	"fmt"
	"strings"
	"time"
)

// table writes results in Markdown. A ratio below 1 means that mailferry was faster.
func table(results []result) string {
	var b strings.Builder
	b.WriteString("| work | corpus | RTT | mailferry s | CPU s | MB | " + strings.Join(peerNames(), " | ") +
		" | of the fastest | floor s | of the floor |\n" +
		"|---|---|---|---|---|---|" + strings.Repeat("---|", len(peerNames())) + "---|---|---|\n")
	for _, r := range results {
		b.WriteString(r.line())
	}
	b.WriteString(wires(results))
	return b.String()
}

func peerNames() (out []string) {
	for _, t := range tools()[1:] {
		out = append(out, t.name)
	}
	return out
}

func isPeer(e contestant) bool { return e.floor == "" && e.name != "mailferry" }

func (r result) line() string {
	ours, ok := r.median("mailferry")
	cells := []string{r.work, r.corpus, r.distance()}
	if ok {
		cells = append(cells, seconds(ours.Wall), seconds(ours.CPU), fmt.Sprint(ours.Resident>>20))
	} else {
		cells = append(cells, "failed", "", "")
	}
	for _, name := range peerNames() {
		cells = append(cells, r.cell(name))
	}
	_, fastest := r.best(isPeer)
	floor, variants := r.floor()
	cells = append(cells, ratio(ours.Wall, fastest.Wall), floorCell(floor, variants), ratio(ours.Wall, floor))
	return "| " + strings.Join(cells, " | ") + " |\n"
}

func (r result) distance() string {
	if r.trip == 0 {
		return "0"
	}
	return r.trip.String()
}

// cell is a peer's wall and CPU time.
func (r result) cell(name string) string {
	if r.failed[name] != nil {
		return "failed"
	}
	s, ok := r.median(name)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%s (%s)", seconds(s.Wall), seconds(s.CPU))
}

func floorCell(floor time.Duration, variants []string) string {
	if floor == 0 {
		return ""
	}
	return fmt.Sprintf("%s (%s)", seconds(floor), strings.Join(variants, " + "))
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f", d.Seconds()) }

func ratio(a, b time.Duration) string {
	if a == 0 || b == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", a.Seconds()/b.Seconds())
}

// wires is a second table, for the work whose octets were counted.
func wires(results []result) string {
	var b strings.Builder
	for _, r := range results {
		for _, e := range r.entrants {
			s, ok := r.median(e.name)
			if !ok || s.Octets == 0 {
				continue
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %.1f | %s | %s |\n", r.work, r.corpus, r.distance(), e.name,
				float64(s.Octets)/1000, r.share(s), r.trips(s))
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "\n| work | corpus | RTT | program | KB on the wire | of what is new | round trips |\n|---|---|---|---|---|---|---|\n" + b.String()
}

// share relates what went over the wires to what had to: the new messages, once at
// each end that IMAP reaches.
func (r result) share(s sample) string {
	needed := r.needed
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
