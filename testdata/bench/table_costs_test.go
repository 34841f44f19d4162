package main

import (
	"context"
	"strings"
	"testing"
	"time"
)

func TestEachRunIsHeldAgainstWhatWasNewBeforeIt(t *testing.T) {
	runs := []sample{
		{Wall: 3 * time.Second, Octets: 9000, Needed: 1000, Trips: 9},
		{Wall: 2 * time.Second, Octets: 5000, Needed: 2000, Trips: 7},
		{Wall: 1 * time.Second, Octets: 9000, Needed: 3000, Trips: 9},
	}
	for _, test := range []struct {
		work string
		trip time.Duration
		want string
	}{
		{"changed-backup", slow, "| 5.0 | 2.50 | 7 |"},
		{"changed-migrate", slow, "| 5.0 | 1.25 | 7 |"}, // both ends are reached by a wire
		{"changed-migrate", 0, "| 5.0 | 1.25 |  |"},
	} {
		round := -1
		once := func() (sample, error) { round++; return runs[round], nil }
		res, err := compete(context.Background(), row{test.work, "real", test.trip},
			[]contestant{{"mailferry", "", once}}, len(runs), nil)
		if err != nil {
			t.Fatal(err)
		}
		if text := table([]result{res}); !strings.Contains(text, "| mailferry "+test.want) {
			t.Errorf("%s %v: %s\nwithout %s", test.work, test.trip, text, test.want)
		}
	}
}
