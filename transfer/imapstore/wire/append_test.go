package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"mailferry/transfer/mail"
)

// body counts what becomes of it.
type body struct {
	text             string
	size             int64 // announced
	opened, released int
}

func newBody(text string) *body { return &body{text: text, size: int64(len(text))} }

func (b *body) Size() int64 { return b.size }
func (b *body) Release()    { b.released++ }
func (b *body) Open() (io.ReadCloser, error) {
	b.opened++
	return io.NopCloser(strings.NewReader(b.text)), nil
}

// outcomes collects what done was told, as "1:uid" or "1:kind and words".
type outcomes struct {
	t    *testing.T
	got  []string
	errs map[int]*mail.Error
}

func (o *outcomes) send(c *Conn, n int, b *body) error {
	return o.sendCtx(o.t.Context(), c, n, b, 0)
}

func (o *outcomes) sendCtx(ctx context.Context, c *Conn, n int, b *body, limit int64) error {
	msg := &mail.Message{Body: b, Flags: mail.NewFlags(mail.Seen, "work", "not (an) atom"),
		InternalDate: time.Date(2020, 2, 1, 10, 20, 30, 0, time.FixedZone("", 3600))}
	return c.AppendOne(ctx, "in box", limit, msg, func(uid mail.UID, err error) {
		if b.released != 1 {
			o.t.Errorf("message %d: released %d times before done", n, b.released)
		}
		if err == nil {
			o.got = append(o.got, fmt.Sprintf("%d:%d", n, uid))
			return
		}
		e := mail.ErrorOf(err)
		if o.errs == nil {
			o.errs = make(map[int]*mail.Error)
		}
		o.errs[n] = e
		word := "refused"
		if e.Uncertain {
			word = "uncertain"
		}
		o.got = append(o.got, fmt.Sprintf("%d:%s", n, word))
	})
}

func (o *outcomes) want(want ...string) {
	o.t.Helper()
	if !reflect.DeepEqual(o.got, want) {
		o.t.Errorf("outcomes are %v, want %v", o.got, want)
	}
}

const args = ` APPEND "in box" (\Seen work) " 1-Feb-2020 10:20:30 +0100" {3`

func offering(caps string) string {
	return "S: * PREAUTH [CAPABILITY IMAP4rev1 " + caps + "] hello\n"
}

func TestAppend(t *testing.T) {
	for name, tc := range map[string]struct {
		script string
		want   []string
	}{
		"one after the other, without waiting": {offering("LITERAL+ UIDPLUS") +
			"C: A1" + args + "+}\nC: one\nC: A2" + args + "+}\nC: two\nC: A3" + args + "+}\nC: six\n" +
			"S: A1 OK [APPENDUID 9 11]\nS: * 3 EXISTS\nS: A2 OK [APPENDUID 9 12] done\nS: A3 OK [APPENDUID 9 13]\nwait",
			[]string{"1:11", "2:12", "3:13"}},
		"asking each time": {offering("UIDPLUS") +
			"C: A1" + args + "}\nS: + go\nC: one\nC: A2" + args + "}\nS: A1 OK [APPENDUID 9 11]\nS: + go\nC: two\n" +
			"C: A3" + args + "}\nS: A2 OK [APPENDUID 9 12]\nS: +\nC: six\nS: A3 OK [APPENDUID 9 13]\nwait",
			[]string{"1:11", "2:12", "3:13"}},
		"short ones at once": {offering("LITERAL-") +
			"C: A1" + args + "+}\nC: one\nC: A2" + args + "+}\nC: two\nC: A3" + args + "+}\nC: six\n" +
			"S: A1 OK\nS: A2 OK\nS: A3 OK\nwait",
			[]string{"1:0", "2:0", "3:0"}},
		"all in one command": {offering("LITERAL+ MULTIAPPEND") +
			"C: A1" + args + "+}\nC: one (\\Seen work) \" 1-Feb-2020 10:20:30 +0100\" {3+}\nC: two (\\Seen\nC: six\n" +
			"S: A1 OK [APPENDUID 9 11:13]\nwait",
			[]string{"1:11", "2:12", "3:13"}},
		"one of a batch refused": {offering("LITERAL+ MULTIAPPEND") +
			"C: A1" + args + "+}\nC: one\nC: two\nC: six\nS: A1 NO [TOOBIG] too big\n" +
			"C: A2" + args + "+}\nC: one\nS: A2 OK [APPENDUID 9 11]\n" +
			"C: A3" + args + "+}\nC: two\nS: A3 NO too big\n" +
			"C: A4" + args + "+}\nC: six\nS: A4 OK [APPENDUID 9 12]\nwait",
			[]string{"1:11", "2:refused", "3:12"}},
		"refused with LITERAL+": {offering("LITERAL+") +
			"C: A1" + args + "+}\nC: one\nC: A2\nC: two\nC: A3\nC: six\nS: A1 OK\nS: A2 NO virus\nS: A3 OK\nwait",
			[]string{"1:0", "2:refused", "3:0"}},
		"refused instead of asked for": {offering("") +
			"C: A1\nS: + go\nC: one\nC: A2\nS: A1 OK\nS: A2 NO [TOOBIG] no\nC: A3\nS: + go\nC: six\nS: A3 OK\nwait",
			[]string{"1:0", "2:refused", "3:0"}},
		"codes in lower case, odd codes": {offering("LITERAL+") +
			"C: A1\nC: one\nC: A2\nC: two\nC: A3\nC: six\n" +
			"S: A1 ok [appenduid 9 11] fine\nS: A2 OK [APPENDUID 9] hm\nS: A3 OK [APPENDUID 9 5000000000]\nwait",
			[]string{"1:11", "2:0", "3:0"}},
		"perhaps": {offering("LITERAL+") +
			"C: A1\nC: one\nC: A2\nC: two\nC: A3\nC: six\n" +
			"S: A1 NO [UNAVAILABLE] try later\nS: A2 NO Timeout while writing\nS: A3 NO [SERVERBUG] oops\nwait",
			[]string{"1:uncertain", "2:uncertain", "3:uncertain"}},
		"no room": {offering("LITERAL+") +
			"C: A1\nC: one\nC: A2\nC: two\nC: A3\nC: six\n" +
			"S: A1 OK\nS: A2 NO [OVERQUOTA] full\nS: A3 NO Quota exceeded\nwait",
			[]string{"1:0", "2:refused", "3:refused"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, tc.script)
			o := &outcomes{t: t}
			for i, text := range []string{"one", "two", "six"} {
				if err := o.send(c, i+1, newBody(text)); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			o.want(tc.want...)
			for n, e := range o.errs {
				if e.Scope != mail.ScopeMessage {
					t.Errorf("message %d: scope %d of %v", n, e.Scope, e)
				}
				if strings.Contains(strings.ToLower(e.Error()), "quota") != (e.Kind == mail.KindSpace) {
					t.Errorf("message %d: kind %d of %v", n, e.Kind, e)
				}
			}
			if !c.Usable() {
				t.Error("the connection is given up")
			}
		})
	}
}

func TestAppendWider(t *testing.T) {
	for name, tc := range map[string]struct {
		script string
		want   []string
		scope  mail.Scope
		retry  mail.Retry
		kind   mail.Kind
		after  time.Duration
	}{
		"no such folder": {offering("LITERAL+") + "C: A1\nC: one\nC: A2\nC: two\nS: A1 NO [TRYCREATE] none\nS: A2 NO [TRYCREATE] none\nwait",
			[]string{"1:refused", "2:refused"}, mail.ScopeFolder, mail.RetryNever, mail.KindNotFound, 0},
		"throttled": {offering("LITERAL+") + "C: A1\nC: one\nC: A2\nC: two\nS: A1 OK\nS: A2 BAD Request is throttled. Suggested Backoff Time: 299961 milliseconds\nwait",
			[]string{"1:0", "2:refused"}, mail.ScopeStore, mail.RetryLater, mail.KindThrottle, 299961 * time.Millisecond},
		"cut off": {offering("LITERAL+") + "C: A1\nC: one\nC: A2\nC: two\nS: A1 OK",
			[]string{"1:0", "2:uncertain"}, mail.ScopeStore, mail.RetrySoon, mail.KindConnect, 0},
		"BYE": {offering("LITERAL+ MULTIAPPEND") + "C: A1\nC: one\nC: two\nS: * BYE maintenance",
			[]string{"1:uncertain", "2:uncertain"}, mail.ScopeStore, mail.RetrySoon, mail.KindConnect, 0},
		"cut off while resending": {offering("LITERAL+ MULTIAPPEND") + "C: A1\nC: one\nC: two\nS: A1 NO hm\nC: A2\nC: one",
			[]string{"1:uncertain", "2:uncertain"}, mail.ScopeStore, mail.RetrySoon, mail.KindConnect, 0},
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, tc.script)
			o := &outcomes{t: t}
			for i, text := range []string{"one", "two"} {
				if err := o.send(c, i+1, newBody(text)); err != nil {
					t.Fatal(err)
				}
			}
			e := wantError(t, c.Flush(t.Context()), tc.scope, tc.retry, tc.kind)
			if e.After != tc.after {
				t.Errorf("to be tried again after %v, want %v", e.After, tc.after)
			}
			o.want(tc.want...)
			if c.Usable() {
				t.Error("the connection is still used")
			}
			if err := o.send(c, 3, newBody("six")); err == nil {
				t.Error("a further Append went through")
			}
			if n := len(o.got); n != 3 {
				t.Errorf("done ran %d times for 3 messages", n)
			}
		})
	}
}

func TestAppendTooLarge(t *testing.T) {
	c := dial(t, offering("LITERAL+")+"C: A1\nC: six\nS: A1 OK\nwait")
	o := &outcomes{t: t}
	large := newBody("larger")
	if err := o.sendCtx(t.Context(), c, 1, large, 5); err != nil {
		t.Fatal(err)
	}
	if err := o.sendCtx(t.Context(), c, 2, newBody("six"), 5); err != nil {
		t.Fatal(err)
	}
	if err := c.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.want("1:refused", "2:0")
	if large.opened != 0 || o.errs[1].Kind != mail.KindRefused {
		t.Errorf("opened %d times; %v", large.opened, o.errs[1])
	}
}

// TestAppendShortBody: a body that is shorter than its size would let the server
// take the next command for the rest of it.
func TestAppendShortBody(t *testing.T) {
	c := dial(t, offering("LITERAL+")+"wait")
	o := &outcomes{t: t}
	short := newBody("abc")
	short.size = 10
	err := o.send(c, 1, short)
	wantError(t, err, mail.ScopeStore, mail.RetrySoon, mail.KindOther, "3 octets of 10")
	o.want("1:uncertain")
	if c.Usable() {
		t.Error("the connection is still used")
	}
}

func TestAppendLongBody(t *testing.T) {
	c := dial(t, offering("LITERAL+")+"C: A1\nC: abc\nS: A1 OK\nwait")
	o := &outcomes{t: t}
	long := newBody("abcdef")
	long.size = 3
	if err := o.send(c, 1, long); err != nil {
		t.Fatal(err)
	}
	if err := c.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	o.want("1:0")
}

func TestAppendCancelled(t *testing.T) {
	c := dial(t, offering("LITERAL+")+"C: A1\nC: one\nwait")
	o := &outcomes{t: t}
	if err := o.send(c, 1, newBody("one")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if err := c.Flush(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Flush: %v", err)
	}
	o.want("1:uncertain")
}

func TestAppendAbandoned(t *testing.T) {
	c := dial(t, offering("LITERAL+ MULTIAPPEND")+"wait")
	o := &outcomes{t: t}
	if err := o.send(c, 1, newBody("one")); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	o.want("1:uncertain")
}

// TestAppendWindow: the client neither sends everything before it reads, nor
// waits for each answer.
func TestAppendWindow(t *testing.T) {
	var script bytes.Buffer
	script.WriteString(offering("LITERAL+"))
	for i := 1; i <= windowMessages; i++ {
		fmt.Fprintf(&script, "C: A%d\nC: one\n", i)
	}
	script.WriteString("S: A1 OK\n") // only now can the next one come
	fmt.Fprintf(&script, "C: A%d\nC: one\n", windowMessages+1)
	for i := 2; i <= windowMessages+1; i++ {
		fmt.Fprintf(&script, "S: A%d OK\n", i)
	}
	script.WriteString("wait")
	c := dial(t, script.String())
	o := &outcomes{t: t}
	for i := 1; i <= windowMessages+1; i++ {
		if err := o.send(c, i, newBody("one")); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(o.got) != windowMessages+1 {
		t.Errorf("%d of %d messages answered", len(o.got), windowMessages+1)
	}
}

// TestAppendEarlyOK: messages are not taken for stored as long as the last line of their command
// has not been sent, whatever the server says. A refusal counts.
func TestAppendEarlyOK(t *testing.T) {
	// Three commands that are complete, and one that is not, fill the window.
	script := offering("LITERAL+ UIDPLUS MULTIAPPEND")
	for i := 1; i <= 3; i++ {
		script += fmt.Sprintf("C: A%d APPEND\nL: %d\nC:\n", i, batchBytes+1)
	}
	script += fmt.Sprintf("C: A4 APPEND\nL: %d\n", batchBytes-1)
	send := func(t *testing.T, answer string) (*Conn, *outcomes, error) {
		c := dial(t, script+answer)
		o := &outcomes{t: t}
		for i, n := range []int{batchBytes + 1, batchBytes + 1, batchBytes + 1, batchBytes - 1} {
			if err := o.send(c, i+1, newBody(strings.Repeat("x", n))); err != nil {
				t.Fatal(err)
			}
		}
		return c, o, o.send(c, 5, newBody("one"))
	}
	t.Run("OK", func(t *testing.T) {
		c, o, err := send(t, "S: A4 OK [APPENDUID 9 4]\nwait")
		wantError(t, err, mail.ScopeStore, mail.RetrySoon, mail.KindProtocol, errEarlyOK.Error())
		if o.want("1:uncertain", "2:uncertain", "3:uncertain", "4:uncertain", "5:uncertain"); c.Usable() {
			t.Error("the connection is still used")
		}
	})
	t.Run("NO", func(t *testing.T) {
		c, o, err := send(t, "S: A4 NO [OVERQUOTA] full\nC:\nC: A5\nC: one\nS: A1 OK\nS: A2 OK\nS: A3 OK\nS: A5 OK\nwait")
		if err = errors.Join(err, c.Flush(t.Context())); err != nil {
			t.Fatal(err)
		}
		o.want("4:refused", "1:0", "2:0", "3:0", "5:0")
	})
}

func TestValidFlag(t *testing.T) {
	for flag, want := range map[string]bool{
		`\Seen`: true, "$Forwarded": true, "a-b": true, "[css3-page": true,
		"": false, `\`: false, "a b": false, "a(b": false, "é": false, "a]": false, `a"b`: false, "a\x00": false, `a\b`: false,
	} {
		if got := ValidFlag(flag); got != want {
			t.Errorf("ValidFlag(%q) = %v", flag, got)
		}
	}
}

// TestAppendToOddNames: a name that needs a literal gets one, and where the server would
// have to ask for it nothing is sent.
func TestAppendToOddNames(t *testing.T) {
	c := dial(t, preauth+`
C: A1 APPEND {3+}
C: a
C: b {5+}
L: 5
C:
S: A1 OK [APPENDUID 1 7]
wait`)
	var uid mail.UID
	msg := &mail.Message{Body: mail.BytesBody("hello")}
	if err := c.AppendOne(t.Context(), "a\nb", 0, msg, func(u mail.UID, err error) { uid = u }); err != nil {
		t.Fatal(err)
	}
	if err := c.Flush(t.Context()); err != nil || uid != 7 {
		t.Errorf("uid %d, %v", uid, err)
	}
	c = dial(t, "S: * PREAUTH [CAPABILITY IMAP4rev1] hello\nC: A1 NOOP\nS: A1 OK\nwait")
	ran := 0
	err := c.AppendOne(t.Context(), "a\nb", 0, msg, func(_ mail.UID, err error) { ran++ })
	wantError(t, err, mail.ScopeFolder, mail.RetryNever, mail.KindRefused, "control characters")
	if err := c.Noop(t.Context()); err != nil || ran != 1 {
		t.Errorf("done ran %d times; afterwards %v", ran, err)
	}
}
