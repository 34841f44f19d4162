package wire

import (
	"testing"
	"time"

	"mailferry/transfer/mail"
)

// TestClassify holds what servers really said.
func TestClassify(t *testing.T) {
	for line, want := range map[string]mail.Error{
		"NO [OVERQUOTA] Not enough disk quota":                                   {Scope: mail.ScopeMessage, Retry: mail.RetryNever, Kind: mail.KindSpace},
		"NO Mailbox is full":                                                     {Scope: mail.ScopeMessage, Retry: mail.RetryNever, Kind: mail.KindSpace},
		"NO [TOOBIG] Message too large":                                          {Scope: mail.ScopeMessage, Retry: mail.RetryNever, Kind: mail.KindRefused},
		"NO [LIMIT] message size exceeds limit":                                  {Scope: mail.ScopeMessage, Retry: mail.RetryNever, Kind: mail.KindRefused},
		"NO [LIMIT] CAPABILITY Rate limit hit.":                                  {Scope: mail.ScopeStore, Retry: mail.RetryLater, Kind: mail.KindThrottle},
		"NO [TRYCREATE] no such mailbox":                                         {Scope: mail.ScopeFolder, Retry: mail.RetryNever, Kind: mail.KindNotFound},
		"NO [NONEXISTENT] Unknown Mailbox: x (Failure)":                          {Scope: mail.ScopeFolder, Retry: mail.RetryNever, Kind: mail.KindNotFound},
		"NO Mailbox doesn't exist: x":                                            {Scope: mail.ScopeFolder, Retry: mail.RetryNever, Kind: mail.KindNotFound},
		"NO [ALERT] Too many simultaneous connections. (Failure)":                {Scope: mail.ScopeStore, Retry: mail.RetryLater, Kind: mail.KindLimit},
		"BYE Maximum number of connections from user+IP exceeded":                {Scope: mail.ScopeStore, Retry: mail.RetryLater, Kind: mail.KindLimit},
		"NO [OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)": {Scope: mail.ScopeStore, Retry: mail.RetryLater, Kind: mail.KindThrottle},
		"OK Success [THROTTLED]":                                                 {Scope: mail.ScopeStore, Retry: mail.RetryLater, Kind: mail.KindThrottle},
		"BAD Request is throttled. Suggested Backoff Time: 299961 milliseconds":  {Scope: mail.ScopeStore, Retry: mail.RetryLater, Kind: mail.KindThrottle, After: 299961 * time.Millisecond},
		"BAD Suggested Backoff Time: 99999999999 milliseconds":                   {Scope: mail.ScopeStore, Retry: mail.RetryLater, Kind: mail.KindThrottle},
		"NO Server Unavailable. 15":                                              {Scope: mail.ScopeFolder, Retry: mail.RetrySoon, Kind: mail.KindOther, Uncertain: true},
		"NO [UNAVAILABLE] UID FETCH Server error while fetching messages":        {Scope: mail.ScopeFolder, Retry: mail.RetrySoon, Kind: mail.KindOther, Uncertain: true},
		"NO [SERVERBUG] Internal error occurred":                                 {Scope: mail.ScopeFolder, Retry: mail.RetrySoon, Kind: mail.KindOther, Uncertain: true},
		"NO [INUSE] Timeout while waiting for lock":                              {Scope: mail.ScopeFolder, Retry: mail.RetrySoon, Kind: mail.KindOther, Uncertain: true},
		"NO operation timed out":                                                 {Scope: mail.ScopeFolder, Retry: mail.RetrySoon, Kind: mail.KindOther, Uncertain: true},
		"NO [CONTACTADMIN] ask somebody":                                         {Scope: mail.ScopeFolder, Retry: mail.RetryNever, Kind: mail.KindRefused},
		"NO [AUTHENTICATIONFAILED] no":                                           {Scope: mail.ScopeStore, Retry: mail.RetryNever, Kind: mail.KindAuth},
		"BAD Command Argument Error. 11":                                         {Scope: mail.ScopeFolder, Retry: mail.RetryNever, Kind: mail.KindRefused},
		"NO":                                                                     {Scope: mail.ScopeFolder, Retry: mail.RetryNever, Kind: mail.KindRefused},
	} {
		s := (&reader{}).begin([]byte("A1 " + line))
		got := classify("append", s.reply())
		if got.Scope != want.Scope || got.Retry != want.Retry || got.Kind != want.Kind || got.After != want.After || got.Uncertain != want.Uncertain {
			t.Errorf("%s:\n got scope %d retry %d kind %d after %v uncertain %v\nwant scope %d retry %d kind %d after %v uncertain %v", line,
				got.Scope, got.Retry, got.Kind, got.After, got.Uncertain, want.Scope, want.Retry, want.Kind, want.After, want.Uncertain)
		}
	}
}

func TestReplyCodes(t *testing.T) {
	for line, want := range map[string]Reply{
		"OK done":                            {"OK", "", "", "done"},
		"ok [appenduid 1 2] x":               {"OK", "APPENDUID", "1 2", "x"},
		"OK [PERMANENTFLAGS (a] b \\*)] y":   {"OK", "PERMANENTFLAGS", `(a] b \*)`, "y"},
		"OK [FOO \"a]b\"] z":                 {"OK", "FOO", `"a]b"`, "z"},
		"OK [foo bar":                        {"OK", "", "", "[foo bar"},
		"OK [ foo] z":                        {"OK", "FOO", "", "z"},
		"OK []":                              {"OK", "", "", ""},
		"OK [CAPABILITY ]":                   {"OK", "CAPABILITY", "", ""},
		"NO [Error=\"a b\" c] no":            {"NO", "ERROR=\"A", `b" c`, "no"},
		"OK [PERMANENTFLAGS (unclosed ] bad": {"OK", "PERMANENTFLAGS", "(unclosed", "bad"},
		"OK":                                 {"OK", "", "", ""},
		"BAD  two  spaces ":                  {"BAD", "", "", "two  spaces"},
		"OK text with {5}":                   {"OK", "", "", "text with {5}"},
	} {
		if got := (&reader{}).begin([]byte("A1 " + line)).reply(); got != want {
			t.Errorf("%s: got %+v, want %+v", line, got, want)
		}
	}
}
