package commands

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"mailferry/transfer"
	"mailferry/transfer/mail"
)

func (w *world) migrateCommand(h *halt) *cli.Command {
	ends := endFlags(transfer.EndSource, transfer.EndDest)
	return command(cli.Command{
		Name:      "migrate",
		Usage:     "copy an account into another; run again, it copies what is new",
		ArgsUsage: "SOURCE DESTINATION",
		Description: `The source is only read. Nothing is deleted at the destination, unless by --mirror.
A run that was stopped, in whatever way, goes on when the same command is given again.

Try first what would happen:

   mailferry migrate --dry-run imaps://anna@old.example imaps://anna@new.example`,
		Flags:  join(folderFlags(), copyFlags(), outputFlags(), ends, configFlag()),
		Action: func(c *cli.Context) error { return w.migrate(c, h) },
	})
}

func (w *world) migrate(c *cli.Context, h *halt) error {
	if err := arguments(c, 2, 2, "a source and a destination"); err != nil {
		return err
	}
	out, err := outputOf(c)
	if err != nil {
		return err
	}
	job, err := copyJob(c)
	if err != nil {
		return err
	}
	if err := checkReportFile(c.String("report")); err != nil {
		return err
	}
	ts, err := w.targets(c.Context, c, transfer.EndSource, transfer.EndDest)
	if err != nil {
		return err
	}
	m := &migration{w: w, out: out, job: job, report: c.String("report"), source: ts[0].address, dest: ts[1].address}
	if m.source.sameAccount(m.dest) && len(job.Map) == 0 && job.Into.IsZero() {
		return usage("source and destination are the same account", "to copy within an account say where to: --into FOLDER or --map 'A=B'")
	}
	if m.state = c.String("state"); m.state == "" {
		m.state = w.statePath(m.source, m.dest)
	}
	done, err := w.openBoth(c, ts, &m.job)
	if err != nil {
		return err
	}
	defer done()
	return m.run(c.Context, h)
}

// migration is one run of migrate.
type migration struct {
	w            *world
	out          output
	job          transfer.Job
	source, dest address
	state        string
	report       string // file; empty: none
}

func (m *migration) run(ctx context.Context, h *halt) error {
	ledger, err := m.w.engine.ledger(m.state, identity(m.source), identity(m.dest), m.job.DryRun)
	if err != nil {
		return recordError(m.state, err)
	}
	defer ledger.Close()
	m.job.Ledger = ledger
	if !m.job.DryRun {
		m.job.SpoolDir = filepath.Dir(m.state)
	}
	m.job.Stop = h.beGentle()

	var events *jsonEvents
	if m.out.json {
		events = &jsonEvents{lines: &jsonLines{w: m.w.stdout}, command: "migrate", source: m.job.Source.String(),
			dest: m.job.Dest.String(), dryRun: m.job.DryRun, told: make(map[mail.Path]bool)}
	}
	p := m.w.newProgress(m.out, events)
	m.job.Observe = p.observe
	stop := p.start(ctx)
	report, err := m.w.engine.run(ctx, m.job)
	stop()
	if m.job.DryRun {
		p.meter.fillPlanned(report)
	}
	return m.finish(report, withAccount(err, m.source, m.dest), events)
}

// finish tells what came of a run, in every form that was asked for.
func (m *migration) finish(report *transfer.Report, runErr error, events *jsonEvents) error {
	err := m.outcome(report, runErr)
	if events != nil {
		events.finish(report, runErr)
	} else if err != nil && len(report.Folders) > 0 || err == nil && !m.out.quiet {
		if werr := writeReport(m.w.stdout, report, runErr); werr != nil && err == nil {
			err = werr
		}
	}
	if err == nil {
		m.mention(report)
	}
	if m.report != "" {
		if werr := writeReportFile(m.report, m.source.String(), m.dest.String(), report, runErr); err == nil {
			err = werr
		}
	}
	return err
}

// outcome is nil only if everything is where it should be.
func (m *migration) outcome(report *transfer.Report, err error) error {
	if err == nil && report.Complete() {
		return nil
	}
	e := &runError{err: err, report: report}
	if errors.Is(err, transfer.ErrStopped) || isCancelled(err) {
		e.next = fmt.Sprintf("to go on, give the same command again; what is done is recorded in %s", m.state)
	}
	return e
}

// mention lists messages that are there, but not quite as they should be.
func (m *migration) mention(r *transfer.Report) {
	for _, line := range problemLines(r) {
		m.w.warn("%s", line)
	}
}

func isCancelled(err error) bool { return errors.Is(err, context.Canceled) }
