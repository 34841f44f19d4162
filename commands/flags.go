package commands

import (
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"mailferry/transfer"
)

// usualConnections is how many connections a command that copies opens to each end, unless it is told otherwise.
const usualConnections = 4

func configFlag() []cli.Flag {
	return []cli.Flag{&cli.StringFlag{Name: "config", Usage: "read accounts from `FILE` and not from ~/.config/mailferry/config.toml"}}
}

func outputFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "json", Usage: "write one JSON object to a line (mailferry help json)"},
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "write nothing but what went wrong; with --json only status is left out"},
		&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "log each folder on stderr"},
	}
}

// endFlags are those of every command that connects to a server.
func endFlags(ends ...transfer.End) []cli.Flag {
	var out []cli.Flag
	for _, e := range ends {
		out = append(out,
			&cli.StringFlag{Name: side(e) + "-password-file", Usage: fmt.Sprintf("read the password of the %s from `FILE`", e)},
			&cli.StringFlag{Name: side(e) + "-password-command", Usage: fmt.Sprintf("run `COMMAND` (without a shell) to get the password of the %s", e)})
	}
	return append(out,
		&cli.BoolFlag{Name: "allow-cleartext", Usage: "let tls=none send password and mail unprotected to another machine"},
		&cli.StringFlag{Name: "trace", Usage: "write what is said on the wire to `FILE`, which only you can read: times, connections and round trips, but no passwords and no mail"})
}

func folderFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "folder", Usage: "only folders that match `GLOB` (* within a level, ** across; repeatable)"},
		&cli.StringSliceFlag{Name: "exclude", Usage: "no folders that match `GLOB` (repeatable; one that matches nothing is only warned of: the command may be meant for many accounts)"},
		&cli.StringSliceFlag{Name: "map", Usage: "take folder A and those below it to B: `'A=B'` (repeatable; the first that fits counts; one that fits no folder is only warned of)"},
		&cli.StringFlag{Name: "into", Usage: "put everything below `FOLDER` at the destination"},
		&cli.IntFlag{Name: "connections", Usage: "open at most `N` connections to each end", Value: usualConnections},
		&cli.StringFlag{Name: "memory", Usage: "hold at most `SIZE` of messages in memory", Value: "32M", DefaultText: "32M"},
	}
}

func copyFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "since", Usage: "only messages received on `DATE` or after (2024-12-31 or RFC 3339)"},
		&cli.StringFlag{Name: "before", Usage: "only messages received before `DATE`"},
		&cli.StringFlag{Name: "max-size", Usage: "no messages larger than `SIZE` (500K, 10M, 2G)"},
		&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "say what would be done and change nothing"},
		&cli.StringFlag{Name: "flags", Usage: "bring over the flags of messages that are there already by `MODE`: merge, source or none", Value: "merge", DefaultText: "merge"},
		&cli.BoolFlag{Name: "full", Usage: "trust no record of earlier runs: look at both ends, copy again what was deleted at the destination"},
		&cli.BoolFlag{Name: "remap", Usage: "allow folders to go elsewhere than in earlier runs"},
		&cli.BoolFlag{Name: "mirror", Usage: "delete at the destination what mailferry put there and the source no longer has (no environment variable)"},
		&cli.StringFlag{Name: "max-delete", Usage: "with --mirror: delete nothing if it would be more than `N|P%` (messages, or share of a folder; no environment variable) (default: 10%)"},
		&cli.StringFlag{Name: "rate-limit", Usage: "read at most `SIZE` per second from the source (10M)"},
		&cli.StringFlag{Name: "state", Usage: "keep the record of what was done in `FILE`"},
		&cli.StringFlag{Name: "report", Usage: "write the report to `FILE` too; as JSON if its name ends in .json"},
	}
}

// flagValue reads a flag by parse; a flag that is not set leaves the zero value.
func flagValue[T any](c *cli.Context, name string, parse func(string) (T, error), into *T) error {
	text := c.String(name)
	if text == "" {
		if c.IsSet(name) {
			return usage("--"+name+" is empty", "")
		}
		return nil
	}
	v, err := parse(text)
	if err != nil {
		return usage("--"+name+": "+err.Error(), "")
	}
	*into = v
	return nil
}

// folderJob reads the flags that migrate and compare share.
func folderJob(c *cli.Context) (transfer.Job, error) {
	job := transfer.Job{Connections: c.Int("connections")}
	job.Filter.Folders, job.Filter.Exclude = c.StringSlice("folder"), c.StringSlice("exclude")
	if slices.Contains(job.Filter.Folders, "") || slices.Contains(job.Filter.Exclude, "") {
		return job, usage("--folder or --exclude is empty", "")
	}
	if job.Connections < 1 || job.Connections > maxConnections {
		return job, usage(fmt.Sprintf("--connections: %d is not from 1 to %d", job.Connections, maxConnections), "")
	}
	for _, text := range c.StringSlice("map") {
		m, err := parseMapping(text)
		if err != nil {
			return job, usage("--map: "+err.Error(), "")
		}
		job.Map = append(job.Map, m)
	}
	if err := flagValue(c, "into", parseFolder, &job.Into); err != nil {
		return job, err
	}
	return job, flagValue(c, "memory", parseSize, &job.Memory)
}

// copyJob reads the flags of a command that copies.
func copyJob(c *cli.Context) (transfer.Job, error) {
	job, err := folderJob(c)
	if err != nil {
		return job, err
	}
	job.DryRun, job.Full, job.Remap, job.Mirror = c.Bool("dry-run"), c.Bool("full"), c.Bool("remap"), c.Bool("mirror")
	for _, err := range []error{
		flagValue(c, "since", parseDate, &job.Filter.Since),
		flagValue(c, "before", parseDate, &job.Filter.Before),
		flagValue(c, "max-size", parseSize, &job.Filter.MaxSize),
		flagValue(c, "flags", parseFlagMode, &job.Flags),
		flagValue(c, "rate-limit", parseSize, &job.RateLimit),
		flagValue(c, "max-delete", parseLimit, &job.MaxDelete),
	} {
		if err != nil {
			return job, err
		}
	}
	return job, checkCopyJob(c, job)
}

// checkCopyJob refuses flags that contradict each other.
func checkCopyJob(c *cli.Context, job transfer.Job) error {
	f := job.Filter
	switch {
	case c.IsSet("max-delete") && !job.Mirror:
		return usage("--max-delete without --mirror has no effect", "nothing is ever deleted without --mirror")
	case job.Mirror && (!f.Since.IsZero() || !f.Before.IsZero() || f.MaxSize > 0):
		return usage("--mirror does not go together with --since, --before and --max-size", "what a filter leaves out must not be taken for deleted")
	case !f.Since.IsZero() && !f.Before.IsZero() && !f.Since.Before(f.Before):
		return usage("no message is as new as --since and older than --before", "")
	}
	return nil
}
