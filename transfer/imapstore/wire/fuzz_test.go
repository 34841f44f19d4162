package wire

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"testing"

	"mailferry/transfer/mail"
)

// deaf is the writing side of a connection that only listens.
type deaf struct{ io.Reader }

func (deaf) Write(p []byte) (int, error) { return len(p), nil }

// listening is a connection whose server has said all it will ever say.
func listening(said []byte) *Conn {
	c := &Conn{sock: nopConn{}, caps: ParseCaps("LITERAL+ MULTIAPPEND LIST-EXTENDED LIST-STATUS CONDSTORE ESEARCH NAMESPACE ID")}
	stream := deaf{bytes.NewReader(said)}
	c.rd = reader{br: bufio.NewReaderSize(stream, 4096)}
	c.bw = newOutlet(stream)
	return c
}

// FuzzResponses: no answer makes a command panic, hang, or deliver a body that
// is not as long as its size; and none is taken for a tagged OK that is not one.
func FuzzResponses(f *testing.F) {
	for _, said := range []string{
		"* 1 FETCH (UID 7 FLAGS (\\Seen work) INTERNALDATE \" 1-Feb-2020 10:20:30 +0100\" BODY[] {5}\r\nhello)\r\nA1 OK\r\n",
		"* 1 FETCH (BODY[HEADER.FIELDS (DATE)] {3}\r\na:b UID 7 MODSEQ (12) X (a (b) {1}\r\nc))\r\nA1 OK [MESSAGELIMIT 1]\r\n",
		"* LIST (\\Noselect) \"/\" {3}\r\na\"b\r\n* STATUS x (MESSAGES 1 UIDNEXT 99999999999)\r\nA1 OK\r\nA2 OK\r\n",
		"* ESEARCH (TAG \"A1\") UID ALL 1:5,9\r\n* SEARCH 4 5 (MODSEQ 7)\r\nA1 OK\r\n",
		"* NAMESPACE ((\"\" \"/\" \"X\" (\"y\"))) NIL NIL\r\nA1 OK\r\n",
		"* FLAGS (a b)\r\n* 3 EXISTS\r\n* OK [PERMANENTFLAGS (\\*)] x\r\n* VANISHED 1:2\r\nA1 OK [READ-ONLY] x\r\n",
		"* ENABLED QRESYNC\r\n* ID (\"name\" NIL)\r\n+ \r\n* BYE\r\n",
		"A1 OK [APPENDUID 1 2:3]\r\nA2 NO [TOOBIG]\r\n",
	} {
		f.Add([]byte(said))
	}
	f.Fuzz(func(t *testing.T, said []byte) {
		ctx := t.Context()
		seen := make(map[mail.UID]bool)
		_ = listening(said).FetchBodies(ctx, mail.NewUIDSet(1, 7, 9), func(info mail.Info, body io.Reader) error {
			if seen[info.UID] {
				t.Errorf("UID %d was delivered twice", info.UID)
			}
			seen[info.UID] = true
			n, err := io.Copy(io.Discard, body)
			if err == nil && n != info.Size || n > info.Size {
				t.Errorf("%d octets of %d, %v", n, info.Size, err)
			}
			return err
		})
		tagged := bytes.Contains(bytes.ToUpper(said), []byte("A1"))
		for name, call := range map[string]func(*Conn) error{
			"LIST":   func(c *Conn) error { _, err := c.List(ctx, ""); return err },
			"STATUS": func(c *Conn) error { _, err := c.Status(ctx, "x"); return err },
			"SELECT": func(c *Conn) error { _, err := c.Select(ctx, "x"); return err },
			"SEARCH": func(c *Conn) error { _, err := c.Search(ctx, "ALL"); return err },
			"first flight": func(c *Conn) error {
				err := c.afterLogin()
				_, more := c.Survey(ctx, Errand{Folders: true, Names: []string{"a", "b"}})
				return errors.Join(err, more)
			},
			"FETCH": func(c *Conn) error {
				return c.Fetch(ctx, Query{UIDs: "1:*", Items: "UID"}, func(it *Item) error { return nil })
			},
		} {
			if err := call(listening(said)); err == nil && !tagged {
				t.Errorf("%s succeeded without a tagged OK", name)
			}
		}
		fuzzAppend(t, said)
	})
}

func fuzzAppend(t *testing.T, said []byte) {
	c := listening(said)
	ran := make([]int, 3)
	for i := range ran {
		msg := &mail.Message{Body: mail.BytesBody("hello")}
		_ = c.AppendOne(t.Context(), "x", 0, msg, func(mail.UID, error) { ran[i]++ })
	}
	err := c.Flush(t.Context())
	var e *mail.Error
	if err != nil && !errors.As(err, &e) {
		t.Errorf("Flush: %v is not classified", err)
	}
	c.Abandon()
	for i, n := range ran {
		if n != 1 {
			t.Errorf("done ran %d times for message %d", n, i)
		}
	}
}

// nopConn stands for a socket nobody uses.
type nopConn struct{ net.Conn }

func (nopConn) Close() error { return nil }
