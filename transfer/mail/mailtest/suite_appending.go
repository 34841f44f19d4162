package mailtest

import (
	"bytes"
	"context"
	"runtime"
	"time"

	"mailferry/transfer/mail"
)

// appending watches the appends to one Writer.
type appending struct {
	e       *env
	w       mail.Writer
	sent    []*outcome
	inside  bool // within Append, Flush or Close
	routine string
}

// outcome is what became of one append.
type outcome struct {
	body *watchedBody
	runs int // of done
	uid  mail.UID
	err  error
}

func (e *env) appending(w mail.Writer) *appending {
	return &appending{e: e, w: w, routine: goroutine()}
}

// goroutine names the running goroutine: "goroutine 7".
func goroutine() string {
	buf := make([]byte, 64)
	name, _, _ := bytes.Cut(buf[:runtime.Stack(buf, false)], []byte(" ["))
	return string(name)
}

func (a *appending) letter(n int, flags mail.Flags) *outcome {
	a.e.Helper()
	return a.send(letter(n), flags, letterDate(n))
}

func (a *appending) send(raw []byte, flags mail.Flags, date time.Time) *outcome {
	a.e.Helper()
	o, err := a.try(a.e.ctx, raw, flags, date)
	a.e.ok("Append", err)
	return o
}

func (a *appending) try(ctx context.Context, raw []byte, flags mail.Flags, date time.Time) (*outcome, error) {
	o := &outcome{body: &watchedBody{raw: raw}}
	a.sent = append(a.sent, o)
	origin := mail.Origin{Source: "suite:", Folder: a.e.folder, UIDValidity: 1, UID: mail.UID(len(a.sent))}
	msg := &mail.Message{Origin: origin, Flags: flags, InternalDate: date, Body: o.body}
	a.inside = true
	defer func() { a.inside = false }()
	return o, a.w.Append(ctx, msg, func(uid mail.UID, err error) { a.done(o, uid, err) })
}

func (a *appending) done(o *outcome, uid mail.UID, err error) {
	if o.runs++; o.runs > 1 {
		a.e.Errorf("done ran %d times", o.runs)
	}
	if !a.inside {
		a.e.Errorf("done ran outside of Append, Flush and Close")
	}
	if goroutine() != a.routine {
		a.e.Errorf("done ran on another goroutine than the caller's")
	}
	if fault := o.body.state(); fault != "" {
		a.e.Errorf("when done ran, the body was %s", fault)
	}
	o.uid, o.err = uid, err
}

// flush returns when every append is known to be answered, and well.
func (a *appending) flush() {
	a.e.Helper()
	a.settle()
	for i, o := range a.sent {
		if o.err != nil {
			a.e.Fatalf("Append %d of %d: %v", i+1, len(a.sent), o.err)
		}
	}
}

// settle flushes and holds the store to an answer for everything.
func (a *appending) settle() {
	a.e.Helper()
	a.inside = true
	err := a.w.Flush(a.e.ctx)
	a.inside = false
	a.e.ok("Flush", err)
	a.answered("Flush")
}

func (a *appending) answered(after string) {
	a.e.Helper()
	for i, o := range a.sent {
		if o.runs != 1 {
			a.e.Fatalf("after %s, done of append %d of %d has run %d times", after, i+1, len(a.sent), o.runs)
		}
	}
}

// close ends the Writer, which may answer what is still queued.
func (a *appending) close() {
	a.e.Helper()
	a.inside = true
	a.e.close(a.w)
	a.inside = false
	a.answered("Close")
}
