package faultproxy

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Rule is a fault and when it strikes, or a lasting trait of the line (Hide,
// Delay).
type Rule struct {
	trigger Trigger
	action  Action
	always  bool
	conn    int

	hide     []string
	up, down time.Duration
}

// At makes a rule that does the action once, when the trigger is met.
func At(trigger Trigger, action Action) Rule { return Rule{trigger: trigger, action: action} }

// Always lets the rule strike at the n-th time and every time after that.
// Octets are counted once only.
func (r Rule) Always() Rule {
	r.always = true
	return r
}

// Conn restricts the rule to the n-th connection, from 1 on: nothing of the
// others counts.
func (r Rule) Conn(n int) Rule {
	r.conn = n
	return r
}

// Hide takes capabilities out of greeting, CAPABILITY responses and codes, by
// their whole names or by what stands before the "=". The server still obeys
// what belongs to them.
func Hide(capabilities ...string) Rule {
	return Rule{trigger: Trigger{kind: onHide}, hide: capabilities}
}

// Delay lets every octet arrive that much later, up to the server and down to
// the client. The rate is not reduced: much can be under way.
func Delay(up, down time.Duration) Rule {
	return Rule{trigger: Trigger{kind: onDelay}, up: up, down: down}
}

type triggerKind int

const (
	onHide triggerKind = iota + 1
	onDelay
	onConnect
	onCommand
	onInside
	onForwarded
	onResponse
	onAnswered
	onClientOctets
	onServerOctets
)

// Trigger says when a rule strikes. Counts start at 1 and go on over all
// connections of the proxy, unless Rule.Conn says otherwise.
type Trigger struct {
	kind    triggerKind
	command string
	n       int
	octets  int64
}

// Connect is the n-th connection, before the server hears of it.
func Connect(n int) Trigger { return Trigger{kind: onConnect, n: n} }

// Command is the n-th command of that name ("APPEND", "UID FETCH"; "*" is any),
// when its first line is there and nothing of it was passed on.
func Command(name string, n int) Trigger { return Trigger{kind: onCommand, command: name, n: n} }

// Inside is the moment when that many octets of the literals of the n-th
// command were passed on. A literal that is shorter does not trigger it.
func Inside(name string, n int, octets int64) Trigger {
	return Trigger{kind: onInside, command: name, n: n, octets: octets}
}

// Forwarded is the moment when all of the n-th command was passed on and
// nothing of the answer was.
func Forwarded(name string, n int) Trigger { return Trigger{kind: onForwarded, command: name, n: n} }

// Response is the moment when that many octets of the untagged responses to the
// n-th command were passed on: those that come when it is the oldest command
// without an answer.
func Response(name string, n int, octets int64) Trigger {
	return Trigger{kind: onResponse, command: name, n: n, octets: octets}
}

// Answered is the moment when the tagged answer to the n-th command is there and
// was not passed on: the command took effect, and nobody knows.
func Answered(name string, n int) Trigger { return Trigger{kind: onAnswered, command: name, n: n} }

// ClientOctets is the moment when n octets of the clients were passed on.
func ClientOctets(n int64) Trigger { return Trigger{kind: onClientOctets, octets: n} }

// ServerOctets is the moment when n octets of the server were passed on.
func ServerOctets(n int64) Trigger { return Trigger{kind: onServerOctets, octets: n} }

func (t Trigger) String() string {
	what := fmt.Sprintf("%s number %d", t.command, t.n)
	switch t.kind {
	case onConnect:
		return fmt.Sprintf("connection number %d", t.n)
	case onCommand:
		return "before " + what
	case onInside:
		return fmt.Sprintf("%d octets into %s", t.octets, what)
	case onForwarded:
		return "behind " + what
	case onResponse:
		return fmt.Sprintf("%d octets into the response to %s", t.octets, what)
	case onAnswered:
		return "at the answer to " + what
	case onClientOctets:
		return fmt.Sprintf("%d octets of the client", t.octets)
	case onServerOctets:
		return fmt.Sprintf("%d octets of the server", t.octets)
	}
	return "always"
}

func (r Rule) String() string {
	switch r.trigger.kind {
	case onHide:
		return "hide " + strings.Join(r.hide, ", ")
	case onDelay:
		return fmt.Sprintf("delay %v up, %v down", r.up, r.down)
	}
	return r.trigger.String() + ": " + r.action.String()
}

func (r Rule) check() error {
	switch k := r.trigger.kind; {
	case k == onHide || k == onDelay:
		return nil
	case k == 0 || r.action.kind == 0:
		return errors.New("rule without trigger or action")
	case k < onClientOctets && r.trigger.n < 1:
		return fmt.Errorf("rule %q: counts start at 1", r)
	case r.trigger.octets < 0:
		return fmt.Errorf("rule %q: octets are not negative", r)
	case r.action.kind == doNo && k != onCommand && k != onAnswered:
		return fmt.Errorf("rule %q: only a command can be answered by NO", r)
	}
	return nil
}
