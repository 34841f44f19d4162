package wire

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"mailferry/transfer/mail"
)

var errEarlyOK = errors.New("the server said OK before it had the whole command")

// ReplyError is a refusal in the server's own words.
type ReplyError struct{ Reply Reply }

func (e *ReplyError) Error() string { return "the server said " + e.Reply.String() }

// classify makes an error of a NO, BAD or BYE. Its scope is the folder; callers
// that know better narrow or widen it.
func classify(op string, rep Reply) *mail.Error {
	e := &mail.Error{Op: op, Scope: mail.ScopeFolder, Retry: mail.RetryNever, Kind: mail.KindRefused, Err: &ReplyError{rep}}
	if throttled(rep, e) {
		return e
	}
	byCode(rep, e)
	if e.Kind == mail.KindRefused && e.Retry == mail.RetryNever {
		byText(rep, e)
	}
	return e
}

// byCode knows the codes of RFC 5530, RFC 7889 and RFC 9051 section 7.1.
func byCode(rep Reply, e *mail.Error) {
	switch rep.Code {
	case "NONEXISTENT", "TRYCREATE":
		e.Kind = mail.KindNotFound
	case "OVERQUOTA":
		e.Kind, e.Scope = mail.KindSpace, mail.ScopeMessage
		e.Hint = "make room at the destination or raise its quota, then run again"
	case "TOOBIG", "LIMIT":
		e.Scope = mail.ScopeMessage
		e.Hint = "the destination does not take messages of this size"
	case "AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED", "PRIVACYREQUIRED":
		e.Kind, e.Scope = mail.KindAuth, mail.ScopeStore
	case "UNAVAILABLE", "SERVERBUG", "INUSE", "CORRUPTION":
		e.Kind, e.Retry, e.Uncertain = mail.KindOther, mail.RetrySoon, true
	case "CONTACTADMIN":
		e.Hint = "the server wants its administrator to look at this"
	case "NOPERM":
		e.Hint = "this account may not do that in this folder"
	}
}

// byText is for servers that use no codes.
func byText(rep Reply, e *mail.Error) {
	text := strings.ToLower(rep.all())
	switch {
	case has(text, "timeout", "timed out", "time-out"):
		e.Kind, e.Retry, e.Uncertain = mail.KindOther, mail.RetrySoon, true
	case has(text, "server unavailable", "temporarily unavailable", "try again later", "internal error", "server error"):
		e.Kind, e.Retry, e.Uncertain = mail.KindOther, mail.RetrySoon, true
	case has(text, "quota", "mailbox full", "mailbox is full", "no space left"):
		e.Kind, e.Scope = mail.KindSpace, mail.ScopeMessage
		e.Hint = "make room at the destination or raise its quota, then run again"
	case has(text, "nonexistent", "does not exist", "doesn't exist", "no such mailbox", "mailbox not found", "unknown mailbox", "no such folder"):
		e.Kind = mail.KindNotFound
	}
}

// throttled recognises the ways in which providers ask for patience, which
// stand in a code, in the text, and even in the text of an OK.
func throttled(rep Reply, e *mail.Error) bool {
	text := strings.ToLower(rep.all())
	switch {
	case has(text, "suggested backoff time", "throttled", "command or bandwidth limits", "bandwidth limit"):
		e.Kind = mail.KindThrottle
		e.After = suggestedWait(rep.Text)
		e.Hint = "the server limits how much is done in a time; run again later"
	case has(text, "too many simultaneous", "too many connections", "maximum number of connections",
		"exceeded maximum connections", "connection limit", "too many sessions", "maximum connections"):
		e.Kind = mail.KindLimit
		e.Hint = "use fewer connections (connections=), or close other mail programs"
	case rep.Code == "LIMIT" && !sizeLimit(text):
		e.Kind = mail.KindThrottle
		e.After = suggestedWait(rep.Text)
		e.Hint = "the server limits what an account may do; run again later, with fewer connections"
	default:
		return false
	}
	e.Scope, e.Retry = mail.ScopeStore, mail.RetryLater
	return true
}

// sizeLimit reports whether a LIMIT is about the message and not the pace.
func sizeLimit(text string) bool { return has(text, "size", "too large", "too big") }

func has(text string, words ...string) bool {
	for _, w := range words {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}

// suggestedWait reads Exchange's "Suggested Backoff Time: 299961 milliseconds".
func suggestedWait(text string) time.Duration {
	const longest = 24 * time.Hour
	_, after, found := strings.Cut(strings.ToLower(text), "backoff time")
	after = strings.TrimLeft(after, ": ")
	end := strings.IndexFunc(after, func(r rune) bool { return r < '0' || r > '9' })
	if !found || end <= 0 {
		return 0
	}
	ms, err := strconv.ParseInt(after[:end], 10, 64)
	if err != nil || ms > longest.Milliseconds() {
		return 0
	}
	return time.Duration(ms) * time.Millisecond
}
