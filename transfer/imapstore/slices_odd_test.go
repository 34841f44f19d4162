package imapstore

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"mailferry/transfer/mail"
)

// oddServer has one large folder, which it delivers in its own way.
type oddServer struct {
	messages, size int
	omits          func(uid int) bool // answers with NO and leaves these out where more than one is asked for
	limit          int                // MESSAGELIMIT; 0: none
	jealous        bool               // EXAMINE ends the session that had the folder before
	connections    int                // of the client; 0: 4

	mu    sync.Mutex
	owner net.Conn
}

// asked is the set of a FETCH.
var asked = regexp.MustCompile(`UID FETCH (\S+) `)

func (o *oddServer) text(uid int) string {
	return fmt.Sprintf("Subject: %d\r\n\r\n%s\r\n", uid, strings.Repeat("y", (uid*37)%o.size))
}

func (o *oddServer) serve(conn net.Conn) {
	defer conn.Close()
	w := bufio.NewWriter(conn)
	fmt.Fprint(w, hello)
	w.Flush()
	lines := bufio.NewScanner(conn)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		tag, cmd, _ := strings.Cut(lines.Text(), " ")
		switch {
		case strings.HasPrefix(cmd, "NAMESPACE"):
			fmt.Fprintf(w, "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n")
		case strings.HasPrefix(cmd, "LIST"):
			fmt.Fprintf(w, "* LIST () \"/\" INBOX\r\n")
		case strings.HasPrefix(cmd, "EXAMINE"):
			o.own(conn)
			fmt.Fprintf(w, "* %d EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT %d] x\r\n", o.messages, o.messages+1)
		case strings.HasPrefix(cmd, "UID SEARCH"):
			set := strings.TrimPrefix(strings.Fields(cmd)[len(strings.Fields(cmd))-1], "UID ")
			fmt.Fprint(w, "* SEARCH")
			each(set, o.messages, func(u int) bool { fmt.Fprintf(w, " %d", u); return true })
			fmt.Fprint(w, "\r\n")
		case strings.HasPrefix(cmd, "UID FETCH"):
			set := asked.FindStringSubmatch(cmd)[1]
			sent := 0
			code := ""
			each(set, o.messages, func(u int) bool {
				if o.omits != nil && o.omits(u) && strings.ContainsAny(set, ":,") {
					return true
				}
				if o.limit > 0 && sent == o.limit {
					code = "[MESSAGELIMIT " + strconv.Itoa(o.limit) + " " + strconv.Itoa(u) + "] "
					return false
				}
				sent++
				text := o.text(u)
				fmt.Fprintf(w, "* %d FETCH (UID %d FLAGS (\\Seen) INTERNALDATE \"01-Jan-2020 00:00:00 +0000\" RFC822.SIZE %d", u, u, len(text))
				if strings.Contains(cmd, "BODY") {
					fmt.Fprintf(w, " BODY[] {%d}\r\n%s", len(text), text)
				}
				fmt.Fprint(w, ")\r\n")
				return true
			})
			if code == "" && o.omits != nil && strings.ContainsAny(set, ":,") {
				fmt.Fprintf(w, "%s NO some could not be read\r\n", tag)
				w.Flush()
				continue
			}
			fmt.Fprintf(w, "%s OK %sdone\r\n", tag, code)
			w.Flush()
			continue
		}
		fmt.Fprintf(w, "%s OK done\r\n", tag)
		if w.Flush() != nil {
			return
		}
	}
}

// each calls fn for the UIDs of a set up to n, until it returns false.
func each(set string, n int, fn func(int) bool) {
	for _, p := range strings.Split(set, ",") {
		a, b, ok := strings.Cut(p, ":")
		if !ok {
			b = a
		}
		x, _ := strconv.Atoi(a)
		y, _ := strconv.Atoi(b)
		for u := x; u <= min(y, n); u++ {
			if !fn(u) {
				return
			}
		}
	}
}

func (o *oddServer) own(conn net.Conn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.jealous && o.owner != nil && o.owner != conn {
		o.owner.Close()
	}
	o.owner = conn
}

// open returns a store that knows how much the folder holds, all its connections ready.
func (o *oddServer) open(t *testing.T) *Store {
	t.Helper()
	opts := listen(t, o.serve)
	opts.Connections = cmp.Or(o.connections, 4)
	s := New(opts)
	t.Cleanup(func() { s.Close() })
	if _, err := s.Folders(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	s.names.status["INBOX"] = &mail.Status{Messages: uint32(o.messages), UIDNext: mail.UID(o.messages + 1), Bytes: int64(o.messages * o.size / 2)}
	s.mu.Unlock()
	s.slices = sliceBounds{from: 1, part: 20_000, hold: 40_000}
	s.Prepare(t.Context(), opts.Connections, math.MaxInt64)
	return s
}

// fetch asks for all messages and checks what comes. After an error it may be less.
func (o *oddServer) fetch(t *testing.T, s *Store, uids mail.UIDSet, each func(n int)) error {
	t.Helper()
	r, err := s.OpenReader(t.Context(), mail.NewPath("INBOX"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	seen := map[mail.UID]bool{}
	err = r.Fetch(t.Context(), uids, func(info mail.Info, body io.Reader) error {
		text, err := io.ReadAll(body)
		if err != nil {
			return err
		}
		if seen[info.UID] || string(text) != o.text(int(info.UID)) || !info.Flags.Has(mail.Seen) || info.InternalDate.Year() != 2020 {
			t.Errorf("uid %d comes twice, or is wrong", info.UID)
		}
		seen[info.UID] = true
		each(len(seen))
		return nil
	})
	if err == nil && len(seen) != o.messages {
		t.Errorf("%d of %d messages come", len(seen), o.messages)
	}
	return err
}

func upTo(last mail.UID) (set mail.UIDSet) {
	set.AddRange(1, last)
	return set
}

// TestWhatALargeFolderLeavesOut: parts that are refused or cut short are asked for until everything has come, once.
func TestWhatALargeFolderLeavesOut(t *testing.T) {
	for name, o := range map[string]*oddServer{
		"nothing":     {messages: 1500, size: 2000},
		"some":        {messages: 1500, size: 2000, omits: func(uid int) bool { return uid%17 == 3 }},
		"all":         {messages: 600, size: 2000, omits: func(int) bool { return true }},
		"after seven": {messages: 1500, size: 2000, limit: 7},
	} {
		t.Run(name, func(t *testing.T) {
			for _, set := range []mail.UIDSet{upTo(mail.UID(o.messages)), upTo(1<<32 - 1)} {
				if err := o.fetch(t, o.open(t), set, func(int) {}); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestOneSessionForEachFolder: where a helper's session ends the reader's own, the next try goes without help.
func TestOneSessionForEachFolder(t *testing.T) {
	o := &oddServer{messages: 2000, size: 2000, jealous: true, connections: 2}
	s := o.open(t)
	var err error
	for range 3 {
		if err = o.fetch(t, s, upTo(2000), func(int) {}); err == nil {
			return
		}
	}
	t.Errorf("three tries, each ended by its own helper: %v", err)
}

// TestRefusedPartsKeepNobodyWaiting: what is left out is not the helpers' to ask for, so that they make room.
func TestRefusedPartsKeepNobodyWaiting(t *testing.T) {
	o := &oddServer{messages: 4000, size: 2000, omits: func(uid int) bool { return uid%3 == 1 }}
	s := o.open(t)
	opened := make(chan error, 1)
	err := o.fetch(t, s, upTo(4000), func(n int) {
		switch n {
		case 500:
			go func() {
				other, err := s.OpenReader(context.Background(), mail.NewPath("INBOX"))
				if err == nil {
					other.Close()
				}
				opened <- err
			}()
		case 2000:
			if err := <-opened; err != nil {
				t.Error(err)
			}
		}
	})
	if err != nil {
		t.Error(err)
	}
}
