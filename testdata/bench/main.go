// Command bench measures mailferry against other programs that do the same work,
// and against what the servers and the disk allow at all, and prints a table.
//
//	go run ./testdata/bench -rows migrate -corpus real
//
// It needs Dovecot; mbsync (package isync) and interimap are left out where they
// are not installed. README.md tells what is measured how.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"mailferry/testdata/bench/floor"
)

type options struct {
	rows, corpora, delays []string
	runs                  int
	memory, serve, keep   bool
	out, mailferry        string
	memoryDir, diskDir    string
}

func main() {
	var err error
	switch {
	case len(os.Args) > 1 && os.Args[1] == "floor":
		err = floor.Main(os.Args[2:], os.Stdout)
	case len(os.Args) > 2 && os.Args[1] == "stopwatch":
		err = stopwatch(os.Args[2:])
	default:
		err = bench(os.Args[1:])
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parse(args []string) (o options, err error) {
	set := flag.NewFlagSet("bench", flag.ContinueOnError)
	list := func(into *[]string) func(string) error {
		return func(text string) error { *into = strings.Split(text, ","); return nil }
	}
	set.Func("rows", "only these kinds of work; globs, by commas: "+strings.Join(kinds(), " "), list(&o.rows))
	set.Func("corpus", "only these corpora, by commas: real small tiny lat", list(&o.corpora))
	set.Func("delay", "only these round-trip times, by commas: 0s 40ms", list(&o.delays))
	set.IntVar(&o.runs, "runs", 3, "interleaved runs, of which the median counts")
	set.BoolVar(&o.memory, "memory", false, "measure peak memory with a million messages and with large ones instead")
	set.BoolVar(&o.serve, "serve", false, "only start the servers with the corpora named by -corpus, until interrupted")
	set.BoolVar(&o.keep, "keep", false, "keep configurations, states and mail")
	set.StringVar(&o.out, "out", "", "write the table to this file too")
	set.StringVar(&o.mailferry, "mailferry", "", "measure this binary; without it, one is built")
	set.StringVar(&o.memoryDir, "tmpfs", "/dev/shm", "where the servers keep their mail")
	set.StringVar(&o.diskDir, "disk", "/var/tmp", "where archives and states are written")
	if err = set.Parse(args); err == nil && (set.NArg() > 0 || o.runs < 1) {
		err = errors.New("flags only, and at least one run")
	}
	return o, err
}

// wants reports whether the flags leave the row in.
func (o options) wants(r row) bool {
	among := func(all []string, name string) bool {
		return len(all) == 0 || slices.ContainsFunc(all, func(glob string) bool {
			ok, err := path.Match(glob, name)
			return err == nil && ok
		})
	}
	return among(o.rows, r.work) && among(o.corpora, r.corpus) &&
		(len(o.delays) == 0 || slices.ContainsFunc(o.delays, func(text string) bool {
			d, err := time.ParseDuration(text)
			return err == nil && d == r.trip
		}))
}

func bench(args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	l, err := openLab(ctx, o)
	if err != nil {
		return err
	}
	measure := l.measureRows
	switch {
	case o.memory:
		measure = l.measureMemory
	case o.serve:
		measure = l.serve
	}
	text, err := measure(ctx, o)
	fmt.Print(text)
	if o.out != "" && text != "" {
		err = errors.Join(err, os.WriteFile(o.out, []byte(text), 0o644))
	}
	return errors.Join(err, l.close())
}

// measureRows returns the table, also of what was done before it failed. That
// somebody failed in a row is an error too.
func (l *lab) measureRows(ctx context.Context, o options) (string, error) {
	var results []result
	var failures []error
	for _, r := range rows() {
		if !o.wants(r) {
			continue
		}
		start := time.Now()
		res, err := l.measure(ctx, r, o.runs)
		for name, failure := range res.failed {
			failures = append(failures, fmt.Errorf("%s: %s: %w", r, name, failure))
		}
		if err != nil {
			return table(results), fmt.Errorf("%s: %w", r, err)
		}
		fmt.Fprintf(l.log, "%s: %.0f s\n", r, time.Since(start).Seconds())
		results = append(results, res)
	}
	if len(results) == 0 {
		return "", errors.New("the flags leave no row")
	}
	return table(results), errors.Join(failures...)
}
