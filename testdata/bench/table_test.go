package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// paced is a contestant that takes these times, one after the other.
func paced(name, floor string, order *[]string, milliseconds ...int) contestant {
	round := 0
	return contestant{name, floor, func() (sample, error) {
		*order = append(*order, name)
		round++
		if milliseconds[round-1] < 0 {
			return sample{}, errors.New("broken")
		}
		return sample{Wall: time.Duration(milliseconds[round-1]) * time.Millisecond}, nil
	}}
}

func TestMediansOfInterleavedRunsAreCompared(t *testing.T) {
	var order []string
	res, err := compete(context.Background(), row{"migrate", "real", 0}, []contestant{
		paced("mailferry", "", &order, 200, 900, 100),
		paced("mbsync", "", &order, 500, 400, 600),
		paced("doveadm", "", &order, 300, -1, 300),
		paced("read 1", "read", &order, 60, 50, 70),
		paced("read 4", "read", &order, 30, 40, 50),
		paced("append 1", "write", &order, 60, 60, 60),
	}, 3, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(order[:8], ","); got != "mailferry,mbsync,doveadm,read 1,read 4,append 1,mailferry,mbsync" {
		t.Errorf("order: %s", got)
	}
	if n := len(res.samples["doveadm"]); n != 1 || res.failed["doveadm"] == nil {
		t.Errorf("doveadm failed and has %d samples", n)
	}
	text := table([]result{res})
	want := "| migrate | real | 0 | 0.20 | 0.50 (0.40) |  | failed |  | 0.40 | 0.10 (read 4 + append 1) | 2.00 |\n"
	if !strings.Contains(text, want) {
		t.Errorf("table:\n%s\nwithout\n%s", text, want)
	}
}

func TestWhoDoesNotSyncIsARivalOnlyWhereNobodyElseIs(t *testing.T) {
	for work, want := range map[string]string{"backup-maildir": "1.00", "backup-mbox": "2.00"} {
		var order []string
		res, err := compete(context.Background(), row{work, "real", 0}, []contestant{
			paced("mailferry", "", &order, 400), paced("mbsync", "", &order, 400), paced(unsafePeer, "", &order, 200),
		}, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		if text := table([]result{res}); !strings.Contains(text, "| 0.40 | 0.40 (1.00) | 0.20 (2.00) |  |  | "+want+" |") {
			t.Errorf("%s: %s", work, text)
		}
	}
}

func TestFlagsChooseRows(t *testing.T) {
	for _, test := range []struct {
		args string
		want int
	}{
		{"", len(rows())},
		{"-rows migrate", 3},
		{"-rows unchanged-*,changed-* -corpus real -delay 0s", 4},
		{"-rows migrate -delay 40ms", 1},
		{"-rows nothing", 0},
	} {
		o, err := parse(strings.Fields(test.args))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, r := range rows() {
			if o.wants(r) {
				n++
			}
		}
		if n != test.want {
			t.Errorf("%q leaves %d rows", test.args, n)
		}
	}
	for _, args := range []string{"-runs 0", "real"} {
		if _, err := parse(strings.Fields(args)); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}
