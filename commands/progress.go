package commands

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/lmittmann/tint"
	"github.com/schollz/progressbar/v3"

	"mailferry/transfer"
)

const (
	barInterval  = 500 * time.Millisecond
	lineInterval = 10 * time.Second
)

// progress shows a run while it lasts: as a bar where stderr is a terminal, as a
// line now and then elsewhere, and as objects with --json.
type progress struct {
	mu    sync.Mutex
	w     *world
	meter *meter
	json  *jsonEvents // nil: for people
	quiet bool
	bar   *progressbar.ProgressBar // nil: no terminal
	log   *slog.Logger
}

func (w *world) newProgress(out output, events *jsonEvents) *progress {
	p := &progress{w: w, meter: newMeter(w.now()), json: events, quiet: out.quiet}
	if events == nil && !out.quiet && isTerminal(w.stderr) {
		p.bar = newBar(w.stderr)
	}
	p.log = slog.New(tint.NewHandler(aboveBar{p}, &tint.Options{Level: out.level(), NoColor: !w.colour(), TimeFormat: time.TimeOnly}))
	return p
}

func newBar(w io.Writer) *progressbar.ProgressBar {
	return progressbar.NewOptions(barSteps,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetWidth(20),
		progressbar.OptionSetPredictTime(false),
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionShowDescriptionAtLineEnd(),
		progressbar.OptionClearOnFinish())
}

// barSteps is the bar's resolution; messages are counted beside it, because their
// number is not known from the start.
const barSteps = 1000

// barFrame is what the percentage and the bar's ends take of a line. The bar itself shrinks by itself to what the text beside
// it leaves.
const barFrame = 12

// aboveBar writes log lines without tearing the bar; the next tick draws it again.
type aboveBar struct{ p *progress }

func (a aboveBar) Write(b []byte) (int, error) {
	if a.p.bar != nil {
		_ = a.p.bar.Clear()
	}
	return a.p.w.stderr.Write(b)
}

// start shows progress until the returned function is called, which waits for the
// last of it.
func (p *progress) start(ctx context.Context) (stop func()) {
	interval := lineInterval
	if p.bar != nil {
		interval = barInterval
	}
	ticks, stopTicks := p.w.every(interval)
	ctx, cancel := context.WithCancel(ctx)
	var ended sync.WaitGroup
	ended.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticks:
				p.tick()
			}
		}
	})
	return func() {
		cancel()
		ended.Wait()
		stopTicks()
		if p.bar != nil {
			_ = p.bar.Finish()
			_ = p.bar.Clear()
		}
	}
}

func (p *progress) tick() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.w.now()
	switch {
	case p.quiet:
	case p.json != nil:
		p.json.status(p.meter, now)
	case p.bar != nil:
		p.bar.Describe(p.meter.narrowLine(now, terminalWidth(p.w.stderr)-barFrame))
		_ = p.bar.Set(min(barSteps-1, p.meter.done*barSteps/max(1, p.meter.total)))
	default:
		fmt.Fprintln(p.w.stderr, "mailferry: "+p.meter.line(now))
	}
}

// observe is the run's Job.Observe.
func (p *progress) observe(event transfer.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.meter.observe(event)
	if p.json != nil {
		p.json.event(event)
	}
	p.tell(event)
}

// tell writes the log: what is out of the ordinary always, the rest with --verbose.
func (p *progress) tell(event transfer.Event) {
	switch e := event.(type) {
	case transfer.EventStart:
		p.log.Info("listed", "folders", e.Folders, "messages", e.Messages)
	case transfer.EventPlan:
		p.log.Info("planned", "folder", folderText(e.Source), "to copy", e.Copy, "already there", e.Already)
	case transfer.EventRetry:
		p.log.Warn("trying again", "folder", folderText(e.Folder), "attempt", e.Attempt,
			"in", e.Wait.Round(time.Millisecond).String(), "because", shown(firstLine(e.Err)))
	case transfer.EventFolder:
		c := e.Report.Counts
		p.log.Info("done", "folder", folderText(e.Report.Source), "copied", c.Copied, "already there", c.Already, "failed", c.Failed)
	}
}
