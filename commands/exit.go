package commands

import (
	"context"
	"errors"
	"os"
	"slices"
	"syscall"

	"mailferry/archive"
	"mailferry/transfer"
	"mailferry/transfer/mail"
)

// exitCode is what the process ends with.
type exitCode int

const (
	exitOK          exitCode = 0
	exitFailed      exitCode = 1
	exitUsage       exitCode = 2
	exitIncomplete  exitCode = 3
	exitSourceLogin exitCode = 4
	exitDestLogin   exitCode = 5
	exitConnect     exitCode = 6
	exitTryLater    exitCode = 7
	exitLimit       exitCode = 8
	exitDifferences exitCode = 9
	exitFull        exitCode = 10
	exitLocked      exitCode = 11
	exitDamaged     exitCode = 12
	exitInterrupted exitCode = 130
	exitTerminated  exitCode = 143
)

// exitMeaning describes one code.
type exitMeaning struct {
	code  exitCode
	name  string // in --json; never changed
	means string
}

// exitMeanings lists every code, in the order of the help topic.
func exitMeanings() []exitMeaning {
	return []exitMeaning{
		{exitOK, "ok", "everything is there"},
		{exitFailed, "failed", "failed for a reason without a code of its own"},
		{exitUsage, "usage", "wrong usage or configuration; also a --folder that matches nothing"},
		{exitIncomplete, "incomplete", "finished, but messages or folders are missing (they are listed)"},
		{exitSourceLogin, "source_login_refused", "the source refused the login"},
		{exitDestLogin, "destination_login_refused", "the destination refused the login"},
		{exitConnect, "connect_failed", "cannot connect, or TLS failed"},
		{exitTryLater, "try_later", "slowed down or over a daily quota: run it again later"},
		{exitLimit, "limit_reached", "stopped at a limit that you set"},
		{exitDifferences, "differences", "compare or verify found differences"},
		{exitFull, "destination_full", "the destination is full"},
		{exitLocked, "locked", "another run holds the lock"},
		{exitDamaged, "archive_damaged", "the archive is damaged"},
		{exitInterrupted, "interrupted", "stopped by Ctrl-C (SIGINT)"},
		{exitTerminated, "terminated", "stopped by SIGTERM"},
	}
}

func (c exitCode) name() string {
	for _, m := range exitMeanings() {
		if m.code == c {
			return m.name
		}
	}
	return "failed"
}

// worst picks the code that counts when several things went wrong at once: what
// must be mended first comes first.
func worst(codes []exitCode) exitCode {
	order := []exitCode{exitInterrupted, exitTerminated, exitSourceLogin, exitDestLogin, exitConnect, exitLocked,
		exitDamaged, exitFull, exitTryLater, exitLimit, exitUsage, exitIncomplete, exitDifferences, exitFailed}
	for _, c := range order {
		if slices.Contains(codes, c) {
			return c
		}
	}
	return exitOK
}

// signalCode is the code of a process that a signal stopped.
func signalCode(sig os.Signal) exitCode {
	if sig == syscall.SIGTERM {
		return exitTerminated
	}
	return exitInterrupted
}

// codeOf says what a single error means for the exit code.
func codeOf(err error) exitCode {
	var u *usageError
	var several *severalErrors
	var own *outcome
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &several):
		return several.code()
	case errors.As(err, &own):
		return own.code
	case errors.Is(err, archive.ErrOtherSource), errors.As(err, &u), errors.Is(err, transfer.ErrNoMatch), errors.Is(err, transfer.ErrRemapped),
		errors.Is(err, transfer.ErrUnsupported):
		return exitUsage
	case errors.Is(err, transfer.ErrTooMany):
		return exitLimit
	case errors.Is(err, errDifferences):
		return exitDifferences
	case errors.Is(err, transfer.ErrStopped), errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	var known *mail.Error
	if !errors.As(err, &known) {
		return exitFailed
	}
	end := endOf(err)
	if end == "" && (known.Kind == mail.KindDamaged || known.Kind == mail.KindSpace) {
		return exitFailed // of the record on this machine, and neither of an archive nor of the destination
	}
	return kindCode(known.Kind, end)
}

func kindCode(kind mail.Kind, end transfer.End) exitCode {
	switch kind {
	case mail.KindAuth:
		if end == transfer.EndDest {
			return exitDestLogin
		}
		return exitSourceLogin
	case mail.KindConnect, mail.KindTLS:
		return exitConnect
	case mail.KindThrottle, mail.KindLimit:
		return exitTryLater
	case mail.KindLocked:
		return exitLocked
	case mail.KindDamaged:
		return exitDamaged
	case mail.KindSpace:
		if end == transfer.EndSource {
			return exitFailed
		}
		return exitFull
	}
	return exitFailed
}

func endOf(err error) transfer.End {
	var e *transfer.EndError
	if errors.As(err, &e) {
		return e.End
	}
	return ""
}

// reportCodes collects what a report that went to its end says.
func reportCodes(r *transfer.Report) []exitCode {
	if r == nil || r.Complete() {
		return nil
	}
	codes := []exitCode{exitIncomplete}
	for _, f := range r.Folders {
		codes = appendSpecific(codes, f.Err)
	}
	for _, p := range r.Problems {
		if p.Kind == transfer.ProblemFailed {
			codes = appendSpecific(codes, p.Err)
		}
	}
	return codes
}

// appendSpecific adds the code of a message's or folder's error, unless it says no more
// than "incomplete".
func appendSpecific(codes []exitCode, err error) []exitCode {
	var known *mail.Error
	if !errors.As(err, &known) {
		return codes
	}
	// A damaged message of an archive is missing at the destination, and verify names it.
	if c := kindCode(known.Kind, endOf(err)); c != exitFailed && c != exitDamaged {
		return append(codes, c)
	}
	return codes
}
