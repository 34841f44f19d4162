package commands

import (
	"io"
	"log/slog"
	"sync"

	"github.com/urfave/cli/v2"
)

// output is how a command is to speak.
type output struct{ json, quiet, verbose bool }

func outputOf(c *cli.Context) (output, error) {
	o := output{json: c.Bool("json"), quiet: c.Bool("quiet"), verbose: c.Bool("verbose")}
	if o.quiet && o.verbose {
		return o, usage("--quiet and --verbose contradict each other", "")
	}
	return o, nil
}

func (o output) level() slog.Level {
	switch {
	case o.quiet:
		return slog.LevelError
	case o.verbose:
		return slog.LevelInfo
	}
	return slog.LevelWarn
}

// jsonLines writes one object to a line (NDJSON). It may be used from several
// goroutines at once.
type jsonLines struct {
	mu sync.Mutex
	w  io.Writer
}

func (j *jsonLines) write(o object) {
	j.mu.Lock()
	defer j.mu.Unlock()
	_, _ = j.w.Write(o.line())
}
