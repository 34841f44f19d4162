package main

import (
	"context"
	"os/exec"
	"path/filepath"
)

// firstRuns measures work that starts from nothing each time.
func (l *lab) firstRuns(ctx context.Context, r row, runs int,
	entrants func(row, string) ([]contestant, error), floors ...string) (result, error) {
	user, err := l.source(r.corpus, "")
	if err != nil {
		return result{}, err
	}
	all, err := entrants(r, user)
	if err != nil {
		return result{}, err
	}
	for _, kind := range floors {
		all = append(all, l.floors(kind, r, user)...)
	}
	l.distance(r)
	return compete(ctx, r, all, runs, nil)
}

// once does a job that nobody did before, checks it and removes it.
func (l *lab) once(r row, t tool, user string, command func(*lab, job) (*exec.Cmd, error), check func(job) error) (sample, error) {
	j, err := l.newJob(t, user)
	if err != nil {
		return sample{}, err
	}
	if r.trip > 0 {
		j = l.throughLines(j)
	}
	cmd, err := command(l, j)
	if err != nil {
		return sample{}, err
	}
	s, err := l.run(cmd)
	if err == nil && check != nil {
		err = check(j)
	}
	if err != nil {
		return s, err
	}
	return s, l.drop(j)
}

func (l *lab) migrations(r row, user string) (out []contestant, err error) {
	for _, t := range tools() {
		if t.migrate != nil && t.installed() {
			out = append(out, contestant{t.name, "", func() (sample, error) {
				return l.once(r, t, user, t.migrate, func(j job) error { return l.complete(user, j.account) })
			}})
		}
	}
	return out, nil
}

func (l *lab) backups(r row, user string) (out []contestant, err error) {
	for _, t := range tools() {
		if t.backup != nil && t.installed() {
			out = append(out, contestant{t.name, "", func() (sample, error) {
				return l.once(r, t, user, t.backup, nil)
			}})
		}
	}
	return out, nil
}

// mboxBackups has no peer that writes mbox: the others write a Maildir.
func (l *lab) mboxBackups(r row, user string) ([]contestant, error) {
	all, err := l.backups(r, user)
	all[0].once = func() (sample, error) {
		return l.once(r, tools()[0], user, func(l *lab, j job) (*exec.Cmd, error) {
			j.format = "mbox"
			return mailferryBackup(l, j)
		}, nil)
	}
	return all, err
}

// restores puts back an archive that lies in memory, as the servers' mail does.
func (l *lab) restores(r row, user string) ([]contestant, error) {
	made, err := l.newJob(tools()[0], user)
	if err != nil {
		return nil, err
	}
	made.archive = filepath.Join(l.memory, made.account)
	if r.work == "restore-mbox" {
		made.format = "mbox"
	}
	cmd, err := mailferryBackup(l, made)
	if err != nil {
		return nil, err
	}
	if _, err := l.run(cmd); err != nil {
		return nil, err
	}
	restore := func(l *lab, j job) (*exec.Cmd, error) {
		j.archive, j.format = made.archive, made.format
		return mailferryRestore(l, j)
	}
	return []contestant{{"mailferry", "", func() (sample, error) {
		return l.once(r, tools()[0], user, restore, func(j job) error { return l.complete(user, j.account) })
	}}}, nil
}
