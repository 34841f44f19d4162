package commands

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"mailferry/transfer"
)

// writeReport writes a run's account for people: a line for each folder, what is
// worth knowing besides (with more of it), and the verdict.
func writeReport(w io.Writer, r *transfer.Report, runErr error, more ...string) error {
	if err := folderTable(r).write(w); err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString("\n")
	for _, note := range append(notes(r), more...) {
		b.WriteString(note + "\n")
	}
	b.WriteString(verdict(r, runErr) + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func folderTable(r *transfer.Report) *table {
	copied := "COPIED"
	if r.DryRun {
		copied = "TO COPY"
	}
	t := &table{head: []string{"FOLDER", "FOUND", copied, "ALREADY THERE", "LEFT OUT", "FAILED", "BYTES"}}
	pending := r.Total.Pending > 0
	if pending {
		t.head = append(t.head, "PENDING")
	}
	row := func(name string, c transfer.Counts) {
		cells := []string{name, thousands(c.Found), thousands(c.Copied), thousands(c.Already), thousands(c.Out()),
			thousands(c.Failed), sizeText(c.Bytes)}
		if pending {
			cells = append(cells, thousands(c.Pending))
		}
		t.add(cells...)
	}
	for _, f := range r.Folders {
		row(pairText(f), f.Counts)
	}
	row("total", r.Total)
	return t
}

func pairText(f transfer.FolderReport) string {
	if f.Source == f.Dest {
		return folderText(f.Source)
	}
	return folderText(f.Source) + " -> " + folderText(f.Dest)
}

// notes are the lines that only some runs have.
func notes(r *transfer.Report) []string {
	var out []string
	note := func(n int, text string) {
		if n > 0 {
			out = append(out, fmt.Sprintf(text, thousands(n)))
		}
	}
	c := r.Total
	note(r.Skipped, "folders left out by --folder and --exclude: %s")
	note(c.Adopted, "recognised at the destination, where they were before: %s")
	note(c.Reflagged, "flags brought up to date on %s of the messages that were there")
	note(c.FlagsDropped, "flags and keywords that the destination cannot store: %s")
	note(c.InDoubt, "copied in doubt, perhaps a second time (listed): %s")
	note(c.Expunged, "deleted at the destination by --mirror: %s")
	note(r.Retries, "times that a folder was tried again after an error: %s")
	return out
}

// verdict says in one line whether everything is there. runErr is what ended the run
// early.
func verdict(r *transfer.Report, runErr error) string {
	c, folders := r.Total, count(len(r.Folders), "folder")
	if runErr != nil && len(r.Folders) == 0 {
		return "ended before anything was copied"
	}
	if r.DryRun && r.Complete() {
		return fmt.Sprintf("%s of %s of %s would be copied (%s already there%s); nothing was changed",
			thousands(c.Copied), count(c.Found, "message"), folders, thousands(c.Already), leftOutText(c))
	}
	if c.Failed == 0 && c.Pending > 0 && len(failedFolders(r)) == 0 {
		// Earlier runs may have copied what this one did not come to.
		return fmt.Sprintf("ended early: %s of %s were looked at and are at the destination%s; %s %s not reached in this run",
			thousands(c.Copied+c.Already), count(c.Found, "message"), leftOutText(c), thousands(c.Pending), oneOr(c.Pending, "was", "were"))
	}
	if n := c.Failed + c.Pending; n > 0 {
		return fmt.Sprintf("%s of %s %s NOT at the destination: see below", thousands(n), count(c.Found, "message"), oneOr(n, "is", "are"))
	}
	if failed := failedFolders(r); len(failed) > 0 {
		return fmt.Sprintf("%s of %s could NOT be finished: see below", thousands(len(failed)), folders)
	}
	sum := fmt.Sprintf("(%s copied, %s already there%s)", thousands(c.Copied), thousands(c.Already), leftOutText(c))
	if out := c.Out(); out > 0 {
		return fmt.Sprintf("%s of %s of %s are at the destination, the others were left out on purpose %s",
			thousands(c.Found-out), count(c.Found, "message"), folders, sum)
	}
	if c.Found == 1 {
		return fmt.Sprintf("the 1 message of %s is at the destination %s", folders, sum)
	}
	return fmt.Sprintf("all %s of %s are at the destination %s", count(c.Found, "message"), folders, sum)
}

// leftOutText lists the reasons for which messages were left out: ", 3 larger than --max-size".
func leftOutText(c transfer.Counts) string {
	var reasons []transfer.Reason
	for reason, n := range c.LeftOut {
		if n > 0 {
			reasons = append(reasons, reason)
		}
	}
	slices.Sort(reasons)
	var b strings.Builder
	for _, reason := range reasons {
		fmt.Fprintf(&b, ", %s %s", thousands(c.LeftOut[reason]), reason)
		if reason == transfer.ReasonDeleted {
			b.WriteString(" and copied again only with --full")
		}
	}
	return b.String()
}

// failedFolders are those that could not be finished for a reason of their own.
func failedFolders(r *transfer.Report) []transfer.FolderReport {
	var out []transfer.FolderReport
	for _, f := range r.Folders {
		if f.Err != nil && !errors.Is(f.Err, transfer.ErrStopped) && !isCancelled(f.Err) {
			out = append(out, f)
		}
	}
	return out
}

// missing says what a run that went to its end did not do.
func missing(r *transfer.Report) string {
	n := r.Total.Failed + r.Total.Pending
	folders := len(failedFolders(r))
	switch {
	case folders == 0:
		return count(n, "message") + " could not be copied"
	case n == 0:
		return count(folders, "folder") + " could not be finished"
	}
	return fmt.Sprintf("%s and %s could not be finished", count(n, "message"), count(folders, "folder"))
}

// reportHint returns the advice of the first error that has one.
func reportHint(r *transfer.Report) string {
	for _, f := range r.Folders {
		if h := hintOf(f.Err); f.Err != nil && h != "" {
			return h
		}
	}
	for _, p := range r.Problems {
		if h := hintOf(p.Err); p.Kind == transfer.ProblemFailed && p.Err != nil && h != "" {
			return h
		}
	}
	return "run the same command again: it tries only what is missing"
}
