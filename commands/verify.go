package commands

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"mailferry/archive"
	"mailferry/transfer"
)

func (w *world) verifyCommand() *cli.Command {
	return command(cli.Command{
		Name:      "verify",
		Usage:     "is an archive intact; with SOURCE: is it complete",
		ArgsUsage: "ARCHIVE [SOURCE]",
		Description: `Reads every message of the archive and names each that is not as it was stored. With SOURCE it
also lists what the account has and the archive has not, or the other way round, and what differs.
Changes nothing, and may run beside a backup.
Exit code 0: nothing is wrong; 9: the archive differs from SOURCE; 12: it is damaged.`,
		Flags: join([]cli.Flag{&cli.BoolFlag{Name: "bodies", Usage: "with SOURCE: compare every byte of every message"}}, folderFlags(),
			outputFlags(), endFlags(transfer.EndSource), configFlag()),
		Action: w.verify,
	})
}

// verification is one run of verify.
type verification struct {
	w       *world
	out     output
	lines   *jsonLines
	lost    []string // what reading the archive had to mend
	damaged int
	checked archive.Checked
	result  *transfer.Comparison // nil without SOURCE
}

func (w *world) verify(c *cli.Context) error {
	if err := arguments(c, 1, 2, "an archive, and perhaps its source"); err != nil {
		return err
	}
	out, err := outputOf(c)
	if err != nil {
		return err
	}
	job, err := folderJob(c)
	if err != nil {
		return err
	}
	if err := checkVerify(c); err != nil {
		return err
	}
	cfg, ts, err := w.named(c, transfer.EndDest, transfer.EndSource)
	if err != nil {
		return err
	}
	if !ts[0].address.isArchive() {
		return usage("verify looks at an archive, and "+ts[0].address.String()+" is an account", "mailferry compare A B compares two accounts")
	}
	if err := w.unlock(c.Context, c, cfg, ts, len(ts)); err != nil {
		return err
	}
	v := &verification{w: w, out: out, lines: &jsonLines{w: w.stdout}}
	if err := v.run(c, ts, job); err != nil {
		return err
	}
	v.summary()
	return v.outcome()
}

// checkVerify refuses flags that mean nothing without a source.
func checkVerify(c *cli.Context) error {
	if c.Args().Len() > 1 {
		return nil
	}
	for _, name := range []string{"bodies", "folder", "exclude", "map", "into"} {
		if c.IsSet(name) {
			return usage("--"+name+" has no effect without SOURCE", "the whole archive is read in any case; mailferry verify ARCHIVE SOURCE also compares")
		}
	}
	return nil
}

func (v *verification) run(c *cli.Context, ts []*target, job transfer.Job) error {
	ctx := c.Context
	a, err := v.w.archiveToRead(ctx, ts[0], archive.Options{Note: func(text string) { v.lost = append(v.lost, text) }})
	if err != nil {
		return err
	}
	defer a.Close()
	for _, text := range v.lost {
		v.damage(object{"kind": "catalogue", "file": ".mailferry/catalogue.db", "detail": text}, text)
	}
	v.checked, err = a.Verify(ctx, func(d archive.Damage) error {
		v.damage(damageObject(d), d.String())
		return nil
	})
	if err != nil {
		return withAccount(&transfer.EndError{End: transfer.EndDest, Err: err}, address{}, ts[0].address)
	}
	if len(ts) == 1 {
		return nil
	}
	return v.compare(ctx, c, a, ts[1], job)
}

func (v *verification) compare(ctx context.Context, c *cli.Context, a *archive.Archive, source *target, job transfer.Job) error {
	trace, err := openTrace(c.String("trace"))
	if err != nil {
		return err
	}
	defer trace.close()
	if job.Source, err = v.w.openSource(ctx, source, archive.Options{}, job.Connections, trace); err != nil {
		return err
	}
	defer job.Source.Close()
	job.Dest = a
	if v.result, err = v.w.engine.compare(ctx, job, c.Bool("bodies")); err != nil {
		return withAccount(err, source.address, address{path: a.String()})
	}
	for _, d := range v.result.Differences {
		if v.out.json {
			v.lines.write(differenceObject(d))
		} else {
			fmt.Fprintln(v.w.stdout, differenceText(d))
		}
	}
	return nil
}

func (v *verification) damage(o object, text string) {
	v.damaged++
	if v.out.json {
		v.lines.write(o.with(object{"type": "damage"}))
		return
	}
	fmt.Fprintln(v.w.stdout, "damaged: "+shown(text))
}

func damageObject(d archive.Damage) object {
	o := object{"kind": string(d.Kind), "file": shown(d.File)}.named("folder", d.Folder)
	if d.UID != 0 {
		o["uid"] = d.UID
	}
	if d.Holds != "" {
		o["holds"] = shown(d.Holds)
	}
	if d.Err != nil {
		o["detail"] = shown(d.Err.Error())
	}
	return o
}

func (v *verification) summary() {
	if v.out.json {
		o := object{"type": "summary", "complete": v.outcome() == nil, "verdict": v.verdict(), "messages": v.checked.Messages,
			"bytes": v.checked.Octets, "damaged": v.damaged, "unproven": v.checked.Unproven}
		if r := v.result; r != nil {
			o.with(object{"folders": r.Folders, "messages_a": r.MessagesA, "messages_b": r.MessagesB, "same": r.Same,
				"differences": len(r.Differences), "bodies": r.Bodies})
		}
		v.lines.write(o)
		return
	}
	if v.out.quiet && v.outcome() == nil {
		return
	}
	if v.checked.Unproven > 0 {
		fmt.Fprintf(v.w.stdout, "as when the catalogue was made again from the files, which proves less: %s\n", thousands(v.checked.Unproven))
	}
	fmt.Fprintln(v.w.stdout, v.verdict())
}

func (v *verification) verdict() string {
	held := fmt.Sprintf("%s (%s)", count(v.checked.Messages, "message"), sizeText(v.checked.Octets))
	text := "the archive is intact: " + held
	if v.damaged > 0 {
		text = fmt.Sprintf("the archive is DAMAGED: %s found in %s", count(v.damaged, "damage"), held)
	}
	switch r := v.result; {
	case r == nil:
		return text
	case r.Equal():
		return text + ", and complete: " + compareVerdict(r)
	default:
		return text + ", and NOT the same as the source (A): " + compareVerdict(r)
	}
}

// outcome is nil if nothing is wrong. Damage counts before differences.
func (v *verification) outcome() error {
	switch {
	case v.damaged > 0:
		return &outcome{exitDamaged, "the archive is damaged", "what is damaged is not restored; " +
			"a damaged catalogue is made again by the next backup, a message can be had from another copy of the archive"}
	case v.result != nil && !v.result.Equal():
		return &outcome{exitDifferences, "the archive is not the same as its source", "mailferry backup SOURCE ARCHIVE brings it up to date"}
	}
	return nil
}
