package commands

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"mailferry/archive"
	"mailferry/transfer"
	"mailferry/transfer/ledger"
	"mailferry/transfer/mail"
)

// checkSource refuses to fill an archive from another account, before that is contacted.
func (m *migration) checkSource(ctx context.Context) error {
	a, ok := m.job.Dest.(*archive.Archive)
	if !ok || m.archive.NewSource {
		return nil
	}
	was, err := a.Source(ctx)
	if err != nil {
		return archiveFailure(transfer.EndDest, err)
	}
	if is := m.job.Source.String(); was != "" && mail.Visible(was) != mail.Visible(is) {
		return usage(fmt.Sprintf("the archive holds another account: it was filled from %s, not from %s", was, is),
			"use another directory; or "+newSourceHint(m.command))
	}
	return nil
}

func newSourceHint(command string) string {
	if command == "backup" {
		return "--new-source if the account has moved"
	}
	return "mailferry backup --new-source if the account has moved"
}

// openLedger opens the record of what was done. An archive holds its own.
func (m *migration) openLedger() error {
	a, inArchive := m.job.Dest.(*archive.Archive)
	_, none := m.job.Dest.(vacant)
	switch {
	case m.state != "":
		if err := checkState(m.state); err != nil {
			return err
		}
	case none:
		return nil
	case inArchive:
		m.state, m.ownRecord = filepath.Join(a.Dir(), "ledger.db"), true
	default:
		m.state = m.w.statePath(m.source, m.dest)
	}
	dest := identity(m.dest)
	if m.ownRecord {
		dest = "archive" // it may be moved, and its record with it
	}
	open := func() (transfer.Ledger, error) {
		return m.w.engine.ledger(m.state, identity(m.source), dest, m.job.DryRun)
	}
	if inArchive {
		// What a run that was killed had written is there: no server is still at work on it.
		m.job.Timing.Settle = time.Millisecond
	}
	l, err := open()
	if m.ownRecord && isVoid(err) {
		m.w.warn("%v; it is made again", err)
		if m.job.DryRun {
			return nil
		}
		if err := setAsideLedger(m.state); err != nil {
			return recordError(m.state, err)
		}
		l, err = open()
	}
	if err != nil {
		return recordError(m.state, m.blame(err))
	}
	m.job.Ledger = l
	return nil
}

// isVoid reports whether a ledger is of no use any more. That of an archive can be made
// again: the archive itself knows where its messages came from.
func isVoid(err error) bool {
	var known *mail.Error
	return errors.Is(err, ledger.ErrOtherAccounts) || errors.As(err, &known) && known.Kind == mail.KindDamaged
}

func setAsideLedger(path string) error {
	for _, suffix := range []string{"-wal", "-shm", ".lock", ""} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// blame says of an error of the record that it is the archive's, if it is there that it lies:
// then the disk that is full is the destination's.
func (m *migration) blame(err error) error {
	var end *transfer.EndError
	var known *mail.Error
	if !m.ownRecord || errors.As(err, &end) || !errors.As(err, &known) || known.Kind != mail.KindSpace {
		return err
	}
	return &transfer.EndError{End: transfer.EndDest, Err: err}
}

// extra is what a report tells besides, when an end is an archive.
type extra struct {
	notes  []string
	fields object // of the summary
}

func (e *extra) add(n int64, key, text string) {
	e.fields[key] = n
	if n > 0 {
		e.notes = append(e.notes, fmt.Sprintf(text, thousands(n)))
	}
}

// besides gathers what archives know of a run. What they cannot tell is left out.
func (m *migration) besides(ctx context.Context, r *transfer.Report) extra {
	e := extra{fields: object{}}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if a, ok := m.job.Source.(*archive.Archive); ok {
		m.warnUnfinished(ctx, a)
		if n, err := m.goneIn(ctx, a); err == nil && !m.archive.WithGone {
			e.add(n, "gone_left_out", "in the archive, but left out because the source had lost them (--with-gone brings them too): %s")
		}
	}
	a, ok := m.job.Dest.(*archive.Archive)
	if !ok || m.job.DryRun {
		return e
	}
	runs, err := a.Runs(ctx)
	if err != nil || len(runs) == 0 || runs[len(runs)-1].Started.Before(r.Started.Truncate(time.Millisecond)) {
		return e
	}
	last := runs[len(runs)-1]
	e.fields["archive_run"] = last.ID
	e.add(last.Gone, "gone", "vanished from the source, kept in the archive and marked as gone: %s")
	// Whoever runs this unattended reads no report, but has to know of it.
	n, err := m.suspects(ctx, a, r, runs)
	if err != nil {
		m.w.warn("what is suspect in the archive cannot be counted: %v", err)
	}
	n = max(n, last.Suspect)
	if e.fields["suspect"], e.fields["suspect_in_all"] = last.Suspect, n; n > 0 {
		m.w.warn("%s vanished from the source, so many at once that they stay current in the archive; if that was meant, run again with --accept-loss",
			count(n, "message"))
	}
	return e
}

// warnUnfinished says that an archive was never filled to the end: all of it may be at the destination,
// and that is not all the account had.
func (m *migration) warnUnfinished(ctx context.Context, a *archive.Archive) {
	m.w.warnUnfinished(ctx, a, m.isAsOf)
}

// warnUnfinished looks at the runs that counts chooses. An archive without runs but with mail has lost its history.
func (w *world) warnUnfinished(ctx context.Context, a *archive.Archive, counts func(archive.Run) bool) {
	runs, err := a.Runs(ctx)
	if err != nil || slices.ContainsFunc(runs, func(r archive.Run) bool { return r.Complete && counts(r) }) {
		return
	}
	if held, err := messagesIn(ctx, a); len(runs) == 0 && (err != nil || held > 0) {
		return
	}
	w.warn("no run has yet filled the archive with the whole account, so it may lack mail; mailferry list shows its runs")
}

// isAsOf reports whether a run belongs to the state that is restored.
func (m *migration) isAsOf(r archive.Run) bool {
	asOf := m.archive.AsOf
	if n, err := strconv.ParseInt(asOf, 10, 64); err == nil {
		return r.ID <= n
	}
	return asOf == "" || r.Started.Format(time.DateOnly) <= asOf
}

// goneIn counts the messages of the archive that its view leaves out because they are gone.
func (m *migration) goneIn(ctx context.Context, a *archive.Archive) (int64, error) {
	runs, err := a.Runs(ctx)
	if err == nil && !slices.ContainsFunc(runs, mayHaveMarked) {
		return 0, nil // to count takes a look at every message
	}
	all, err := archive.Open(ctx, m.source.path, archive.Options{AsOf: m.archive.AsOf, WithGone: true})
	if err != nil {
		return 0, err
	}
	defer all.Close()
	there, err := messagesIn(ctx, a)
	if err != nil {
		return 0, err
	}
	held, err := messagesIn(ctx, all)
	return held - there, err
}

// mayHaveMarked reports whether messages may be gone since that run. One that was killed has not counted them.
func mayHaveMarked(r archive.Run) bool { return r.Gone > 0 || r.Ended.IsZero() }

func messagesIn(ctx context.Context, s mail.Source) (n int64, err error) {
	folders, err := s.Folders(ctx)
	for _, f := range folders {
		n += int64(statusOf(f).Messages)
	}
	return n, err
}
