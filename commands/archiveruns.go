package commands

import (
	"context"
	"fmt"
	"io"
	"time"

	"mailferry/archive"
	"mailferry/transfer/mail"
)

// runsOf returns the history of a store, if it has one.
func runsOf(ctx context.Context, store mail.Source) ([]archive.Run, error) {
	if a, ok := store.(*archive.Archive); ok {
		return a.Runs(ctx)
	}
	return nil, nil
}

// writeRuns writes the history of an archive for people, with the numbers that --as-of takes.
func writeRuns(w io.Writer, runs []archive.Run) error {
	if len(runs) == 0 {
		return nil
	}
	t := &table{head: []string{"RUN", "BEGUN", "NEW", "REFLAGGED", "GONE", "SUSPECT", "SOURCE", ""}, left: map[int]bool{1: true, 6: true, 7: true}}
	for _, r := range runs {
		t.add(fmt.Sprint(r.ID), r.Started.Format("2006-01-02 15:04:05 -0700"), thousands(r.Added), thousands(r.Reflagged),
			thousands(r.Gone), thousands(r.Suspect), shown(r.Source), runText(r))
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	return t.write(w)
}

func runText(r archive.Run) string {
	switch {
	case r.Ended.IsZero():
		return "did not end"
	case !r.Complete:
		return "not the whole account"
	}
	return ""
}

func runObject(r archive.Run) object {
	o := object{"type": "run", "run": r.ID, "started": r.Started.Format(time.RFC3339), "source": shown(r.Source), "complete": r.Complete,
		"new": r.Added, "flags_changed": r.Reflagged, "gone": r.Gone, "suspect": r.Suspect}
	if !r.Ended.IsZero() {
		o["ended"] = r.Ended.Format(time.RFC3339)
	}
	return o
}
