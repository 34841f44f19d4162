package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

const slow = 40 * time.Millisecond

// rows are all lines of the table.
func rows() []row {
	var out []row
	add := func(work string, trip time.Duration, corpora ...string) {
		for _, c := range corpora {
			out = append(out, row{work, c, trip})
		}
	}
	add("migrate", 0, "real", "small")
	add("migrate", slow, "lat")
	add("backup-maildir", 0, "real", "small")
	add("backup-maildir", slow, "lat")
	add("backup-mbox", 0, "real", "small")
	add("backup-mbox", slow, "lat")
	for _, work := range []string{"restore-maildir", "restore-mbox"} {
		add(work, 0, "real", "small")
		add(work, slow, "lat")
	}
	for _, work := range []string{"unchanged-migrate", "unchanged-backup"} {
		add(work, 0, "real", "tiny")
		add(work, slow, "real", "tiny")
	}
	for _, work := range []string{"changed-migrate", "changed-backup"} {
		add(work, 0, "real")
		add(work, slow, "real")
	}
	return out
}

func kinds() []string {
	var out []string
	for _, r := range rows() {
		if !slices.Contains(out, r.work) {
			out = append(out, r.work)
		}
	}
	return out
}

// measure does one row.
func (l *lab) measure(ctx context.Context, r row, runs int) (result, error) {
	l.aLine.SetRoundTrip(0)
	l.bLine.SetRoundTrip(0)
	switch r.work {
	case "migrate":
		return l.firstRuns(ctx, r, runs, l.migrations, "read", "write")
	case "backup-maildir":
		return l.firstRuns(ctx, r, runs, l.backups, backupFloor(r, "disk"))
	case "backup-mbox":
		return l.firstRuns(ctx, r, runs, l.mboxBackups, backupFloor(r, ""))
	case "restore-maildir", "restore-mbox":
		return l.firstRuns(ctx, r, runs, l.restores, "write")
	case "unchanged-migrate", "unchanged-backup", "changed-migrate", "changed-backup":
		return l.secondRuns(ctx, r, runs)
	}
	return result{}, fmt.Errorf("no such work")
}

// backupFloor is the line's where it is slow.
func backupFloor(r row, near string) string {
	if r.trip > 0 {
		return "read"
	}
	return near
}

// distance sets how far away both servers are for who goes through the lines.
func (l *lab) distance(r row) {
	l.aLine.SetRoundTrip(r.trip)
	l.bLine.SetRoundTrip(r.trip)
}
