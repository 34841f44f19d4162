package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"mailferry/testdata/bench/corpus"
)

// kept is a tool with a copy that it has made and keeps up to date.
type kept struct {
	tool
	job
	command func(*lab, job) (*exec.Cmd, error)
}

// secondRuns measures runs over a copy that exists, while the source stays as it
// is or changes a little between the rounds.
func (l *lab) secondRuns(ctx context.Context, r row, runs int) (result, error) {
	changes := strings.HasPrefix(r.work, "changed")
	purpose := ""
	if changes {
		purpose = "-" + l.fresh("changing")
	}
	user, err := l.source(r.corpus, purpose)
	if err != nil {
		return result{}, err
	}
	copies, err := l.copiesOf(user, r.work)
	if err != nil {
		return result{}, err
	}
	var needed int64
	var before func(int) error
	if changes {
		before = func(round int) error {
			var err error
			needed, err = l.change(user, r.corpus, round)
			return err
		}
	}
	l.distance(r)
	res, err := compete(ctx, r, l.again(copies, &needed), runs, before)
	for _, c := range copies {
		if err == nil && changes {
			err = l.drop(c.job)
		}
	}
	return res, err
}

// copiesOf makes the copies that a kind of work begins with, or returns those
// that it left as they were.
func (l *lab) copiesOf(user, work string) ([]kept, error) {
	if made := l.copies[work+" "+user]; made != nil {
		return made, nil
	}
	made, err := l.firstCopies(user, strings.HasSuffix(work, "backup"))
	if err == nil && strings.HasPrefix(work, "unchanged") {
		l.copies[work+" "+user] = made
	}
	return made, err
}

// firstCopies lets every tool make its copy.
func (l *lab) firstCopies(user string, backup bool) (out []kept, err error) {
	for _, t := range tools() {
		command := t.migrate
		if backup {
			command = t.backup
		}
		if command == nil || !t.installed() {
			continue
		}
		j, err := l.newJob(t, user)
		if err != nil {
			return nil, err
		}
		if t.program != "" && many(user) {
			j.archive = filepath.Join(l.memory, j.account)
		}
		c := kept{t, l.throughLines(j), command}
		cmd, err := c.command(l, c.job)
		if err != nil {
			return nil, err
		}
		if _, err := l.run(cmd); err != nil {
			return nil, fmt.Errorf("first run: %w", err)
		}
		out = append(out, c)
	}
	return out, nil
}

// many reports whether the peers' first copy of an account is made in memory: on a
// disk it takes minutes, and to look at it again can only be faster there.
func many(user string) bool {
	c, err := corpus.Named(user)
	return err == nil && c.Messages() > 50_000
}

// again lets each copy catch up with what came new, of which needed tells the octets.
func (l *lab) again(copies []kept, needed *int64) (out []contestant) {
	for _, c := range copies {
		out = append(out, contestant{c.tool.name, "", func() (sample, error) {
			cmd, err := c.command(l, c.job)
			if err != nil {
				return sample{}, err
			}
			l.aLine.Quiet()
			l.bLine.Quiet()
			l.meter.Reset()
			s, err := l.run(cmd)
			s.Octets, s.Trips = l.meter.Read()
			s.Needed = *needed
			return s, err
		}})
	}
	return out
}
