package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// row is one line of the table: a kind of work on a corpus over a line.
type row struct {
	work   string
	corpus string
	trip   time.Duration
}

func (r row) String() string { return fmt.Sprintf("%s %s %v", r.work, r.corpus, r.trip) }

// contestant does the work of a row once, as often as it is asked.
type contestant struct {
	name  string
	floor string // kind of floor that it is a variant of; empty: it is a tool
	once  func() (sample, error)
}

// result holds the samples of each contestant, in the order of the runs.
type result struct {
	row
	entrants []contestant
	samples  map[string][]sample
	failed   map[string]error
}

// compete lets all contestants run in turn, so often. Who fails is out.
func compete(ctx context.Context, r row, entrants []contestant, runs int, before func(round int) error) (result, error) {
	res := result{row: r, entrants: entrants, samples: map[string][]sample{}, failed: map[string]error{}}
	for round := range runs {
		if before != nil {
			if err := before(round); err != nil {
				return res, err
			}
		}
		for _, e := range entrants {
			if err := ctx.Err(); err != nil {
				return res, err
			}
			if res.failed[e.name] != nil {
				continue
			}
			s, err := e.once()
			if err != nil {
				res.failed[e.name] = err
				continue
			}
			res.samples[e.name] = append(res.samples[e.name], s)
		}
	}
	return res, nil
}

// median is the sample of median wall time.
func (r result) median(name string) (sample, bool) {
	all := slices.Clone(r.samples[name])
	if len(all) == 0 || r.failed[name] != nil {
		return sample{}, false
	}
	slices.SortFunc(all, func(a, b sample) int { return cmp.Compare(a.Wall, b.Wall) })
	return all[len(all)/2], true
}

// best is the fastest by its median of those that the filter lets through.
func (r result) best(among func(contestant) bool) (name string, s sample) {
	for _, e := range r.entrants {
		if m, ok := r.median(e.name); ok && among(e) && (name == "" || m.Wall < s.Wall) {
			name, s = e.name, m
		}
	}
	return name, s
}

// floor is the sum over the kinds of floor of the fastest variant of each.
func (r result) floor() (sum time.Duration, names []string) {
	var kinds []string
	for _, e := range r.entrants {
		if e.floor != "" && !slices.Contains(kinds, e.floor) {
			kinds = append(kinds, e.floor)
		}
	}
	for _, kind := range kinds {
		if name, s := r.best(func(e contestant) bool { return e.floor == kind }); name != "" {
			sum += s.Wall
			names = append(names, name)
		}
	}
	return sum, names
}
