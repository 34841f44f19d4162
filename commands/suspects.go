package commands

import (
	"context"

	"mailferry/archive"
	"mailferry/transfer"
	"mailferry/transfer/mail"
)

// suspects counts the messages that stay current in the archive though the source does not have them any more. The
// archive's history tells them of the run that found them missing only, and whoever reads no report has
// to hear of them until they say whether that was meant.
func (m *migration) suspects(ctx context.Context, a *archive.Archive, r *transfer.Report, runs []archive.Run) (int64, error) {
	folders, err := a.Folders(ctx)
	if err != nil {
		return 0, err
	}
	held := make(map[mail.Path]int64)
	for _, f := range folders {
		held[f.Path] = int64(statusOf(f).Messages)
	}
	vanished, err := m.vanishedFolders(ctx, r)
	if err != nil {
		return 0, err
	}
	var n int64
	for _, path := range vanished {
		n += held[path]
	}
	return n + min(beyondSource(r, held), everSuspect(runs)), nil
}

// vanishedFolders are folders of the archive that none of the source's is copied to any more. What a filter
// leaves out is not known to have vanished.
func (m *migration) vanishedFolders(ctx context.Context, r *transfer.Report) ([]mail.Path, error) {
	if r.Skipped > 0 || m.job.Ledger == nil {
		return nil, nil
	}
	fed := make(map[mail.Path]bool)
	for _, f := range r.Folders {
		fed[f.Dest] = true
	}
	pairs, err := m.job.Ledger.Pairs(ctx)
	var out []mail.Path
	for _, p := range pairs {
		if !fed[p.Dest] {
			fed[p.Dest] = true
			out = append(out, p.Dest)
		}
	}
	return out, err
}

// beyondSource counts what the archive's folders hold beyond what the source's do, of those that were done.
func beyondSource(r *transfer.Report, held map[mail.Path]int64) (n int64) {
	here := make(map[mail.Path]int64) // of the source, by folder of the archive
	done := make(map[mail.Path]bool)
	for _, f := range r.Folders {
		c := f.Counts
		here[f.Dest] += int64(c.Found - c.Out())
		before, known := done[f.Dest]
		done[f.Dest] = f.Err == nil && c.Pending == 0 && (before || !known)
	}
	for path, whole := range done {
		if whole {
			n += max(0, held[path]-here[path])
		}
	}
	return n
}

// everSuspect bounds the suspects by those that runs have found. An archive may hold mail beyond its source
// for another reason: the account has moved, and did not take all of it along.
func everSuspect(runs []archive.Run) (n int64) {
	source := runs[len(runs)-1].Source
	for _, r := range runs {
		if r.Source == source {
			n += r.Suspect
		}
	}
	return n
}
