package mail

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// Scope says what an error puts out of action.
type Scope int

const (
	ScopeMessage Scope = iota + 1 // this message alone
	ScopeFolder                   // this handle; others go on
	ScopeStore                    // every handle of the store
)

// Retry says when trying again makes sense.
type Retry int

const (
	RetryNever Retry = iota + 1
	RetrySoon        // after a short back-off: a lost connection
	RetryLater       // after Error.After, or when other sessions are closed
)

// Kind says what sort of thing went wrong, for exit codes and hints. The
// engine looks at few of them: KindNotFound, KindSession, KindSpace and KindLimit.
type Kind int

const (
	KindOther Kind = iota
	KindAuth
	KindConnect
	KindTLS
	KindThrottle
	KindLimit // too many connections
	KindSpace // over quota, disk full
	KindDamaged
	KindRefused
	KindLocked
	KindNotFound
	KindProtocol // the other side said something that cannot be understood
	KindSession  // this handle cannot; one that OpenWriter returns can
)

// Error is what stores return: the cause, what it puts out of action, and when
// to come back. It is made once, where the cause is seen.
type Error struct {
	Op        string // "append", "login", "list folders"
	Folder    Path
	UID       UID
	Scope     Scope
	Retry     Retry
	After     time.Duration // with RetryLater: how long the server asked to wait; 0: not stated
	Kind      Kind
	Uncertain bool   // the effect may have taken place
	Hint      string // what to try; empty: nothing known
	Err       error  // the cause; its text is free of control characters
}

// Error names operation, folder, UID and cause in one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if !e.Folder.IsZero() {
		b.WriteString(" folder " + strconv.Quote(e.Folder.String()))
	}
	if e.UID != 0 {
		b.WriteString(" uid " + strconv.FormatUint(uint64(e.UID), 10))
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// ErrorOf returns the Error in err's chain. An error that no store classified
// is taken for one of ScopeFolder that may be tried again soon.
func ErrorOf(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Op: "work", Scope: ScopeFolder, Retry: RetrySoon, Err: err}
}

// Visible returns text with control characters (C0, DEL, C1) and invalid UTF-8
// written as \xNN, so that a server's words cannot steer a terminal.
func Visible(text string) string {
	clean := true
	for _, r := range text {
		if isControl(r) || r == '\uFFFD' {
			clean = false
			break
		}
	}
	if clean {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		r, n := decodeRune(text[i:])
		if n == 1 && r == '\uFFFD' || isControl(r) {
			for _, c := range []byte(text[i : i+n]) {
				b.WriteString(`\x` + hexDigits(c))
			}
		} else {
			b.WriteString(text[i : i+n])
		}
		i += n
	}
	return b.String()
}
