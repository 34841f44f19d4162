package imapstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"mailferry/transfer/mail"
)

// shelf is an account of folders whose messages, numbered from 1, name their folder and are of one size.
type shelf struct {
	folders map[string]int
	size    int
	odd     func() oddity // what happens to an EXAMINE or FETCH; nil: nothing
}

type oddity int

const (
	refusedAndLeft oddity = 1 + iota // the folder that was open before is no longer
	refusedAndKept                   // it still is
	cutShort                         // the connection ends, amid the answer if there is one
	goodbye                          // it ends with a BYE
	notAll                           // a NO behind a part of the answer
	oddities
)

func newShelf(folders, size int) *shelf {
	s := &shelf{folders: map[string]int{"INBOX": 0}, size: size}
	for i := range folders {
		s.folders[shelfFolder(i)] = 1 + i%7
	}
	return s
}

func shelfFolder(i int) string { return fmt.Sprintf("f%02d", i) }

// server keeps the shelf, for sessions that need no login.
func (s *shelf) server() *fake {
	return &fake{session: s.session,
		greeting: "* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+ UIDPLUS NAMESPACE LIST-EXTENDED LIST-STATUS STATUS=SIZE ESEARCH] hello\r\n"}
}

func (s *shelf) session() func(tag, command string) string {
	open := ""
	return func(_, command string) string {
		verb, args, _ := strings.Cut(strings.TrimPrefix(command, "UID "), " ")
		odd := oddity(0)
		if s.odd != nil && (verb == "EXAMINE" || verb == "FETCH") {
			odd = s.odd()
		}
		switch {
		case verb == "LIST":
			return s.list()
		case verb == "EXAMINE" && odd == 0:
			open = strings.Trim(strings.Fields(args)[0], `"`)
			n := s.folders[open]
			return fmt.Sprintf("* %d EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT %d] x\r\n$ OK\r\n", n, n+1)
		case verb == "FETCH" && open == "":
			return "$ BAD none selected\r\n"
		case verb == "FETCH":
			return s.fetch(open, args, odd)
		case odd == refusedAndLeft:
			open = ""
			return "$ NO cannot\r\n"
		case odd == cutShort:
			return hangUp
		case odd == goodbye:
			return "* BYE bye\r\n" + hangUp
		case odd != 0:
			return "$ NO cannot\r\n"
		}
		return "pass"
	}
}

func (s *shelf) list() string {
	var b strings.Builder
	for name, n := range s.folders {
		fmt.Fprintf(&b, "* LIST () \"/\" %s\r\n* STATUS %s (MESSAGES %d UIDNEXT %d UIDVALIDITY 7 SIZE %d)\r\n", name, name, n, n+1, n*s.size)
	}
	return b.String() + "$ OK\r\n"
}

func (s *shelf) fetch(folder, args string, odd oddity) string {
	set, _, _ := strings.Cut(args, " ")
	uids, err := mail.ParseUIDSet(strings.ReplaceAll(set, "*", "100000"))
	if err != nil {
		return "$ BAD " + err.Error() + "\r\n"
	}
	var b strings.Builder
	for uid := 1; uid <= s.folders[folder]; uid++ {
		switch {
		case !uids.Contains(mail.UID(uid)):
		case uid == 2 && odd == cutShort:
			return b.String() + hangUp
		case uid == 2 && odd == notAll:
			return b.String() + "$ NO some could not be read\r\n"
		default:
			fmt.Fprintf(&b, "* %d FETCH (UID %d FLAGS () INTERNALDATE \"01-Jan-2020 00:00:00 +0000\" %s)\r\n", uid, uid, s.item(folder, uid, args))
		}
	}
	return b.String() + "$ OK\r\n"
}

func (s *shelf) item(folder string, uid int, args string) string {
	if !strings.Contains(args, "BODY.PEEK[]") {
		return fmt.Sprintf("RFC822.SIZE %d", s.size)
	}
	head := subject(folder, mail.UID(uid))
	return fmt.Sprintf("BODY[] {%d}\r\n%s%s", s.size, head, strings.Repeat("x", s.size-len(head)))
}

func subject(folder string, uid mail.UID) string {
	return fmt.Sprintf("Subject: %d of %s\r\n\r\n", uid, folder)
}

var errMixedUp = errors.New("mixed up")

// take reads a folder, after a listing where there are options, and returns an error unless all of it came.
// Anything that is another folder's is errMixedUp.
func (s *shelf) take(ctx context.Context, r mail.Reader, folder string, opts *mail.ListOptions, each func() error) error {
	n := s.folders[folder]
	if got := r.Status().Messages; int(got) != n {
		return fmt.Errorf("%w: %s holds %d messages, told of %d", errMixedUp, folder, n, got)
	}
	var all, listed, came mail.UIDSet
	all.AddRange(1, mail.UID(n))
	if opts != nil {
		err := r.List(ctx, *opts, func(i mail.Info) error { listed.Add(i.UID); return nil })
		if err != nil {
			return err
		}
		if listed.String() != all.String() {
			return fmt.Errorf("%w: %s listed as %s", errMixedUp, folder, listed)
		}
	}
	err := r.Fetch(ctx, all, func(info mail.Info, body io.Reader) error {
		text, err := io.ReadAll(body)
		if err == nil && !strings.HasPrefix(string(text), subject(folder, info.UID)) {
			return fmt.Errorf("%w: uid %d of %s is %.40q", errMixedUp, info.UID, folder, text)
		}
		if came.Add(info.UID); err == nil && each != nil {
			err = each()
		}
		return err
	})
	if err == nil && came.Len() != n {
		err = fmt.Errorf("%s: %d of %d came", folder, came.Len(), n)
	}
	return err
}

// dice are thrown by many.
type dice struct {
	mu  sync.Mutex
	rnd *rand.Rand
}

func newDice(seed uint64) *dice { return &dice{rnd: rand.New(rand.NewPCG(seed, 1))} }

// roll returns less than n.
func (d *dice) roll(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rnd.IntN(n)
}

// once is true once in n times.
func (d *dice) once(n int) bool { return d.roll(n) == 0 }

// left checks that nobody holds a connection any more, nor waits for one.
func (s *Store) left(t *testing.T) {
	t.Helper()
	p := s.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if slots, waiting, lanes := len(p.slots)-p.bound.kept-p.bound.resting, len(s.queue.waiting), len(s.lanes.all); slots+waiting+lanes > 0 {
		t.Errorf("%d connections taken, %d openings waiting, %d lanes", slots, waiting, lanes)
	}
}
