package faultproxy

import (
	"fmt"
	"time"
)

type actionKind int

const (
	doCut actionKind = iota + 1
	doReset
	doStall
	doPause
	doNo
	doBye
)

// Action is what a rule does.
type Action struct {
	kind actionKind
	text string
	wait time.Duration
}

// Cut ends the connection in order: the client reads what was passed on and then
// the end (FIN), the server likewise, and executes what it got. Answers to
// earlier commands that had not come by then are lost.
func Cut() Action { return Action{kind: doCut} }

// Reset ends the connection for the client by RST, which may also take back
// what was passed on and not read. For the server it is like Cut.
func Reset() Action { return Action{kind: doReset} }

// Stall passes nothing on any more, in either direction, and leaves the
// connection open until the proxy is closed.
func Stall() Action { return Action{kind: doStall} }

// Pause stops the direction in which the trigger was met for that long; at
// Forwarded, both.
func Pause(d time.Duration) Action { return Action{kind: doPause, wait: d} }

// No answers the command by NO and text (which may begin with a code in
// brackets). At Command, the server does not hear of the command: a literal that
// comes without waiting is swallowed, one that waits is refused. At Answered,
// the command has taken effect.
func No(text string) Action { return Action{kind: doNo, text: text} }

// Bye says "* BYE" and text to the client, between two responses, and cuts the
// connection.
func Bye(text string) Action { return Action{kind: doBye, text: text} }

func (a Action) String() string {
	switch a.kind {
	case doCut:
		return "cut"
	case doReset:
		return "reset"
	case doStall:
		return "stall"
	case doPause:
		return fmt.Sprintf("pause %v", a.wait)
	case doNo:
		return "NO " + a.text
	case doBye:
		return "BYE " + a.text
	}
	return "nothing"
}
