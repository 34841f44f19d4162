package commands

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"mailferry/archive"
	"mailferry/transfer"
	"mailferry/transfer/mail"
)

func (w *world) verifyCommand() *cli.Command {
	return command(cli.Command{
		Name:      "verify",
		Usage:     "is an archive intact; with SOURCE: is it complete",
		ArgsUsage: "ARCHIVE [SOURCE]",
		Description: `Reads every message of the archive and names each that is not as it was stored. With SOURCE it
also lists what the account has and the archive has not, or the other way round, and what differs.
Changes nothing, and may run beside a backup.

With --repair it fetches again from SOURCE what is damaged or missing in the archive, and names what the account does
not hold any more. Files that give way are kept in .mailferry/replaced. Hashes that were made again from the files, after
the catalogue was lost, are compared with SOURCE by --repair and by --bodies, and count as proven then; where they
differ, --repair believes SOURCE. No backup may run beside that.
Exit code 0: nothing is wrong, or all is repaired; 9: the archive differs from SOURCE; 12: it is damaged.`,
		Flags: join([]cli.Flag{&cli.BoolFlag{Name: "bodies", Usage: "with SOURCE: compare every byte of every message"},
			&cli.BoolFlag{Name: "repair", Usage: "with SOURCE: fetch again what is damaged or missing in the archive"}}, folderFlags(),
			outputFlags(), endFlags(transfer.EndSource), configFlag()),
		Action: w.verify,
	})
}

// archiveToVerify opens an archive that is there, with its lock if opts says Write.
func (w *world) archiveToVerify(ctx context.Context, t *target, opts archive.Options) (*archive.Archive, error) {
	if !opts.Write {
		return w.archiveToRead(ctx, t, opts)
	}
	opts.Note = w.noteOr(opts.Note)
	a, err := archive.Open(ctx, t.address.path, opts)
	if err != nil {
		return nil, archiveFailure(t.end, notOurs(t.address.path, err))
	}
	return asWritten(ctx, t.address, a)
}

// verification is one run of verify.
type verification struct {
	w       *world
	out     output
	lines   *jsonLines
	lost    []string // what reading the archive had to mend
	damaged int
	checked archive.Checked
	mended  archive.Repairs
	result  *transfer.Comparison // nil without SOURCE
}

// left is how much damage is not repaired.
func (v *verification) left() int { return v.damaged - v.mended.Repaired }

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
	switch {
	case ts[0].address.isArchive():
	case len(ts) > 1 && ts[1].address.isArchive():
		return usage("verify looks at an archive, and "+ts[0].address.String()+" is an account", "the archive comes first: mailferry verify ARCHIVE SOURCE")
	default:
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
	if c.Bool("repair") {
		return usage("--repair needs the account to fetch from", "mailferry verify ARCHIVE SOURCE --repair")
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
	a, err := v.w.archiveToVerify(ctx, ts[0], archive.Options{Write: c.Bool("repair"), Note: func(text string) { v.lost = append(v.lost, text) }})
	if err != nil {
		return err
	}
	defer a.Close()
	v.w.warnUnfinished(ctx, a, func(archive.Run) bool { return true })
	for _, text := range v.lost {
		v.damage(object{"kind": "catalogue", "file": ".mailferry/catalogue.db", "detail": text}, text)
	}
	if len(ts) > 1 {
		return v.withSource(c, a, ts, job)
	}
	v.checked, err = a.Verify(ctx, v.found)
	return blameArchive(err, ts)
}

func (v *verification) found(d archive.Damage) error {
	v.damage(damageObject(d), d.String())
	return nil
}

// withSource verifies, repairs if that is wanted, and compares.
func (v *verification) withSource(c *cli.Context, a *archive.Archive, ts []*target, job transfer.Job) (err error) {
	ctx, source := c.Context, ts[1]
	trace, err := openTrace(c.String("trace"))
	if err != nil {
		return err
	}
	defer trace.close()
	if job.Source, err = v.w.openSource(ctx, source, archive.Options{}, job.Connections, trace); err != nil {
		return err
	}
	defer job.Source.Close()
	if err := v.sameAccount(ctx, a, job.Source, c.Bool("repair")); err != nil {
		return err
	}
	if c.Bool("repair") {
		v.mended, err = a.Repair(ctx, job.Source, v.found, v.repaired)
		v.checked = v.mended.Checked
		v.mended.Repaired += len(v.lost) // opening it has made the catalogue again
	} else {
		v.checked, err = a.Verify(ctx, v.found)
	}
	if err == nil && v.checked.Unproven > 0 && c.Bool("bodies") && !c.Bool("repair") {
		err = v.confirm(ctx, ts[0], job.Source)
	}
	if err != nil {
		return blameArchive(err, ts)
	}
	job.Dest = a
	listed := v.w.watchListing(&job)
	if v.result, err = v.w.engine.compare(ctx, job, c.Bool("bodies")); err != nil {
		return listed.nearMiss(withAccount(err, source.address, address{path: a.String()}), job.Filter.Folders)
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

// sameAccount tells that the archive was filled from another account than it is compared with. From
// such a one nothing is repaired.
func (v *verification) sameAccount(ctx context.Context, a *archive.Archive, source mail.Source, repair bool) error {
	was, err := a.Source(ctx)
	if is := source.String(); err != nil || was == "" || mail.Visible(was) == mail.Visible(is) {
		return err
	} else if repair {
		return usage(fmt.Sprintf("the archive holds another account: it was filled from %s, not from %s", was, is),
			"repair from the account it was filled from; after a move, mailferry backup --new-source comes first")
	}
	v.w.warn("the archive was filled from %s", mail.Visible(was))
	return nil
}

// blameArchive says of an error whose it is: the source's or the archive's.
func blameArchive(err error, ts []*target) error {
	if err == nil {
		return nil
	}
	var theirs *archive.SourceError
	if errors.As(err, &theirs) {
		return withAccount(&transfer.EndError{End: transfer.EndSource, Err: theirs.Err}, ts[len(ts)-1].address, ts[0].address)
	}
	return withAccount(&transfer.EndError{End: transfer.EndDest, Err: err}, address{}, ts[0].address)
}

func (v *verification) damage(o object, text string) {
	v.damaged++
	if v.out.json {
		v.lines.write(o.with(object{"type": "damage"}))
		return
	}
	fmt.Fprintln(v.w.stdout, "damaged: "+shown(text))
}

// repaired tells of a message that was repaired or not.
func (v *verification) repaired(r archive.Repaired) error {
	if v.out.json {
		v.lines.write(repairObject(r))
		return nil
	}
	switch {
	case r.Err != nil:
		fmt.Fprintf(v.w.stdout, "not repaired: %s: %s\n", shown(r.File), shown(r.Err.Error()))
	case r.Replaced:
		fmt.Fprintf(v.w.stdout, "replaced: %s: the source has other octets, and its hash was unproven\n", shown(r.File))
	case !v.out.quiet:
		fmt.Fprintf(v.w.stdout, "repaired: %s\n", shown(r.File))
	}
	return nil
}

func repairObject(r archive.Repaired) object {
	o := object{"type": "repair", "uid": r.UID, "file": shown(r.File), "repaired": r.Err == nil, "replaced": r.Replaced}.named("folder", r.Folder)
	if r.Err != nil {
		o["error"] = shown(r.Err.Error())
	}
	return o
}

// confirm lets the source prove hashes that were made from the files. The archive is
// verified all the same if they cannot be recorded.
func (v *verification) confirm(ctx context.Context, t *target, source mail.Source) error {
	a, err := v.w.archiveToVerify(ctx, t, archive.Options{Write: true})
	if err != nil {
		v.w.warn("hashes that the source could prove are not recorded: %v", err)
		return nil
	}
	v.mended, err = a.Confirm(ctx, source, v.repaired)
	return errors.Join(err, a.Close())
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
			"bytes": v.checked.Octets, "damaged": v.damaged, "unproven": v.unproven(), "repaired": v.mended.Repaired,
			"not_repaired": v.mended.Failed, "replaced": v.mended.Replaced, "confirmed": v.mended.Confirmed}
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
	if n := v.mended.Confirmed; n > 0 {
		fmt.Fprintf(v.w.stdout, "hashes that the source has confirmed: %s\n", thousands(n))
	}
	if n := v.unproven(); n > 0 {
		fmt.Fprintf(v.w.stdout, "as when the catalogue was made again from the files, which proves less: %s\n", thousands(n))
	}
	fmt.Fprintln(v.w.stdout, v.verdict())
}

func (v *verification) verdict() string {
	held := fmt.Sprintf("%s (%s)", count(v.checked.Messages, "message"), sizeText(v.checked.Octets))
	text := "the archive is intact: " + held
	switch {
	case v.left() > 0 && v.mended.Repaired > 0:
		text = fmt.Sprintf("the archive is DAMAGED: %s found in %s, %s repaired", count(v.damaged, "damage"), held, thousands(v.mended.Repaired))
	case v.left() > 0:
		text = fmt.Sprintf("the archive is DAMAGED: %s found in %s", count(v.damaged, "damage"), held)
	case v.damaged > 0:
		text = fmt.Sprintf("the archive is intact again: %s repaired in %s", count(v.damaged, "damage"), held)
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

// unproven is how many hashes no source has confirmed.
func (v *verification) unproven() int {
	return max(0, v.checked.Unproven-v.mended.Confirmed-v.mended.Replaced)
}

// outcome is nil if nothing is wrong. Damage counts before differences.
func (v *verification) outcome() error {
	switch {
	case v.left() > 0 && v.mended.Failed+v.mended.Repaired > 0:
		return &outcome{exitDamaged, "not all of the archive could be repaired", "what is damaged is not restored; " +
			"what the source cannot give can be had from another copy of the archive only; what was added can be moved elsewhere"}
	case v.left() > 0:
		return &outcome{exitDamaged, "the archive is damaged", "what is damaged is not restored; mailferry verify ARCHIVE SOURCE --repair " +
			"fetches it again; a damaged catalogue is made again by the next backup"}
	case v.result != nil && !v.result.Equal():
		hint := "mailferry backup SOURCE ARCHIVE brings it up to date"
		if slices.ContainsFunc(v.result.Differences, isExtra) {
			hint += "; what vanished from the source in great number stays current in the archive until that is run with --accept-loss"
		}
		return &outcome{exitDifferences, "the archive is not the same as its source", hint}
	}
	return nil
}

func isExtra(d transfer.Difference) bool {
	return d.Kind == transfer.DiffExtra || d.Kind == transfer.DiffExtraFolder
}
