package main

import (
	"fmt"
	"strings"
	"time"
)

// table writes results in Markdown: wall time, then processor and memory, then
// the wire. Ratios below 1 mean that mailferry needed less.
func table(results []result) string {
	var b strings.Builder
	header(&b, append(append([]string{"work", "corpus", "RTT", "mailferry s"}, peerNames()...),
		"of the fastest", "floor s", "of the floor")...)
	for _, r := range results {
		r.times(&b)
	}
	b.WriteString("\n")
	header(&b, "work", "corpus", "RTT", "program", "CPU s", "µs a message", "of mbsync", "peak MB")
	for _, r := range results {
		r.costs(&b)
	}
	b.WriteString("\n")
	header(&b, "work", "corpus", "RTT", "program", "KB on the wire", "of what is new", "round trips")
	for _, r := range results {
		r.wires(&b)
	}
	return b.String()
}

func header(b *strings.Builder, cells ...string) {
	tableLine(b, cells...)
	b.WriteString("|" + strings.Repeat("---|", len(cells)) + "\n")
}

func tableLine(b *strings.Builder, cells ...string) {
	b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

func peerNames() (out []string) {
	for _, t := range tools()[1:] {
		out = append(out, t.name)
	}
	return out
}

// times is one line of the first table; the numbers in brackets are mailferry's
// time in relation to the peer's.
func (r result) times(b *strings.Builder) {
	ours, ok := r.median("mailferry")
	cells := []string{r.work, r.corpus, r.distance(), "failed"}
	if ok {
		cells[3] = seconds(ours.Wall)
	}
	for _, name := range peerNames() {
		cells = append(cells, r.peer(name, ours))
	}
	_, fastest := r.best(r.rival)
	floor, variants := r.floor()
	cells = append(cells, ratio(ours.Wall, fastest.Wall))
	if floor == 0 {
		cells = append(cells, "", "")
	} else {
		cells = append(cells, seconds(floor)+" ("+strings.Join(variants, " + ")+")", ratio(ours.Wall, floor))
	}
	tableLine(b, cells...)
}

func (r result) peer(name string, ours sample) string {
	if r.failed[name] != nil {
		return "failed"
	}
	s, ok := r.median(name)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%s (%s)", seconds(s.Wall), ratio(ours.Wall, s.Wall))
}

// rival reports whether a contestant does the same work with the same care. An
// mbox has no peer, and who does not sync serves as one.
func (r result) rival(e contestant) bool {
	return e.floor == "" && e.name != "mailferry" && (e.name != unsafePeer || r.work == "backup-mbox")
}

func (r result) distance() string {
	if r.trip == 0 {
		return "0"
	}
	return r.trip.String()
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f", d.Seconds()) }

func ratio(a, b time.Duration) string {
	if a == 0 || b == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", a.Seconds()/b.Seconds())
}
