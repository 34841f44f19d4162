package commands

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"mailferry/transfer"
	"mailferry/transfer/mail"
)

func (w *world) checkCommand() *cli.Command {
	return command(cli.Command{
		Name:      "check",
		Usage:     "connect, log in, and say what a server can and cannot do",
		ArgsUsage: "STORE...",
		Description: `The first account takes the password of the source, the second that of the destination, as in
migrate. Changes nothing.`,
		Flags:  join(outputFlags(), endFlags(transfer.EndSource, transfer.EndDest), configFlag()),
		Action: w.check,
	})
}

func (w *world) check(c *cli.Context) error {
	if err := arguments(c, 1, 0, "one or more accounts"); err != nil {
		return err
	}
	out, err := outputOf(c)
	if err != nil {
		return err
	}
	ends := []transfer.End{transfer.EndSource, transfer.EndDest}
	cfg, ts, err := w.named(c, ends...)
	if err != nil {
		return err
	}
	for _, t := range ts {
		if t.address.isArchive() {
			return usage("check connects to servers, and "+t.address.String()+" is an archive", "mailferry verify ARCHIVE reads an archive, mailferry list ARCHIVE shows what it holds")
		}
	}
	if err := w.unlock(c.Context, c, cfg, ts, len(ends)); err != nil {
		return err
	}
	trace, err := openTrace(c.String("trace"))
	if err != nil {
		return err
	}
	defer trace.close()
	var failed []error
	for _, t := range ts {
		facts, name, err := w.describe(c.Context, t, trace)
		if err != nil {
			failed = append(failed, withAccount(&transfer.EndError{End: t.end, Err: err}, t.address, t.address))
			continue
		}
		w.showFacts(out, name, facts)
	}
	return checked(w, out, len(ts), failed)
}

// checked prints all errors but the one that ends the command.
func checked(w *world, out output, stores int, failed []error) error {
	if out.json {
		(&jsonLines{w: w.stdout}).write(object{"type": "summary", "complete": len(failed) == 0, "stores": stores, "failed": len(failed)})
	}
	if len(failed) == 0 {
		return nil
	}
	for _, err := range failed[:len(failed)-1] {
		w.printFailure(explain(err, nil))
	}
	return &severalErrors{failed}
}

// severalErrors shows its last error; the exit code is the worst of all.
type severalErrors struct{ all []error }

func (e *severalErrors) Error() string { return e.all[len(e.all)-1].Error() }
func (e *severalErrors) Unwrap() error { return e.all[len(e.all)-1] }

func (e *severalErrors) code() exitCode {
	var codes []exitCode
	for _, err := range e.all {
		codes = append(codes, codeOf(err))
	}
	return worst(codes)
}

func (w *world) describe(ctx context.Context, t *target, trace trace) ([]mail.Fact, string, error) {
	store := w.engine.source(t.options(usualConnections, trace.of(string(t.end))))
	defer store.Close()
	d, ok := store.(mail.Describer)
	if !ok {
		return nil, "", errors.New("nothing is known of this kind of store")
	}
	facts, err := d.Describe(ctx)
	return facts, store.String(), err
}

func (w *world) showFacts(out output, store string, facts []mail.Fact) {
	if out.json {
		lines := &jsonLines{w: w.stdout}
		for _, f := range facts {
			lines.write(object{"type": "capability", "store": store, "name": f.Name, "value": shown(f.Value), "means": f.Means})
		}
		return
	}
	if out.quiet {
		return
	}
	fmt.Fprintf(w.stdout, "%s: login accepted\n\n", shown(store))
	t := &table{head: []string{"FACT", "VALUE", "WHAT FOLLOWS"}, left: map[int]bool{1: true, 2: true}}
	for _, f := range facts {
		t.add(shown(f.Name), shown(f.Value), f.Means)
	}
	_ = t.write(w.stdout)
	fmt.Fprintln(w.stdout)
}
