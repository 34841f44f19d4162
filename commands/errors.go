package commands

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"mailferry/transfer"
	"mailferry/transfer/mail"
)

// usageError is a mistake in the command line or the configuration: nothing was
// contacted and nothing changed.
type usageError struct{ msg, hint string }

func (e *usageError) Error() string { return e.msg }

func usage(msg, hint string) error { return &usageError{msg, hint} }

// errDifferences is compare's outcome when the stores differ.
var errDifferences = errors.New("the two are not the same")

// runError is a run that did not do all of its work: by an error that ended it, or
// by messages and folders that its report calls missing.
type runError struct {
	err    error // nil when the run went to its end
	report *transfer.Report
	next   string // how to go on
}

func (e *runError) Error() string {
	if e.err != nil {
		return e.err.Error()
	}
	return missing(e.report)
}

func (e *runError) Unwrap() error { return e.err }

// accountError says of an error at one end which account that is.
type accountError struct {
	account address
	err     *transfer.EndError
}

func (e *accountError) Error() string {
	return fmt.Sprintf("%s %s: %v", e.err.End, e.account, e.err.Err)
}
func (e *accountError) Unwrap() error { return e.err }

func withAccount(err error, source, dest address) error {
	end, ok := err.(*transfer.EndError) // inside other words its own would be lost
	switch {
	case !ok:
		return err
	case end.End == transfer.EndDest:
		return &accountError{dest, end}
	}
	return &accountError{source, end}
}

// failure is an error as it is shown.
type failure struct {
	code   exitCode
	msg    string
	hint   string
	detail []string // one line for each message or folder
}

// explain turns any error into what the user is told and the exit code.
func explain(err error, sig os.Signal) failure {
	f := failure{msg: firstLine(err), hint: hintOf(err)}
	codes := []exitCode{}
	var run *runError
	if errors.As(err, &run) {
		codes = append(codes, reportCodes(run.report)...)
		f.detail = briefProblems(run.report)
		if run.err == nil && f.hint == "" {
			f.hint = reportHint(run.report)
		}
		if run.next != "" {
			f.hint = strings.TrimPrefix(f.hint+"; "+run.next, "; ")
		}
	}
	if run == nil || run.err != nil {
		codes = append(codes, codeOf(err))
	}
	if sig != nil {
		codes = []exitCode{signalCode(sig)}
		if errors.Is(err, transfer.ErrStopped) || isCancelled(err) {
			f.msg = "stopped by " + signalName(sig)
		}
	}
	f.code = worst(codes)
	return f
}

// hintOf returns what the error itself advises, or what its kind does.
func hintOf(err error) string {
	var u *usageError
	if errors.As(err, &u) {
		return u.hint
	}
	var own *outcome
	switch {
	case errors.As(err, &own):
		return own.hint
	case errors.Is(err, transfer.ErrRemapped):
		return "leave --map and --into as they were, or allow the move with --remap; what was copied before stays where it is"
	case errors.Is(err, transfer.ErrNoMatch):
		return noMatchHint
	case errors.Is(err, errDifferences):
		return "mailferry migrate A B copies what is missing in B; what was deleted there is copied again only with --full; what is extra there is left alone"
	case errors.Is(err, transfer.ErrTooMany):
		return "nothing was deleted; if so many messages are really to go, raise --max-delete"
	}
	var known *mail.Error
	if !errors.As(err, &known) {
		return ""
	}
	if known.Hint != "" {
		return known.Hint
	}
	return kindHint(known.Kind)
}

func kindHint(kind mail.Kind) string {
	switch kind {
	case mail.KindAuth:
		return "check user name and password; many providers want a password made for this program (\"app password\") or have IMAP switched off; one attempt was made"
	case mail.KindConnect:
		return "check host name and port; imaps:// means port 993, imap:// port 143 with STARTTLS; a server that keeps silent often waits for the other of the two"
	case mail.KindTLS:
		return "for a certificate of your own authority add ?ca=FILE, for one certain certificate ?fingerprint=SHA256"
	case mail.KindThrottle, mail.KindLimit:
		return "run the same command again later, perhaps with fewer --connections or a --rate-limit; what is copied stays copied"
	case mail.KindSpace:
		return "make room at the destination and run the same command again"
	case mail.KindLocked:
		return "wait until the other run has ended"
	}
	return ""
}

// printFailure is the one place where errors are printed.
func (w *world) printFailure(f failure) {
	var b strings.Builder
	fmt.Fprintf(&b, "mailferry: %s\n", shown(f.msg))
	for _, line := range f.detail {
		fmt.Fprintf(&b, "  %s\n", shown(line))
	}
	if f.hint != "" {
		fmt.Fprintf(&b, "hint: %s\n", shown(f.hint))
	}
	_, _ = w.stderr.Write([]byte(b.String()))
}

// firstLine is what an error says first: of several that were joined the others follow from it.
func firstLine(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return text
}

// shown makes text fit to be printed: control characters visible, and a
// password that was typed into an address hidden.
func shown(text string) string {
	return passwordInAddress().ReplaceAllString(mail.Visible(text), "$1:***@")
}

// passwordInAddress is compiled once, and not at all where nothing is shown: reports show a text for each message.
var passwordInAddress = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(imaps?://[^:@/\s]*):\S*@`)
})

// flagError turns the flag package's words into ours.
func flagError(c *cli.Context, err error, _ bool) error {
	text := err.Error()
	command := "mailferry"
	var flags []cli.Flag
	if c.Command != nil && c.Command.Name != "" {
		command, flags = c.Command.HelpName, c.Command.Flags
	}
	hint := fmt.Sprintf("%s --help lists the flags", command)
	name, unknown := strings.CutPrefix(text, "flag provided but not defined: -")
	if !unknown {
		if m := regexp.MustCompile(`^invalid (?:boolean )?value ("(?s:.*)") for (?:flag )?-+([a-z-]+): `).FindStringSubmatch(text); m != nil {
			text = fmt.Sprintf("--%s: %s does not fit", m[2], m[1])
		}
		return usage(text, hint)
	}
	name = strings.TrimLeft(name, "-")
	if strings.HasSuffix(name, "password") || strings.HasPrefix(name, "password") {
		return usage("there is no flag that takes a password: other users of this machine could see it", passwordWays(transfer.EndSource))
	}
	if s := closest(name, flagNames(flags)); s != "" {
		hint = fmt.Sprintf("did you mean --%s? %s", s, hint)
	} else if others := commandsWith(c.App, name); len(others) > 0 {
		hint = fmt.Sprintf("--%s belongs to %s; %s", name, strings.Join(others, ", "), hint)
	}
	return usage(fmt.Sprintf("unknown flag --%s", name), hint)
}
