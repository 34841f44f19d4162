package commands

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"mailferry/transfer"
	"mailferry/transfer/mail"
)

func kindError(end transfer.End, kind mail.Kind) error {
	err := error(&mail.Error{Op: "work", Scope: mail.ScopeStore, Kind: kind, Err: errors.New("NO")})
	if end != "" {
		err = &transfer.EndError{End: end, Err: err}
	}
	return fmt.Errorf("outside: %w", err)
}

func TestExitCodeOfOneError(t *testing.T) {
	cases := []struct {
		err  error
		want exitCode
	}{
		{nil, exitOK},
		{errors.New("anything"), exitFailed},
		{usage("x", ""), exitUsage},
		{fmt.Errorf("x: %w", transfer.ErrNoMatch), exitUsage},
		{fmt.Errorf("x: %w", transfer.ErrRemapped), exitUsage},
		{fmt.Errorf("x: %w", transfer.ErrUnsupported), exitUsage},
		{fmt.Errorf("x: %w", transfer.ErrTooMany), exitLimit},
		{errDifferences, exitDifferences},
		{kindError(transfer.EndSource, mail.KindAuth), exitSourceLogin},
		{kindError(transfer.EndDest, mail.KindAuth), exitDestLogin},
		{kindError("", mail.KindAuth), exitSourceLogin},
		{kindError(transfer.EndSource, mail.KindConnect), exitConnect},
		{kindError(transfer.EndDest, mail.KindTLS), exitConnect},
		{kindError(transfer.EndSource, mail.KindThrottle), exitTryLater},
		{kindError(transfer.EndSource, mail.KindLimit), exitTryLater},
		{kindError(transfer.EndDest, mail.KindSpace), exitFull},
		{kindError("", mail.KindSpace), exitFailed},   // the disk with the record
		{kindError("", mail.KindDamaged), exitFailed}, // the record
		{kindError(transfer.EndSource, mail.KindSpace), exitFailed},
		{kindError("", mail.KindLocked), exitLocked},
		{kindError(transfer.EndSource, mail.KindDamaged), exitDamaged},
		{kindError(transfer.EndDest, mail.KindProtocol), exitFailed},
		{kindError(transfer.EndDest, mail.KindRefused), exitFailed},
		{context.Canceled, exitInterrupted},
		{&severalErrors{[]error{kindError(transfer.EndSource, mail.KindAuth), errors.New("last")}}, exitSourceLogin},
	}
	for _, c := range cases {
		if got := codeOf(c.err); got != c.want {
			t.Errorf("%v: exit code %d, want %d", c.err, got, c.want)
		}
	}
}

func TestTheWorstCodeCounts(t *testing.T) {
	order := []exitCode{exitInterrupted, exitSourceLogin, exitDestLogin, exitConnect, exitLocked, exitDamaged, exitFull,
		exitTryLater, exitLimit, exitIncomplete, exitDifferences, exitFailed}
	for i := range order {
		for _, later := range order[i:] {
			if got := worst([]exitCode{later, order[i]}); got != order[i] {
				t.Errorf("of %d and %d it is %d", order[i], later, got)
			}
		}
	}
	for _, m := range exitMeanings()[1:] {
		if worst([]exitCode{m.code}) != m.code {
			t.Errorf("code %d (%s) has no rank", m.code, m.name)
		}
	}
}

func TestExitCodeOfAReport(t *testing.T) {
	failed := func(err error) transfer.Problem { return transfer.Problem{Kind: transfer.ProblemFailed, Err: err} }
	cases := []struct {
		name   string
		report transfer.Report
		sig    os.Signal
		want   exitCode
	}{
		{"a message was refused", transfer.Report{Total: transfer.Counts{Found: 1, Failed: 1},
			Problems: []transfer.Problem{failed(kindError("", mail.KindRefused))}}, nil, exitIncomplete},
		{"the destination is full", transfer.Report{Total: transfer.Counts{Found: 1, Failed: 1},
			Problems: []transfer.Problem{failed(kindError("", mail.KindSpace))}}, nil, exitFull},
		{"a folder could not be opened", transfer.Report{Folders: []transfer.FolderReport{{Err: errors.New("x")}}}, nil, exitIncomplete},
		{"a folder is throttled", transfer.Report{Folders: []transfer.FolderReport{{Err: kindError(transfer.EndSource, mail.KindThrottle)}}}, nil, exitTryLater},
		{"incomplete and SIGTERM", transfer.Report{Total: transfer.Counts{Found: 1, Pending: 1}}, syscall.SIGTERM, exitTerminated},
	}
	for _, c := range cases {
		f := explain(&runError{report: &c.report}, c.sig)
		if f.code != c.want {
			t.Errorf("%s: exit code %d, want %d", c.name, f.code, c.want)
		}
		if f.msg == "" || f.hint == "" {
			t.Errorf("%s: nothing is said: %+v", c.name, f)
		}
	}
	inDoubt := transfer.Report{Total: transfer.Counts{Found: 1, Copied: 1, InDoubt: 1, FlagsDropped: 3},
		Problems: []transfer.Problem{{Kind: transfer.ProblemInDoubt}}}
	if codes := reportCodes(&inDoubt); len(codes) != 0 {
		t.Errorf("dropped flags and doubts make codes %v", codes)
	}
}

func TestErrorsCannotSteerATerminalOrRepeatAPassword(t *testing.T) {
	b := newBench(t)
	b.world.printFailure(failure{msg: "login: NO \x1b]0;x\a imaps://a:hunter2@h\n", detail: []string{"a\nb"}, hint: "c\rd"})
	want := "mailferry: login: NO \\x1b]0;x\\x07 imaps://a:***@h\\x0a\n  a\\x0ab\nhint: c\\x0dd\n"
	if b.err.String() != want {
		t.Errorf("printed %q, want %q", b.err.String(), want)
	}
}

func TestEveryCodeIsDocumented(t *testing.T) {
	topic := exitCodesTopic()
	for _, m := range exitMeanings() {
		if !strings.Contains(topic, fmt.Sprintf("%3d  %s", m.code, m.name)) || m.code.name() != m.name {
			t.Errorf("code %d is not in the topic, or has two names", m.code)
		}
	}
}

func TestTheREADMEHasEveryCode(t *testing.T) {
	readme := read(t, "../README.md")
	for _, m := range exitMeanings() {
		if row := fmt.Sprintf("| %d | %s | %s |\n", m.code, m.name, m.means); !strings.Contains(readme, row) {
			t.Errorf("no row %q", row)
		}
	}
}
