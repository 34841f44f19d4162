package commands

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"mailferry/archive"
	"mailferry/transfer"
)

func (w *world) compareCommand() *cli.Command {
	return command(cli.Command{
		Name:      "compare",
		Usage:     "list the differences between two accounts or archives",
		ArgsUsage: "A B",
		Description: `Changes nothing at either end. What is asked: is every message of A also in B, with its flags
and its date, and nothing else? With --bodies every message is read at both ends and compared
to the last byte. --map and --into say where the folders of A are in B.
Exit code 0: no differences; 9: there are some.`,
		Flags: join(folderFlags(), []cli.Flag{&cli.BoolFlag{Name: "bodies", Usage: "compare every byte of every message"}},
			outputFlags(), endFlags(transfer.EndSource, transfer.EndDest), configFlag()),
		Action: w.compare,
	})
}

func (w *world) compare(c *cli.Context) error {
	if err := arguments(c, 2, 2, "two accounts or archives"); err != nil {
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
	ts, err := w.targets(c.Context, c, transfer.EndSource, transfer.EndDest)
	if err != nil {
		return err
	}
	var reached reach
	done, err := w.openBoth(c, ts, &job, archive.Options{}, &reached)
	if err != nil {
		return err
	}
	defer done()
	reached.Wait()
	listed := w.watchListing(&job)
	result, err := w.engine.compare(c.Context, job, c.Bool("bodies"))
	if err != nil {
		return listed.nearMiss(withAccount(err, ts[0].address, ts[1].address), job.Filter.Folders)
	}
	w.showComparison(out, result)
	if !result.Equal() {
		return errDifferences
	}
	return nil
}

func (w *world) showComparison(out output, r *transfer.Comparison) {
	if out.json {
		lines := &jsonLines{w: w.stdout}
		for _, d := range r.Differences {
			lines.write(differenceObject(d))
		}
		lines.write(object{"type": "summary", "complete": r.Equal(), "verdict": compareVerdict(r), "folders": r.Folders,
			"messages_a": r.MessagesA, "messages_b": r.MessagesB, "same": r.Same, "differences": len(r.Differences), "bodies": r.Bodies})
		return
	}
	if out.quiet && r.Equal() {
		return
	}
	for _, d := range r.Differences {
		fmt.Fprintln(w.stdout, differenceText(d))
	}
	fmt.Fprintln(w.stdout, compareVerdict(r))
}

func differenceText(d transfer.Difference) string {
	text := fmt.Sprintf("%s: folder %q", d.Kind, d.Folder)
	if strings.HasSuffix(string(d.Kind), " folder") {
		text = fmt.Sprintf("%s %q", d.Kind, d.Folder)
	}
	if d.UID != 0 {
		text += fmt.Sprintf(" uid %d", d.UID)
	}
	if d.Size > 0 {
		text += " (" + sizeText(d.Size) + ")"
	}
	if d.Detail != "" {
		text += ": " + d.Detail
	}
	return shown(text)
}

func differenceObject(d transfer.Difference) object {
	o := object{"type": "difference", "kind": strings.ReplaceAll(string(d.Kind), " ", "_")}.named("folder", d.Folder)
	if d.UID != 0 {
		o["uid"], o["bytes"] = d.UID, d.Size
	}
	if d.Detail != "" {
		o["detail"] = shown(d.Detail)
	}
	return o
}

func compareVerdict(r *transfer.Comparison) string {
	how := "by header, flags and date"
	if r.Bodies {
		how = "to the last byte"
	}
	if r.Equal() {
		return fmt.Sprintf("no differences: %s of %s compared %s", count(r.Same, "message"), count(r.Folders, "folder"), how)
	}
	return fmt.Sprintf("%s: A has %s, B has %s, %s are the same in both (compared %s)", count(len(r.Differences), "difference"),
		count(r.MessagesA, "message"), count(r.MessagesB, "message"), thousands(r.Same), how)
}
