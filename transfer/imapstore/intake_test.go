package imapstore

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"mailferry/transfer/mail"
)

// intake is a server that takes messages, and now and then does what servers do when they do not.
type intake struct {
	d     *dice
	rare  int // one APPEND in so many goes another way, each way; 1: none does
	multi bool

	mu    sync.Mutex
	boxes map[string][]string
}

// appendEnd is what becomes of an APPEND.
type appendEnd int

const (
	refusedEarly appendEnd = 1 + iota // before its end
	cutOffEarly
	refusedPlainly
	refusedAsBad
	refusedAsMissing
	saidBye
	unavailable  // it is not said whether it was stored
	cutOffStored // stored, without an answer
)

func (s *intake) serve(conn net.Conn) {
	defer conn.Close()
	caps := "IMAP4rev1 LITERAL+ UIDPLUS NAMESPACE LIST-EXTENDED LIST-STATUS"
	if s.multi {
		caps += " MULTIAPPEND"
	}
	fmt.Fprintf(conn, "* PREAUTH [CAPABILITY %s] hello\r\n", caps)
	session := &intakeSession{intake: s, conn: conn, br: bufio.NewReader(conn)}
	for {
		line, err := session.line()
		if err != nil {
			return
		}
		tag, command, _ := strings.Cut(line, " ")
		answer, last := strings.CutSuffix(session.answer(tag, command), hangUp)
		if _, err := io.WriteString(conn, strings.ReplaceAll(answer, "$", tag)); err != nil || last {
			return
		}
	}
}

type intakeSession struct {
	*intake
	conn net.Conn
	br   *bufio.Reader
}

func (s *intakeSession) line() (string, error) {
	text, err := s.br.ReadString('\n')
	return strings.TrimRight(text, "\r\n"), err
}

func (s *intakeSession) answer(tag, command string) string {
	verb, args, _ := strings.Cut(command, " ")
	name := strings.Trim(strings.SplitN(args, " ", 2)[0], `"`)
	switch verb {
	case "LIST":
		return s.list()
	case "SELECT":
		if s.rare > 1 && s.d.once(200) {
			return "$ NO cannot\r\n"
		}
		n := len(s.box(name))
		return fmt.Sprintf("* %d EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT %d] x\r\n$ OK\r\n", n, n+1)
	case "STATUS":
		n := len(s.box(name))
		return fmt.Sprintf("* STATUS %s (MESSAGES %d UIDNEXT %d UIDVALIDITY 7)\r\n$ OK\r\n", name, n, n+1)
	case "APPEND":
		return s.take(tag, name, command)
	}
	return reply(nil, tag, command)
}

func (s *intake) list() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for name := range s.boxes {
		fmt.Fprintf(&b, "* LIST () \"/\" %s\r\n", name)
	}
	return b.String() + "$ OK\r\n"
}

func (s *intake) box(name string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.boxes[name])
}

// store returns the UIDs.
func (s *intake) store(name string, texts []string) (first, last int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first = len(s.boxes[name]) + 1
	s.boxes[name] = append(s.boxes[name], texts...)
	return first, len(s.boxes[name])
}

func (s *intakeSession) take(tag, name, line string) string {
	end := appendEnd(s.d.roll(s.rare))
	texts, answered, err := s.bodies(tag, line, end)
	switch {
	case err != nil:
		return hangUp
	case answered:
		return ""
	}
	switch end {
	case refusedPlainly:
		return "$ NO no\r\n"
	case refusedAsBad:
		return "$ BAD what\r\n"
	case refusedAsMissing:
		return "$ NO [TRYCREATE] where\r\n"
	case saidBye:
		return "* BYE bye\r\n" + hangUp
	case unavailable:
		if s.d.once(2) {
			s.store(name, texts)
		}
		return "$ NO [UNAVAILABLE] later\r\n"
	}
	first, last := s.store(name, texts)
	if end == cutOffStored {
		return hangUp
	}
	return fmt.Sprintf("* %d EXISTS\r\n$ OK [APPENDUID 7 %d:%d] done\r\n", last, first, last)
}

var literalEnd = regexp.MustCompile(`\{(\d+)\+\}$`)

// bodies reads the rest of an APPEND.
func (s *intakeSession) bodies(tag, line string, end appendEnd) (texts []string, answered bool, err error) {
	for {
		announced := literalEnd.FindStringSubmatch(line)
		if announced == nil {
			return texts, answered, nil
		}
		if end == refusedEarly && !answered && s.d.once(2) {
			fmt.Fprintf(s.conn, "%s NO [OVERQUOTA] full\r\n", tag)
			answered = true
		}
		if end == cutOffEarly && s.d.once(3) {
			return nil, false, io.EOF
		}
		n, err := strconv.Atoi(announced[1])
		if err != nil {
			return nil, false, err
		}
		text := make([]byte, n)
		if _, err := io.ReadFull(s.br, text); err != nil {
			return nil, false, err
		}
		texts = append(texts, string(text))
		if line, err = s.line(); err != nil {
			return nil, false, err
		}
	}
}

// fate is what became of a message.
type fate struct {
	mail.BytesBody
	uid             mail.UID
	err             error
	ended, released int
}

func (f *fate) Release() { f.released++ }

// TestAppendingStorm: many folders share two connections while the server refuses, breaks off and hangs up,
// and writers give up at any time. Each message ends once; it is where it is said to be, it is not there if it
// was refused for certain, and never twice.
func TestAppendingStorm(t *testing.T) {
	const folders = 24
	for seed := range uint64(6) {
		s := &intake{d: newDice(seed), rare: []int{60, 500, 3000}[seed%3], multi: seed%2 == 0, boxes: make(map[string][]string)}
		for i := range folders {
			s.boxes[shelfFolder(i)] = nil
		}
		opts := listen(t, s.serve)
		opts.Connections = 2
		st := New(opts)
		if _, err := st.Folders(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		fates := make([][]*fate, folders)
		var wg sync.WaitGroup
		for i := range folders {
			wg.Go(func() { fates[i] = appendOddly(ctx, st, shelfFolder(i), s.d) })
		}
		wg.Wait()
		if ctx.Err() != nil {
			t.Errorf("seed %d: %v", seed, ctx.Err())
		}
		cancel()
		st.left(t)
		if err := st.Close(); err != nil {
			t.Error(err)
		}
		for i, all := range fates {
			judge(t, fmt.Sprintf("seed %d, %s", seed, shelfFolder(i)), s.box(shelfFolder(i)), all)
		}
	}
}

// appendOddly writes messages of all sizes, unless chance makes it stop before the end.
func appendOddly(ctx context.Context, st *Store, folder string, d *dice) (fates []*fate) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if d.once(100) {
		defer time.AfterFunc(time.Duration(d.roll(8000))*time.Microsecond, cancel).Stop()
	}
	w, err := st.OpenAppender(ctx, mail.NewPath(folder), int64(d.roll(10000)))
	if err != nil {
		return nil
	}
	defer w.Close()
	for n := range 1 + d.roll(40) {
		f := &fate{}
		if size := []int{0, 10, 10, 300, 5000, 90_000, 500_000}[d.roll(7)]; size > 0 {
			f.BytesBody = mail.BytesBody(subject(folder, mail.UID(n)) + strings.Repeat("x", size))
		}
		fates = append(fates, f)
		if w.Append(ctx, &mail.Message{Body: f}, func(uid mail.UID, err error) { f.uid, f.err = uid, err; f.ended++ }) != nil {
			return fates
		}
		if d.once(8) {
			_ = w.(mail.Pusher).Push(ctx)
		}
		if d.once(30) {
			_ = w.Flush(ctx)
		}
	}
	if !d.once(10) { // otherwise all that is on its way is given up
		_ = w.Flush(ctx)
	}
	return fates
}

func judge(t *testing.T, where string, box []string, fates []*fate) {
	t.Helper()
	count := make(map[string]int)
	for _, text := range box {
		count[text]++
	}
	for n, f := range fates {
		text := string(f.BytesBody)
		switch there := count[text]; {
		case f.ended != 1 || f.released != 1:
			t.Errorf("%s: message %d ended %d times, released %d times", where, n, f.ended, f.released)
		case f.err == nil && (f.uid == 0 || int(f.uid) > len(box) || box[f.uid-1] != text):
			t.Errorf("%s: message %d is not at %d", where, n, f.uid)
		case text == "": // one is like the other
		case there > 1:
			t.Errorf("%s: message %d is there %d times", where, n, there)
		case f.err != nil && !mail.ErrorOf(f.err).Uncertain && there > 0:
			t.Errorf("%s: message %d is there: %v", where, n, f.err)
		}
	}
}
