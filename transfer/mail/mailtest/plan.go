package mailtest

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"mailferry/transfer/mail"
)

// Mode says how a step fails.
type Mode int

const (
	Before Mode = iota // nothing takes effect
	After              // the effect takes place and its answer is lost
	Stop               // nothing takes effect, now or in any later step: the process was killed
)

// Fault is one thing that goes wrong.
type Fault struct {
	Step  int    // the how-manieth step, from 1 (0 is 1)
	At    string // count only steps whose name contains this; empty: all
	Times int    // so many of these steps in a row; 0: one, negative: all from there on
	Mode  Mode
	// Err is what the step returns. nil: a lost connection (ScopeStore,
	// RetrySoon), or for Stop an error of ScopeStore that is never tried again.
	Err error
	// Do runs first. With Do and without Err the step itself goes well, unless Mode is Stop:
	// something happens in the middle of the caller's work.
	Do func()
}

// Plan numbers the steps of everything that is wrapped with it, and lets the
// steps named by its faults fail. Steps are numbered in the order in which they
// begin: the same in each run if the caller does the same in each run.
type Plan struct {
	reporter Reporter

	mu      sync.Mutex
	faults  []Fault
	matched []int // per fault: steps so far that it could mean
	hit     []bool
	names   []string
	stopped error
}

// NewPlan returns a plan with these faults; without any it only counts. r is
// told of broken contracts; if it is nil they panic.
func NewPlan(r Reporter, faults ...Fault) *Plan {
	return &Plan{reporter: r, faults: faults, matched: make([]int, len(faults)), hit: make([]bool, len(faults))}
}

// Steps returns how many steps have begun. After a Stop they are not counted.
func (p *Plan) Steps() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.names)
}

// StepName returns the name of step n, from 1: the store, the operation, the
// folder, and the UID where there is one. It is "" for a step that did not happen.
func (p *Plan) StepName(n int) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n < 1 || n > len(p.names) {
		return ""
	}
	return p.names[n-1]
}

// Fired reports whether every fault has taken place.
func (p *Plan) Fired() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, hit := range p.hit {
		if !hit {
			return false
		}
	}
	return true
}

// Do makes call a step: for things other than stores, a ledger say.
func (p *Plan) Do(name string, call func() error) error {
	v := p.begin(name)
	if v.prevents() {
		return v.err
	}
	return p.outcome(v, call())
}

// verdict is what a plan has in store for one step.
type verdict struct {
	mode Mode
	err  error // nil: the step goes on
}

func (v verdict) prevents() bool { return v.err != nil && v.mode != After }
func (v verdict) loses() bool    { return v.err != nil && v.mode == After }

func (p *Plan) begin(name string) verdict {
	p.mu.Lock()
	if p.stopped != nil {
		defer p.mu.Unlock()
		return verdict{Stop, p.stopped}
	}
	p.names = append(p.names, name)
	v, actions := p.match(name)
	p.mu.Unlock()
	for _, do := range actions {
		do()
	}
	if v.mode == Stop && v.err != nil {
		p.mu.Lock()
		p.stopped = v.err
		p.mu.Unlock()
	}
	return v
}

func (p *Plan) match(name string) (v verdict, actions []func()) {
	for i, f := range p.faults {
		if !strings.Contains(name, f.At) {
			continue
		}
		p.matched[i]++
		nth, first, times := p.matched[i], max(f.Step, 1), f.Times
		if times == 0 {
			times = 1
		}
		if nth < first || times > 0 && nth >= first+times {
			continue
		}
		p.hit[i] = true
		if f.Do != nil {
			actions = append(actions, f.Do)
		}
		if err := f.error(name); err != nil {
			v = verdict{f.Mode, err}
		}
	}
	return v, actions
}

func (f Fault) error(name string) error {
	switch {
	case f.Err != nil:
		return f.Err
	case f.Mode == Stop:
		return &mail.Error{Op: name, Scope: mail.ScopeStore, Retry: mail.RetryNever, Err: errStopped}
	case f.Do != nil:
		return nil
	}
	return &mail.Error{Op: name, Scope: mail.ScopeStore, Retry: mail.RetrySoon, Kind: mail.KindConnect, Err: errLost}
}

var (
	errStopped = errors.New("killed")
	errLost    = errors.New("connection lost")
)

// outcome is the error of a step that was carried out with err.
func (p *Plan) outcome(v verdict, err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.stopped != nil:
		return p.stopped
	case err == nil && v.loses():
		return v.err
	}
	return err
}

// over returns the error of a Stop that has taken place.
func (p *Plan) over() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stopped
}

func (p *Plan) broken(format string, args ...any) error {
	return broken(p.reporter, fmt.Sprintf(format, args...))
}

func broken(r Reporter, text string) error {
	if r == nil {
		panic("mailtest: contract broken: " + text)
	}
	r.Helper()
	r.Errorf("contract broken: %s", text)
	return &mail.Error{Op: "use", Scope: mail.ScopeStore, Retry: mail.RetryNever, Err: errors.New("contract broken: " + text)}
}
