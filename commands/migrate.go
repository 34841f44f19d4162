package commands

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"mailferry/archive"
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

Either end may be an archive: mailferry help addresses.

Try first what would happen:

   mailferry migrate --dry-run imaps://anna@old.example imaps://anna@new.example`,
		Flags: join(folderFlags(), copyFlags(), outputFlags(), ends, configFlag()),
		Action: func(c *cli.Context) error {
			m := &migration{w: w, command: "migrate", takes: "a source and a destination"}
			return m.start(c, h)
		},
	})
}

// start reads the command line, opens both ends and runs.
func (m *migration) start(c *cli.Context, h *halt) (err error) {
	w := m.w
	if err := arguments(c, 2, 2, m.takes); err != nil {
		return err
	}
	if m.out, err = outputOf(c); err != nil {
		return err
	}
	if m.job, err = copyJob(c); err != nil {
		return err
	}
	if err := checkReportFile(c.String("report")); err != nil {
		return err
	}
	ends := []transfer.End{transfer.EndSource, transfer.EndDest}
	cfg, ts, err := w.named(c, ends...)
	if err != nil {
		return err
	}
	m.report, m.state, m.source, m.dest = c.String("report"), c.String("state"), ts[0].address, ts[1].address
	if err := m.admit(); err != nil {
		return err
	}
	if err := w.unlock(c.Context, c, cfg, ts, len(ends)); err != nil {
		return err
	}
	m.archive.Write = true
	done, err := w.openBoth(c, ts, &m.job, m.archive, &m.reached)
	if err != nil {
		return err
	}
	defer done()
	return m.run(c.Context, h)
}

// admit refuses ends that do not go together, before anybody is asked for a password.
func (m *migration) admit() error {
	if m.fits != nil {
		if err := m.fits(m.source, m.dest); err != nil {
			return err
		}
	}
	if err := admitPlaces(m.source, m.dest); err != nil {
		return err
	}
	same := m.source.sameAccount(m.dest)
	switch {
	case same && m.source.isArchive():
		return usage("source and destination are the same archive", "")
	case same && len(m.job.Map) == 0 && m.job.Into.IsZero():
		return usage("source and destination are the same account", "to copy within an account say where to: --into FOLDER or --map 'A=B'")
	}
	return nil
}

// migration is one run of migrate, backup or restore.
type migration struct {
	w            *world
	command      string
	takes        string                           // the arguments, in words
	fits         func(source, dest address) error // what else the ends must be; nil: anything
	archive      archive.Options                  // how an archive is opened, at either end
	out          output
	job          transfer.Job
	source, dest address
	state        string // file of the record
	ownRecord    bool   // the record lies in the archive
	report       string // file; empty: none
	reached      reach
}

func (m *migration) run(ctx context.Context, h *halt) error {
	if err := m.checkSource(ctx); err != nil {
		return err
	}
	if err := m.openLedger(); err != nil {
		return err
	}
	if !m.job.DryRun {
		m.job.SpoolDir = filepath.Dir(m.state)
	}
	m.job.Stop = h.beGentle()

	var events *jsonEvents
	if m.out.json {
		events = &jsonEvents{lines: &jsonLines{w: m.w.stdout}, command: m.command, source: m.job.Source.String(),
			dest: m.job.Dest.String(), dryRun: m.job.DryRun, told: make(map[mail.Path]bool)}
	}
	p := m.w.newProgress(m.out, events)
	m.job.Observe = p.observe
	listed := m.w.watchListing(&m.job)
	stop := p.start(ctx)
	m.reached.Wait()
	report, err := m.w.engine.run(ctx, m.job)
	stop()
	if m.job.DryRun {
		p.meter.fillPlanned(report)
	}
	err = listed.nearMiss(withAccount(m.blame(err), m.source, m.dest), m.job.Filter.Folders)
	return m.finish(ctx, report, err, events)
}

// finish tells what came of a run, in every form that was asked for.
func (m *migration) finish(ctx context.Context, report *transfer.Report, runErr error, events *jsonEvents) error {
	more := m.besides(ctx, report)
	err := m.outcome(report, runErr)
	if events != nil {
		events.finish(report, runErr, more.fields)
	} else if err != nil && len(report.Folders) > 0 || err == nil && !m.out.quiet {
		if werr := writeReport(m.w.stdout, report, runErr, more.notes...); werr != nil && err == nil {
			err = werr
		}
	}
	if err == nil {
		m.mention(report)
	}
	if m.report != "" {
		if werr := writeReportFile(m.report, m.source.String(), m.dest.String(), report, runErr, more); err == nil {
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
	for _, line := range briefProblems(r) {
		m.w.warn("%s", line)
	}
}

func isCancelled(err error) bool { return errors.Is(err, context.Canceled) }
