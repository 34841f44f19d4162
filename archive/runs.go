package archive

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"mailferry/archive/catalogue"
	"mailferry/transfer/mail"
)

// Run is one run in an archive's history.
type Run = catalogue.Run

// Runs returns the archive's history, oldest first.
func (a *Archive) Runs(ctx context.Context) ([]Run, error) {
	const op = "list runs"
	if err := a.usable(ctx, op, mail.Path{}); err != nil {
		return nil, err
	}
	list, err := a.cat.Runs(ctx)
	return list, fail(op, mail.Path{}, mail.ScopeStore, err)
}

// Source returns the account that the archive was last filled from, "" if none is known.
func (a *Archive) Source(ctx context.Context) (string, error) {
	source, err := a.cat.Source(ctx)
	return source, fail("read the archive", mail.Path{}, mail.ScopeStore, err)
}

// BeginRun implements mail.Historian. The error of another source is ErrOtherSource.
func (a *Archive) BeginRun(ctx context.Context, source string) error {
	const op = "begin a run"
	if err := a.writable(ctx, op, mail.Path{}); err != nil {
		return err
	}
	old, err := a.cat.Source(ctx)
	if err != nil {
		return fail(op, mail.Path{}, mail.ScopeStore, err)
	}
	if old != "" && mail.Visible(old) != mail.Visible(source) && !a.opts.NewSource {
		return refuse(op, a.root, fmt.Errorf("%w: it was filled from %s, not from %s", ErrOtherSource, old, source), mail.KindRefused,
			"use another directory; or --new-source if the account has moved")
	}
	if old != source {
		if err := a.writeReadme(source); err != nil {
			return fail(op, mail.Path{}, mail.ScopeStore, err)
		}
	}
	run, err := a.cat.BeginRun(ctx, source, a.now())
	if err != nil {
		return fail(op, mail.Path{}, mail.ScopeStore, err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.run, a.begun, a.marked = run, true, make(map[int64]bool)
	return nil
}

// MarkFolderGone implements mail.Historian.
func (a *Archive) MarkFolderGone(ctx context.Context, path mail.Path) error {
	const op = "mark gone"
	if err := a.writable(ctx, op, path); err != nil {
		return err
	}
	f, ok, err := a.cat.Folder(ctx, path)
	if err != nil || !ok || f.Gone > 0 {
		return fail(op, path, mail.ScopeStore, err)
	}
	a.mu.Lock()
	a.marked[f.ID] = true
	a.mu.Unlock()
	err = a.cat.MarkFolderGone(context.WithoutCancel(ctx), a.touch(), f.ID, !a.opts.AcceptLoss)
	return fail(op, path, mail.ScopeStore, err)
}

// EndRun implements mail.Historian.
func (a *Archive) EndRun(ctx context.Context, complete bool) error {
	const op = "end the run"
	if err := a.writable(ctx, op, mail.Path{}); err != nil {
		return err
	}
	a.mu.Lock()
	run, begun, changed, marked := a.run, a.begun, a.changed, a.marked
	a.begun, a.changed = false, false
	a.mu.Unlock()
	if !begun {
		return fail(op, mail.Path{}, mail.ScopeStore, errors.New("no run was begun"))
	}
	err := a.cat.EndRun(context.WithoutCancel(ctx), run, a.now(), complete, changed, marked)
	return fail(op, mail.Path{}, mail.ScopeStore, err)
}

// setView finds the run that Options.AsOf means.
func (a *Archive) setView(ctx context.Context) error {
	a.view.Gone = a.opts.WithGone
	if a.opts.AsOf == "" {
		return nil
	}
	runs, err := a.cat.Runs(ctx)
	if err != nil {
		return err
	}
	if len(runs) == 0 {
		return refuse(opOpen, a.root, errors.New("the archive knows of no run"), mail.KindNotFound, "leave --as-of out")
	}
	if n, err := strconv.ParseInt(a.opts.AsOf, 10, 64); err == nil {
		if n < 1 || n > runs[len(runs)-1].ID {
			return a.noSuchRun(runs, fmt.Errorf("there is no run %d", n))
		}
		a.view.Run = n
		return nil
	}
	day, err := parseDate(a.opts.AsOf)
	if err != nil {
		return a.noSuchRun(runs, err)
	}
	for _, r := range runs {
		if r.Started.Before(day) {
			a.view.Run = r.ID
		}
	}
	if a.view.Run == 0 {
		return a.noSuchRun(runs, fmt.Errorf("no run began by %s", a.opts.AsOf))
	}
	return nil
}

func (a *Archive) noSuchRun(runs []Run, err error) error {
	first, last := runs[0], runs[len(runs)-1]
	return refuse(opOpen, a.root, err, mail.KindNotFound, fmt.Sprintf("the runs are %d (%s) to %d (%s); list shows them",
		first.ID, first.Started.Format(time.DateOnly), last.ID, last.Started.Format(time.DateOnly)))
}

// parseDate returns the end of what text names: of the day, or of the second.
func parseDate(text string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t.Add(time.Second), nil
	}
	t, err := time.ParseInLocation(time.DateOnly, text, time.Local)
	if err != nil {
		return t, fmt.Errorf("%q is neither the number of a run nor a date", text)
	}
	return t.AddDate(0, 0, 1), nil
}
